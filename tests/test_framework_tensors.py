"""What prepares inputs gives tensors of every framework, and takes them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dovela import (
    BatchFeature,
    BertTokenizer,
    BertTokenizerFast,
    InputError,
    ViTFeatureExtractor,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Processor,
)
from dovela.tensors import is_tensor, on_host

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "the"]
TEXTS = ["hello world", "the"]
CLIPS = [np.sin(np.arange(n, dtype=np.float32)) for n in (500, 300)]
IMAGE = np.arange(10 * 12 * 3, dtype=np.uint8).reshape(10, 12, 3)


class Framework:
    """jax or tensorflow, by what return_tensors calls them."""

    def __init__(self, code: str) -> None:
        self.code = code

    def array(self, values: Any, dtype: str | None = None) -> Any:
        if self.code == "jax":
            return pytest.importorskip("jax.numpy").asarray(values, dtype)
        return pytest.importorskip("tensorflow").constant(values, dtype)

    def check(self, tensor: Any, dtype: str, shape: tuple[int, ...]) -> None:
        assert is_tensor(tensor, self.code)
        assert getattr(tensor.dtype, "name", str(tensor.dtype)) == dtype
        assert tuple(tensor.shape) == shape


@pytest.fixture(params=["jax", "tf"])
def framework(request):
    found = Framework(request.param)
    found.array([0])  # or skip
    return found


@pytest.fixture(params=[BertTokenizer, BertTokenizerFast])
def tokenizer(request, tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join(WORDS))
    return request.param(vocab_file=str(file))


@pytest.fixture
def characters(tmp_path):
    file = tmp_path / "vocab.json"
    file.write_text(json.dumps({c: i for i, c in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDE"])}))
    return Wav2Vec2CTCTokenizer(vocab_file=str(file))


def test_texts_to_tensors_and_back(tokenizer, framework):
    batch = tokenizer(TEXTS, padding=True, return_tensors=framework.code)
    expected = tokenizer(TEXTS, padding=True)
    for name, tensor in batch.items():
        framework.check(tensor, "int32", (2, 4))
        np.testing.assert_array_equal(tensor, expected[name])
    assert tokenizer.batch_decode(batch["input_ids"], skip_special_tokens=True) == TEXTS
    assert tokenizer.decode(batch["input_ids"][0]) == "[CLS] hello world [SEP]"
    assert tokenizer.decode(batch["input_ids"][0][1]) == "hello"
    assert tokenizer.convert_ids_to_tokens(batch["input_ids"][1]) == ["[CLS]", "the", "[SEP]", "[PAD]"]
    assert tokenizer.get_special_tokens_mask(batch["input_ids"][1], already_has_special_tokens=True) == [1, 0, 1, 1]


def test_rows_of_tensors_are_padded(tokenizer, framework):
    rows = [framework.array([2, 5, 3], "int32"), framework.array([2, 5, 6, 3], "int32")]
    for given in ({"input_ids": rows}, [{"input_ids": row, "labels": 1} for row in rows]):
        for wanted in (framework.code, None):  # without: as they were given
            padded = tokenizer.pad(given, return_tensors=wanted)
            framework.check(padded["input_ids"], "int32", (2, 4))
            np.testing.assert_array_equal(padded["input_ids"][0], [2, 5, 3, 0])
            np.testing.assert_array_equal(padded["attention_mask"], [[1, 1, 1, 0], [1, 1, 1, 1]])


def test_a_batch_is_turned_into_tensors_of_another_framework(tokenizer, framework):
    lists = tokenizer(TEXTS, padding=True)
    framework.check(lists.convert_to_tensors(framework.code)["input_ids"], "int32", (2, 4))
    batch = tokenizer(TEXTS, padding=True, return_tensors=framework.code)
    assert isinstance(batch.convert_to_tensors("np")["input_ids"], np.ndarray)


def test_images(framework):
    pytest.importorskip("PIL")
    extractor = ViTFeatureExtractor(size=8)
    expected = extractor([IMAGE, IMAGE], return_tensors="np")["pixel_values"]
    image = framework.array(IMAGE)
    batch = framework.array(np.stack([IMAGE, IMAGE]))
    for images in ([image, image], batch, [IMAGE, image]):
        made = extractor(images, return_tensors=framework.code)["pixel_values"]
        framework.check(made, "float32", (2, 3, 8, 8))
        np.testing.assert_array_equal(made, expected)
    for dtype, exact in (("float32", 1e-2), ("float16", 2e-2), ("bfloat16", 5e-2)):
        unit = framework.array((IMAGE / 255).astype(np.float32))
        if dtype != "float32":
            unit = unit.astype(dtype) if framework.code == "jax" else _cast(unit, dtype)
        made = extractor(unit, return_tensors=framework.code)["pixel_values"]
        framework.check(made, "float32", (1, 3, 8, 8))
        np.testing.assert_allclose(made, expected[:1], atol=exact)


def _cast(tensor: Any, dtype: str) -> Any:
    return pytest.importorskip("tensorflow").cast(tensor, dtype)


def test_sound(framework):
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=True)
    options: dict[str, Any] = {"sampling_rate": 16000, "padding": True}
    expected = extractor(CLIPS, return_tensors="np", **options)
    for clips in (CLIPS, [framework.array(clip) for clip in CLIPS]):
        made = extractor(clips, return_tensors=framework.code, **options)
        framework.check(made["input_values"], "float32", (2, 500))
        framework.check(made["attention_mask"], "int32", (2, 500))
        for name, tensor in made.items():
            np.testing.assert_array_equal(tensor, expected[name])
    one = extractor(framework.array(CLIPS[0]), sampling_rate=16000, return_tensors=framework.code)
    framework.check(one["input_values"], "float32", (1, 500))
    rows = {"input_values": [framework.array(clip) for clip in CLIPS]}
    framework.check(
        extractor.pad(rows, padding=True, return_tensors=framework.code)["input_values"], "float32", (2, 500)
    )


def test_a_processor_prepares_sound_and_labels(characters, framework):
    processor = Wav2Vec2Processor(feature_extractor=Wav2Vec2FeatureExtractor(), tokenizer=characters)
    options: dict[str, Any] = {"padding": True, "return_tensors": framework.code}
    made = processor(CLIPS, sampling_rate=16000, text=["AB", "C"], **options)
    framework.check(made["input_values"], "float32", (2, 500))
    framework.check(made["labels"], "int32", (2, 2))
    np.testing.assert_array_equal(made["labels"], [[5, 6], [7, 0]])
    labels = [{"input_ids": [5, 6]}, {"input_ids": [7]}]
    padded = processor.pad([{"input_values": clip} for clip in CLIPS], labels=labels, **options)
    framework.check(padded["labels"], "int32", (2, 2))


def test_scores_of_speech_are_read(characters, framework):
    ids = framework.array([[5, 5, 0, 6, 4], [7, 0, 7, 7, 0]])
    assert characters.batch_decode(ids) == ["AB", "CC"]
    assert characters.decode(ids[1]) == "CC"
    offsets = characters.decode(ids[0], output_char_offsets=True).char_offsets
    assert [(found["char"], found["start_offset"]) for found in offsets] == [("A", 0), ("B", 3), (" ", 4)]


def test_features_are_turned_into_tensors(framework):
    features = BatchFeature({"input_values": [clip[:300] for clip in CLIPS]})
    framework.check(features.convert_to_tensors(framework.code)["input_values"], "float32", (2, 300))
    back = BatchFeature({"input_values": framework.array(CLIPS[0])}, tensor_type="np")
    assert isinstance(back["input_values"], np.ndarray)


def test_an_array_of_any_framework_is_read(framework):
    half = framework.array([1.5, 2.5])
    half = half.astype("bfloat16") if framework.code == "jax" else _cast(half, "bfloat16")
    read = on_host("here", half)
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, [1.5, 2.5])
    np.testing.assert_array_equal(on_host("here", framework.array([1, 2])), [1, 2])


def test_what_is_only_traced_is_refused(framework):
    extractor = Wav2Vec2FeatureExtractor()

    def use(clip: Any) -> Any:
        with pytest.raises(InputError) as caught:
            extractor(clip, sampling_rate=16000)
        assert "cannot be read as an array (" in str(caught.value)
        assert "Within jax.jit, jax.grad or tf.function there are no values yet: do this before." in str(caught.value)
        return clip

    clip = framework.array(CLIPS[0])
    if framework.code == "jax":
        pytest.importorskip("jax").jit(use)(clip)
    else:
        pytest.importorskip("tensorflow").function(use, autograph=False)(clip)
