"""Wav2Vec2 in Keras: torch's numbers from torch's file, what it refuses, what it masks and trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
import in_keras
import sounds
from architectures import config_of
from dovela import ConfigError, InputError

keras = pytest.importorskip("keras")
from keras_parity import assert_same, pair  # noqa: E402
from peers import keras_on_jax  # noqa: E402

STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
ADAPTER = {"add_adapter": True, "output_hidden_size": 40, "ctc_zero_infinity": True}
HEADS = sounds.HEADS
CASES: list[tuple[str, dict[str, Any]]] = [
    *((head, {}) for head in HEADS),
    ("ForCTC", STABLE),
    ("ForCTC", ADAPTER),
    ("ForCTC", {"ctc_loss_reduction": "none", "num_conv_pos_embeddings": 9}),
    ("Model", {**STABLE, "adapter_attn_dim": 8}),
    ("ForSequenceClassification", {"use_weighted_layer_sum": True, "pruned_heads": {1: [0, 2]}}),
    ("ForXVector", {"use_weighted_layer_sum": True, "tdnn_dim": [24], "tdnn_kernel": [1], "tdnn_dilation": [2]}),
]


@pytest.mark.parametrize(("head", "changes"), CASES, ids=[f"{h}-{'-'.join(c)}" for h, c in CASES])
def test_it_does_what_torch_does(head: str, changes: dict[str, Any], tmp_path: Path) -> None:
    theirs, ours = pair(f"Wav2Vec2{head}", tmp_path, **changes)
    assert_same(ours, theirs, sounds.sounds(f"Wav2Vec2{head}", np.random.default_rng(1)), 2e-5)


def small(head: str, **changes: Any) -> Any:
    keras.utils.set_random_seed(0)
    cls = getattr(dovela, f"TFWav2Vec2{head}")
    return cls(cls.config_class(**{**config_of(f"Wav2Vec2{head}"), **changes}))


def test_padding_changes_nothing() -> None:
    model, inputs = (
        small("ForSequenceClassification", **STABLE),
        sounds.sounds("Wav2Vec2Model", np.random.default_rng(2)),
    )
    samples, mask = inputs["input_values"], inputs["attention_mask"]
    together = np.asarray(model(samples, mask).logits)
    for row, length in enumerate(mask.sum(1)):
        np.testing.assert_allclose(model(samples[row : row + 1, :length]).logits[0], together[row], atol=1e-5)


SOUND = np.sin(np.arange(1800, dtype=np.float32).reshape(2, 900) * 0.1)
SHORT, FEW = ((np.arange(900) < np.array([[900], [samples]])).astype(np.int64) for samples in (39, 120))
BAD: list[tuple[str, dict[str, Any], str]] = [
    ("Model", {}, "input_values: is missing. Give samples"),
    ("Model", {"input_values": SOUND.astype(np.int16)}, "floating-point samples, got int16"),
    ("Model", {"input_values": SOUND[0]}, r"the shape \[900\]. One clip alone is a batch of one"),
    ("Model", {"input_values": SOUND[:, :39]}, "clips of 39 samples, and one frame takes 40"),
    ("Model", {"input_values": SOUND, "attention_mask": SHORT}, "row 1 has 39 real samples, and one frame takes 40"),
    (
        "Model",
        {"input_values": SOUND, "mask_time_indices": SHORT[:, :7]},
        r"expected the shape \[2, 44\] of the frames",
    ),
    ("ForCTC", {"input_values": SOUND, "labels": np.array([[1.0], [2.0]])}, "of character ids, got float"),
    ("ForCTC", {"input_values": SOUND, "labels": np.array([[1], [99]])}, r"99 at \[1, 0\] is outside 0 … 31"),
    ("ForCTC", {"input_values": SOUND, "labels": np.ones((2, 30), int)}, "30 characters, which take 59 frames"),
    ("ForPreTraining", {"input_values": SOUND, "sampled_negative_indices": np.zeros((2, 44, 3), int)}, "is given, and"),
    (
        "ForPreTraining",
        {"input_values": SOUND, "mask_time_indices": np.zeros((2, 44), int)},
        "masks no frame, so there",
    ),
    (
        "ForPreTraining",
        {"input_values": SOUND, "gumbel_temperature": 0},
        "gumbel_temperature: expected a number above 0",
    ),
    ("ForXVector", {"input_values": SOUND[:, :120]}, "clips of 5 frames, and a voice takes at least 8"),
    ("ForXVector", {"input_values": SOUND, "attention_mask": FEW}, "row 1 has 5 frames, a voice takes at least 8"),
    ("ForXVector", {"input_values": SOUND, "labels": np.array([0, 3])}, "labels: .* outside 0 … 2"),
]


@pytest.mark.parametrize(("head", "inputs", "message"), BAD, ids=[message[:40] for *_, message in BAD])
def test_bad_input_is_refused(head: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small(head)(**inputs)


def test_negatives_are_frames_of_the_batch() -> None:
    from dovela.audio_rules import check_negatives
    from dovela.keras.inputs import ARRAYS

    for bad, message in (
        (np.zeros((2, 44, 3)), "of whole numbers, got float"),
        (np.zeros((2, 40, 3), int), r"expected the shape \[2, 44, 'negatives'\], got \[2, 40, 3\]"),
        (np.full((2, 44, 3), 88), "has indices outside 0 … 87, the frames of the batch"),
    ):
        with pytest.raises(InputError, match=message):
            check_negatives(ARRAYS, bad, (2, 44))


def test_what_cannot_be_configured_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"does not take an adapter\. Set add_adapter=False"):
        small("ForSequenceClassification", add_adapter=True)
    with pytest.raises(ConfigError, match="pad_token_id is None, and CTC needs it for its blank"):
        small("ForCTC", pad_token_id=None)
    with pytest.raises(InputError, match="has no vector for them"):
        small("Model", mask_time_prob=0.0)(SOUND, mask_time_indices=np.ones((2, 44), int))
    with pytest.raises(InputError, match=r"masks no frames \(apply_spec_augment is False\)"):
        small("Model", apply_spec_augment=False)(SOUND, mask_time_indices=np.ones((2, 44), int))


def test_spans_lie_within_what_is_real() -> None:
    from dovela.keras.spec_augment import random_spans

    seed = keras.random.SeedGenerator(0)
    real = np.arange(200) < np.array([[200], [60], [4], [0]])
    masked = np.asarray(random_spans(keras.ops.convert_to_tensor(real), 0.5, 5, 2, seed))
    assert not (masked & ~real).any()
    assert not masked[2:].any()  # too short for a span
    assert 40 <= masked[0].sum() <= 105
    runs = np.diff(np.flatnonzero(np.diff(np.pad(masked[0], 1).astype(int))))[::2]
    assert (runs >= 5).all()
    assert not np.asarray(random_spans(keras.ops.convert_to_tensor(real[:, :3]), 0.5, 5, 2, seed)).any()


def test_frames_and_channels_are_masked_in_training_alone() -> None:
    from dovela.keras.spec_augment import SpecAugment

    config = dovela.Wav2Vec2Config(mask_time_prob=0.3, mask_time_length=3, mask_feature_prob=0.3, mask_feature_length=4)
    augment, x = SpecAugment(config), keras.ops.ones((2, 50, 24))
    vector = keras.ops.full((24,), 7.0)
    seen = np.asarray(augment(x, vector, training=True))
    assert set(np.unique(seen)) == {0.0, 1.0, 7.0}
    assert ((seen == 0).all(1) | (seen != 0).all(1)).all()  # whole channels
    np.testing.assert_array_equal(augment(x, vector, training=False), x)


@pytest.mark.parametrize("head", ["ForCTC", *(pytest.param(h, marks=pytest.mark.slow) for h in HEADS[2:])])
def test_fit_learns(head: str) -> None:
    inputs = sounds.sounds(f"Wav2Vec2{head}", np.random.default_rng(1))
    spans = {"mask_feature_prob": 0.1, "mask_feature_length": 3}
    model = small(head, hidden_dropout=0.0, layerdrop=0.0, initializer_range=0.1, **spans)
    model.freeze_feature_encoder()
    before = [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.backbone.features.weights]
    model.compile(keras.optimizers.Adam(3e-3), jit_compile=False)
    losses = model.fit(inputs, batch_size=len(inputs["input_values"]), epochs=4, verbose=0).history["loss"]
    assert min(losses[1:]) < losses[0]
    for weight, value in zip(model.backbone.features.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), value)


def test_labels_of_characters_may_come_as_y() -> None:
    inputs = sounds.sounds("Wav2Vec2ForCTC", np.random.default_rng(1))
    labels = inputs.pop("labels")
    losses = []
    for x, y in (({**inputs, "labels": labels}, None), (inputs, labels)):
        model = small("ForCTC", ctc_loss_reduction="none")
        model.compile("sgd", jit_compile=False)
        losses.append(model.evaluate(x, y, batch_size=5, verbose=0))
    assert losses[0] == pytest.approx(losses[1])


def test_labels_of_voices_may_come_as_y() -> None:
    """And what they are compared with learns from them, on JAX too."""
    inputs = sounds.sounds("Wav2Vec2ForXVector", np.random.default_rng(1), batch=2, samples=500)
    labels, learnt = inputs.pop("labels"), []
    for x, y in (({**inputs, "labels": labels}, None), (inputs, labels)):
        model = small("ForXVector", hidden_dropout=0.0, layerdrop=0.0)
        before = np.array(keras.ops.convert_to_numpy(model.margin.weight))
        model.compile(keras.optimizers.Adam(1e-3), run_eagerly=True)
        model.fit(x, y, batch_size=2, verbose=0)
        learnt.append(np.abs(keras.ops.convert_to_numpy(model.margin.weight) - before).max())
    assert learnt == pytest.approx([1e-3, 1e-3], rel=0.01)  # Adam's first step


def test_the_statistics_of_a_channel_that_is_off() -> None:
    """Its deviation is 0, and so is its gradient, with padding and without."""
    from dovela.keras.xvector import statistics
    from dovela.torch.xvector import StatisticsPooling

    rng = np.random.default_rng(0)
    x, weight = np.maximum(rng.standard_normal((2, 9, 5)), 0).astype("f"), rng.standard_normal((2, 10)).astype("f")
    x[:, :, 2] = 0
    for real in (None, np.arange(9) < np.array([[9], [4]])):
        there = torch.from_numpy(x).requires_grad_()
        theirs = StatisticsPooling()(there, None if real is None else torch.from_numpy(real))
        (theirs * torch.from_numpy(weight)).sum().backward()
        ours, slopes = value_and_slopes(lambda x, real=real: statistics(x, real), x, weight)
        np.testing.assert_allclose(ours, theirs.detach(), atol=1e-6)
        np.testing.assert_allclose(slopes, there.grad, atol=1e-6)


def value_and_slopes(function: Any, x: Any, weight: Any) -> tuple[Any, Any]:
    """What a function gives, and the gradient of its weighted sum."""
    if keras.backend.backend() == "jax":
        import jax

        return function(x), jax.grad(lambda x: (function(x) * weight).sum())(x)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(x := tf.convert_to_tensor(x))
        made = function(x)
        total = tf.reduce_sum(made * weight)
    return made, tape.gradient(total, x)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_voices_in_half_precision(policy: str) -> None:
    inputs = sounds.sounds("Wav2Vec2ForXVector", np.random.default_rng(1))
    keras.utils.set_random_seed(0)
    config = dovela.Wav2Vec2Config(**config_of("Wav2Vec2ForXVector"), initializer_range=0.1)
    output = dovela.TFWav2Vec2ForXVector(config, dtype=policy)(**inputs)
    kinds = [keras.backend.standardize_dtype(value.dtype) for value in (output.loss, output.logits, output.embeddings)]
    assert kinds == ["float32", "bfloat16", "bfloat16"]
    assert np.isfinite(float(output.loss))


def test_frames_are_counted_in_numbers_and_arrays() -> None:
    model = small("Model")
    assert model.get_feat_extract_output_lengths(1650) == 81
    for lengths in (np.array([1650, 20]), keras.ops.convert_to_tensor(np.array([1650, 20]))):
        assert np.asarray(model.get_feat_extract_output_lengths(lengths)).tolist() == [81, 0]


def test_it_is_kept_in_a_keras_file(tmp_path: Path) -> None:
    model = small("ForCTC", **STABLE)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(SOUND).logits, model(SOUND).logits)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's")
@pytest.mark.parametrize(("head", "key"), [("ForCTC", "logits"), ("ForXVector", "embeddings")])
def test_it_is_exported_for_any_length(head: str, key: str, tmp_path: Path) -> None:
    import tensorflow as tf

    model = small(head)
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    for samples in (900, 421):
        mask = np.ones((2, samples), np.int32)
        given = {"input_values": tf.constant(SOUND[:, :samples]), "attention_mask": tf.constant(mask)}
        np.testing.assert_allclose(served.serve(given)[key], model(SOUND[:, :samples])[key], atol=1e-5)


def test_on_jax_clips_have_a_length_where_they_have_a_mask(tmp_path: Path) -> None:
    assert keras_on_jax(in_keras.exported_speech, str(tmp_path), 900) == [2, sounds.frames(900), 32]
    told = keras_on_jax(in_keras.exported_speech, str(tmp_path), None)
    assert "the number of samples is left open, and with a mask JAX must know it. Write keras.Input((16000,))" in told


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX cannot tell that masked frames are as many")
def test_a_functional_model_reads_clips_of_any_length() -> None:
    model = small("ForXVector", initializer_range=0.1)
    sound, mask = keras.Input((None,), dtype="float32"), keras.Input((None,), dtype="int32")
    voices = keras.Model([sound, mask], model(sound, mask).embeddings)
    assert voices.output_shape == (None, 36)
    for samples in (900, 421):
        given = SOUND[:, :samples], np.ones((2, samples), np.int32)
        np.testing.assert_allclose(voices(list(given)), model(*given).embeddings, atol=1e-5)
