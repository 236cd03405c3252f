"""The rules of inputs, which every framework shares: with sizes that are not known, values that cannot be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovela import BertConfig, DistilBertConfig, InputError, ViTConfig, Wav2Vec2Config
from dovela.audio_rules import check_audio, check_voices, voice_field
from dovela.image_rules import check_images
from dovela.input_rules import Arrays, fits, flag
from dovela.text_rules import check_text

TEXT = BertConfig(vocab_size=61, hidden_size=48, num_hidden_layers=1, num_attention_heads=4, max_position_embeddings=40)
IMAGE = ViTConfig(image_size=(8, 12), patch_size=4, num_channels=3)
SOUND = Wav2Vec2Config()
IDS = np.arange(1, 25).reshape(2, 12)


class Plain(Arrays):
    """NumPy arrays, under the name of any framework."""

    def __init__(self, word: str = "jax", code: str = "jax") -> None:
        self.word, self.code = word, code

    def is_array(self, x: Any) -> bool:
        return isinstance(x, np.ndarray)

    def values(self, x: Any) -> Any:
        return x


class Traced(Plain):
    """Arrays without values, whose sizes may be unknown: None."""

    def shape(self, x: Any) -> tuple[Any, ...]:
        return x.given

    def is_array(self, x: Any) -> bool:
        return isinstance(x, Symbol)

    def values(self, x: Any) -> Any:
        return None


class Symbol:
    def __init__(self, *shape: int | None, dtype: str = "int32") -> None:
        self.given, self.dtype = shape, dtype


JAX, TF, TRACED = Plain(), Plain("tensorflow", "tf"), Traced()


@pytest.mark.parametrize(
    ("arrays", "inputs", "message"),
    [
        (JAX, {}, "model input: expected input_ids or inputs_embeds, and neither is given"),
        (
            JAX,
            {"input_ids": [[1]]},
            'input_ids: expected a jax or numpy array, got list. Tokenise with return_tensors="jax".',
        ),
        (
            TF,
            {"input_ids": [[1]]},
            'input_ids: expected a tensorflow or numpy array, got list. Tokenise with return_tensors="tf".',
        ),
        (
            JAX,
            {"input_ids": IDS.astype(np.float32)},
            'input_ids: expected int64 or int32, got float32. Ids are whole numbers: use .astype("int32").',
        ),
        (
            TF,
            {"input_ids": IDS.astype(np.uint8)},
            'input_ids: expected int64 or int32, got uint8. Ids are whole numbers: use tf.cast(ids, "int32").',
        ),
        (JAX, {"input_ids": IDS[0]}, r"got the shape [12]. One text alone is a batch of one: ids[None]."),
        (JAX, {"input_ids": IDS + 40}, "input_ids: 64 at [1, 11] is outside 0 … 60 (vocab_size 61)"),
        (JAX, {"input_ids": IDS[:, :0]}, "the sequences are empty"),
        (JAX, {"input_ids": IDS, "position_ids": IDS[0] + 30}, "position_ids: 42 at [11] is outside 0 … 39"),
        (JAX, {"input_ids": IDS, "token_type_ids": IDS}, "token_type_ids: 24 at [1, 11] is outside 0 … 1"),
        (
            JAX,
            {"input_ids": IDS, "attention_mask": IDS},
            "attention_mask: has values other than 0 and 1. 1 = a real token, 0 = padding.",
        ),
        (
            JAX,
            {"input_ids": IDS, "attention_mask": IDS[:1]},
            "expected the shape [2, 12] of the input, or [2, 12, 12], got [1, 12]",
        ),
        (JAX, {"inputs_embeds": IDS}, "expected floating-point (batch, sequence, 48), got int64"),
        (
            JAX,
            {"inputs_embeds": np.zeros((2, 3, 4))},
            "expected floating-point (batch, sequence, 48), got [2, 3, 4]",
        ),
        (JAX, {"inputs_embeds": [[1.0]]}, "expected floating-point (batch, sequence, 48), got list"),
        (JAX, {"input_ids": np.zeros((1, 41), int)}, "sequences of 41 tokens, and the model has 40 positions"),
    ],
)
def test_text(arrays, inputs, message):
    with pytest.raises(InputError) as caught:
        check_text(arrays, TEXT, **inputs)
    assert message in str(caught.value)


def test_text_that_is_fine():
    mask = np.zeros((2, 12), bool)  # a row that is all padding attends to everything
    check_text(JAX, TEXT, IDS, mask, IDS % 2, np.arange(12), None)
    check_text(JAX, TEXT, IDS.astype(np.int32), np.ones((2, 12, 12)), None, np.arange(12)[None], None)
    check_text(JAX, TEXT, inputs_embeds=np.zeros((2, 3, 48), np.float16))


def test_the_number_of_places_counts_where_positions_are_a_table():
    long = np.zeros((1, 41), int)
    check_text(JAX, TEXT, long, limited=False)
    with pytest.raises(InputError, match="41 tokens"):
        check_text(JAX, TEXT, long)


def test_sizes_that_are_not_known_are_taken_as_they_come():
    check_text(TRACED, TEXT, Symbol(None, None), Symbol(None, None), Symbol(None, 12), Symbol(None))
    check_text(TRACED, TEXT, Symbol(2, None), Symbol(2, None, None, dtype="bool"))
    check_images(TRACED, IMAGE, Symbol(None, 3, None, None, dtype="float32"), Symbol(None, 6, dtype="bool"))
    check_audio(TRACED, SOUND, Symbol(None, None, dtype="bfloat16"), Symbol(None, None), Symbol(None, None))


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (lambda: check_text(TRACED, TEXT, Symbol(None, 41)), "sequences of 41 tokens"),
        (lambda: check_text(TRACED, TEXT, Symbol(None, 0)), "the sequences are empty"),
        (lambda: check_text(TRACED, TEXT, Symbol(None, None), Symbol(2)), "attention_mask: expected the shape"),
        (lambda: check_text(TRACED, TEXT, Symbol(2, None), Symbol(3, None)), "attention_mask: expected the shape"),
        (lambda: check_images(TRACED, IMAGE, Symbol(None, 3, 8, 8, dtype="float32")), "8 × 12 pixels, got 8 × 8"),
        (lambda: check_images(TRACED, IMAGE, Symbol(None, 8, 12, 3, dtype="float32")), "jnp.moveaxis"),
        (lambda: check_audio(TRACED, SOUND, Symbol(None, 100, dtype="float32")), "clips of 100 samples"),
    ],
)
def test_what_is_known_is_checked(check, message):
    with pytest.raises(InputError) as caught:
        check()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "pixels", "others", "message"),
    [
        (TF, None, {}, 'none are given. Prepare images with a feature extractor and return_tensors="tf".'),
        (JAX, np.zeros((1, 3, 8, 12), np.uint8), {}, "expected floating-point numbers, got uint8"),
        (
            TF,
            np.zeros((1, 8, 12, 3)),
            {},
            "The channels come before height and width: tf.transpose(pixel_values, [0, 3, 1, 2]).",
        ),
        (JAX, np.full((1, 3, 8, 12), np.nan, np.float32), {}, "pixel_values: has values that are NaN or infinite"),
        (
            JAX,
            np.zeros((1, 3, 8, 12)),
            {"bool_masked_pos": np.zeros((1, 5))},
            "expected the shape [1, 6], one for each of 2 × 3 patches, got [1, 5]",
        ),
        (JAX, np.zeros((1, 3, 2, 12)), {"interpolate_pos_encoding": True}, "smaller than a patch"),
        (JAX, np.zeros((1, 3, 8, 12)), {"interpolate_pos_encoding": 1}, "expected True or False, got 1"),
    ],
)
def test_images(arrays, pixels, others, message):
    with pytest.raises(InputError) as caught:
        check_images(arrays, IMAGE, pixels, **others)
    assert message in str(caught.value)


def test_images_that_are_fine():
    check_images(JAX, IMAGE, np.zeros((1, 3, 8, 12)), np.ones((1, 6), bool))
    check_images(JAX, IMAGE, np.zeros((1, 3, 20, 12)), np.ones((1, 15)), True)


CLIPS = np.zeros((2, 1000), np.float32)


@pytest.mark.parametrize(
    ("samples", "mask", "message"),
    [
        (None, None, "input_values: is missing"),
        ([[0.0]], None, 'expected a jax or numpy array, got list. Extract with return_tensors="jax".'),
        (np.zeros((2, 1000), int), None, "expected floating-point samples, got int64"),
        (np.zeros(1000), None, "One clip alone is a batch of one: samples[None]."),
        (CLIPS[:0], None, "the batch is empty"),
        (np.where(np.arange(1000) == 5, np.inf, CLIPS), None, "input_values: inf at [0, 5] is not a finite number"),
        (np.where(np.arange(1000) == 5, np.nan, CLIPS), None, "input_values: nan at [0, 5] is not a finite number"),
        (CLIPS, np.ones((2, 999)), "expected the shape [2, 1000] of the input, got [2, 999]"),
        (CLIPS, np.full((2, 1000), 2), "1 = a real sample, 0 = padding."),
        (CLIPS, np.arange(1000) < np.array([[1000], [399]]), "row 1 has 399 real samples, and one frame takes 400"),
        (CLIPS, np.arange(1000) < np.array([[0], [1000]]), "row 0 has 0 real samples"),
        (
            CLIPS,
            np.stack([np.ones(1000, bool), np.arange(1000) % 300 > 0]),
            "row 1 has no frame of 400 real samples without a gap",
        ),
    ],
)
def test_sound(samples, mask, message):
    with pytest.raises(InputError) as caught:
        check_audio(JAX, SOUND, samples, mask)
    assert message in str(caught.value)


def test_sound_that_is_fine():
    lengths = np.array([[1000], [400]])
    check_audio(JAX, SOUND, CLIPS, np.arange(1000) < lengths)
    check_audio(JAX, SOUND, CLIPS, np.arange(1000) >= 1000 - np.array([[1000], [720]]))  # padding in front
    check_audio(JAX, SOUND, CLIPS, None, np.zeros((2, SOUND.frames(1000, adapter=False))))


@pytest.mark.parametrize("seed", range(20))
def test_a_row_is_refused_exactly_if_no_frame_of_it_is_real(seed):
    rng = np.random.default_rng(seed)
    config = Wav2Vec2Config(conv_dim=[4, 4], conv_kernel=[3, 2], conv_stride=[2, 2])
    mask = rng.random((3, 40)) < 0.75
    starts = range(0, 40 - config.receptive_field + 1, config.inputs_to_logits_ratio)
    heard = [any(row[s : s + config.receptive_field].all() for s in starts) for row in mask]
    if all(heard):
        check_audio(JAX, config, np.zeros((3, 40)), mask)
    else:
        with pytest.raises(InputError, match=f"row {heard.index(False)} has"):
            check_audio(JAX, config, np.zeros((3, 40)), mask)


def test_frames_enough_for_a_voice():
    config = Wav2Vec2Config(tdnn_dim=[4, 4, 4], tdnn_kernel=[3, 3, 1], tdnn_dilation=[1, 2, 5])
    assert voice_field(config) == 7
    rng = np.random.default_rng(0)
    real = rng.random((40, 30)) < 0.9
    for row in real:
        vectors = sum(row[start : start + 7].all() for start in range(24))
        if vectors >= 2:
            check_voices(JAX, np.zeros((1, 30, 4)), row[None], 7)
        else:
            with pytest.raises(InputError, match=rf"row 0 has {row.sum()} frames, a voice takes at least 8"):
                check_voices(JAX, np.zeros((1, 30, 4)), row[None], 7)
    with pytest.raises(InputError, match="input_values: clips of 7 frames, and a voice takes at least 8"):
        check_voices(JAX, np.zeros((2, 7, 4)), None, 7)
    check_voices(JAX, np.zeros((2, 8, 4)), np.ones((2, 8), bool), 7)
    check_voices(TRACED, Symbol(None, None, 4), Symbol(None, None), 7)


def test_shapes_fit_as_far_as_they_are_known():
    assert fits((2, 3), (2, 3))
    assert fits((None, 3), (2, None))
    assert not fits((2, 3), (2, 4))
    assert not fits((2,), (2, None))


def test_kinds_of_numbers():
    dtypes = {"int8": "i", "uint16": "u", "float16": "f", "bool": "b", "complex64": "c"}
    assert {name: JAX.kind(np.zeros(1, name)) for name in dtypes} == dtypes
    assert TRACED.kind(Symbol(dtype="bfloat16")) == "f"
    assert TRACED.ends(Symbol(3)) is None
    assert JAX.ends(np.zeros(0)) is None


def test_a_framework_says_itself_what_its_arrays_are():
    for method in (Arrays().is_array, Arrays().values):
        with pytest.raises(NotImplementedError):
            method(IDS)


def test_a_flag_is_true_or_false():
    assert flag("train", None, True)
    assert not flag("train", False, True)
    with pytest.raises(InputError, match=r"^train: expected True or False, got 0$"):
        flag("train", 0, True)


def test_an_architecture_without_token_types_says_so():
    config = DistilBertConfig(vocab_size=61)
    with pytest.raises(InputError, match=r"^token_type_ids: this architecture has no token types$"):
        check_text(JAX, config, IDS, token_type_ids=IDS * 0)
