"""Wav2Vec2 on Flax computes what it computes on torch, from the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import dovela
from architectures import inputs_for
from comparing import assert_close, assert_gradients, assert_outputs
from dovela import ConfigError, InputError
from flax_parts import both
from sounds import WAV2VEC2, real_frames

TOLERANCE = 2e-5
STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
HEADS = ["Model", "ForCTC", "ForPreTraining", "ForSequenceClassification", "ForAudioFrameClassification", "ForXVector"]
ALL = {"output_hidden_states": True, "output_attentions": True}


def agree(
    name: str, folder: Path, inputs: dict[str, Any], asked: Any = None, *, frames: bool = True, **changes: Any
) -> None:
    (ours, slopes), (theirs, expected) = both(name, folder, inputs, asked, **changes)
    assert_outputs(ours, theirs, TOLERANCE, real_frames(inputs) if frames and "attention_mask" in inputs else None)
    assert_gradients(slopes, expected, TOLERANCE)


def clips(name: str, **options: Any) -> dict[str, Any]:
    inputs = inputs_for(name, **{"batch": 3, "samples": 900, **options})
    return inputs


@pytest.mark.parametrize("head", HEADS)
def test_heads_on_stable_layers(head: str, tmp_path: Path) -> None:
    inputs = clips(f"Wav2Vec2{head}")
    if head == "ForAudioFrameClassification":  # whose labels count at padding too, if they are there
        inputs["labels"] = np.where(real_frames(inputs), inputs["labels"].argmax(-1), -100)
    agree(f"Wav2Vec2{head}", tmp_path, inputs, ALL, **STABLE)


@pytest.mark.parametrize(
    "changes",
    [
        {"num_conv_pos_embeddings": 7, "conv_bias": True, "feat_extract_activation": "relu"},
        {"feat_extract_norm": "layer", "hidden_act": "gelu_new", "layer_norm_eps": 1e-3},
        {**STABLE, "adapter_attn_dim": 6},
        {"pruned_heads": {0: [1], 1: [0, 3]}, "mask_time_prob": 0.0},
    ],
)
def test_configurations(changes: dict[str, Any], tmp_path: Path) -> None:
    agree("Wav2Vec2Model", tmp_path, clips("Wav2Vec2Model"), **changes)


@pytest.mark.parametrize("name", ["Wav2Vec2Model", "Wav2Vec2ForCTC"])
@pytest.mark.parametrize("changes", [{}, {"output_hidden_size": 24, "adapter_kernel_size": 4}])
def test_adapter(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    inputs = inputs_for(name, batch=3, samples=4000 if name.endswith("CTC") else 1200)
    inputs = {**inputs, "labels": inputs["labels"][:, :2]} if "labels" in inputs else inputs
    (ours, slopes), (theirs, expected) = both(name, tmp_path, inputs, add_adapter=True, **changes)
    for key in theirs:
        if key not in ("hidden_states", "extract_features"):  # which are arbitrary at padding
            assert_close(ours[key], theirs[key], key, TOLERANCE)
    assert_gradients(slopes, expected, TOLERANCE)


@pytest.mark.parametrize("head", ["ForSequenceClassification", "ForAudioFrameClassification", "ForXVector"])
def test_a_mixture_of_layers(head: str, tmp_path: Path) -> None:
    inputs = clips(f"Wav2Vec2{head}")
    if head == "ForAudioFrameClassification":
        inputs["labels"] = np.where(real_frames(inputs), inputs["labels"].argmax(-1), -100)
    agree(f"Wav2Vec2{head}", tmp_path, inputs, {"output_hidden_states": False}, use_weighted_layer_sum=True)


def test_masked_frames_and_no_padding(tmp_path: Path) -> None:
    inputs = clips("Wav2Vec2Model")
    del inputs["attention_mask"]
    frames = dovela.Wav2Vec2Config(**WAV2VEC2).frames(inputs["input_values"].shape[1])
    inputs["mask_time_indices"] = np.random.default_rng(0).random((3, frames)) < 0.3
    agree("Wav2Vec2Model", tmp_path, inputs)


# ---- training -------------------------------------------------------------------------------------


def model(name: str = "Model", **changes: Any) -> Any:
    cls = getattr(dovela, f"FlaxWav2Vec2{name}")
    fields = {key: changes.pop(key) for key in ("dtype", "param_dtype") if key in changes}
    return cls.from_config(cls.config_class(**{**WAV2VEC2, "num_hidden_layers": 2, **changes}), **fields)


def test_a_frozen_feature_encoder_has_no_gradients() -> None:
    small, inputs = model("ForCTC"), clips("Wav2Vec2ForCTC")

    @jax.jit
    def slopes(params: Any, inputs: Any) -> Any:
        return jax.grad(lambda params: small(**inputs, params=params, freeze_feature_encoder=True).loss)(params)

    backbone = slopes(small.params, inputs)["backbone"]
    assert not any(leaf.any() for leaf in jax.tree.leaves(backbone["features"]))
    assert all(leaf.any() for leaf in jax.tree.leaves(backbone["projection"]["dense"]["kernel"]))


@pytest.mark.parametrize("head", ["ForCTC", "ForPreTraining", "ForXVector"])
def test_training_learns(head: str) -> None:
    spans = {"mask_time_length": 3, "mask_feature_prob": 0.1, "mask_feature_length": 4, "initializer_range": 0.1}
    small, inputs = model(head, **spans), clips(f"Wav2Vec2{head}")
    optimizer = optax.adam(3e-3)

    @jax.jit
    def step(params: Any, state: Any, inputs: Any, key: Any) -> Any:
        def loss(params: Any) -> Any:
            return small(**inputs, params=params, dropout_rng=key, train=True).loss

        value, slopes = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(slopes, state)
        return optax.apply_updates(params, updates), state, value

    params, state, losses = small.params, optimizer.init(small.params), []
    for i in range(25):
        more = {"gumbel_temperature": 2.0 * 0.9**i} if head == "ForPreTraining" else {}
        params, state, loss = step(params, state, inputs | more, jax.random.key(i))
        losses.append(float(loss))
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_frames_and_channels_are_masked_in_training_alone() -> None:
    calm = dict.fromkeys(
        ["hidden_dropout", "activation_dropout", "attention_dropout", "feat_proj_dropout", "layerdrop"], 0.0
    )
    sound = clips("Wav2Vec2Model")["input_values"]

    def heard(**changes: Any) -> list[Any]:
        """In evaluation, and twice in training."""
        small = model(**calm, mask_time_length=3, mask_feature_length=4, **changes)
        call = jax.jit(lambda x, key, train: small(x, dropout_rng=key, train=train)[0], static_argnums=2)
        return [np.asarray(call(sound, jax.random.key(0), train)) for train in (False, True, True)]

    for changes in ({"mask_time_prob": 0.5}, {"mask_time_prob": 0.0, "mask_feature_prob": 0.5}):
        whole, hidden, again = heard(**changes)
        assert not np.allclose(whole, hidden)
        assert np.array_equal(hidden, again)
    whole, hidden, _ = heard(mask_time_prob=0.5, apply_spec_augment=False)
    np.testing.assert_allclose(whole, hidden, atol=1e-5)


def test_in_half_precision() -> None:
    sound = clips("Wav2Vec2Model")["input_values"]
    halved = model(param_dtype="bfloat16")
    assert {leaf.dtype for leaf in jax.tree.leaves(halved.params)} == {jnp.dtype("bfloat16")}
    exact, computed, kept = (
        jax.jit(lambda x, small=small: small(x).last_hidden_state)(sound)
        for small in (model(), model(dtype=jnp.bfloat16), halved)
    )
    assert computed.dtype == kept.dtype == jnp.bfloat16
    assert 0 < jnp.abs(exact - computed).max() < 0.2


# ---- bad input ------------------------------------------------------------------------------------


def test_refusals() -> None:
    small, inputs = model(), clips("Wav2Vec2Model")
    sound, mask = inputs["input_values"], inputs["attention_mask"]
    frames = real_frames(inputs).shape[1]
    with pytest.raises(InputError, match="clips of 30 samples, and one frame takes 40"):
        small(sound[:, :30])
    with pytest.raises(InputError, match="row 0 has 0 real samples"):
        small(sound, np.zeros_like(mask))
    with pytest.raises(InputError, match=rf"mask_time_indices: expected the shape \[3, {frames}\] of the frames"):
        small(sound, mask_time_indices=np.zeros((3, 2), bool))
    with pytest.raises(InputError, match=r"the model has no vector for them \(mask_time_prob is 0\)"):
        model(mask_time_prob=0.0)(sound, mask_time_indices=np.zeros((3, frames), bool))
    with pytest.raises(InputError, match=r"the model masks no frames \(apply_spec_augment is False\)"):
        model(apply_spec_augment=False)(sound, mask_time_indices=np.zeros((3, frames), bool))
    with pytest.raises(InputError, match="freeze_feature_encoder: expected True or False, got 1"):
        small(sound, freeze_feature_encoder=1)


def test_refusals_of_heads() -> None:
    with pytest.raises(ConfigError, match=r"FlaxWav2Vec2ForSequenceClassification\(config\): does not take an adapter"):
        model("ForSequenceClassification", add_adapter=True)
    with pytest.raises(ConfigError, match="pad_token_id is None, and CTC needs it for its blank"):
        model("ForCTC", pad_token_id=None)
    learner, inputs = model("ForPreTraining"), clips("Wav2Vec2ForPreTraining")
    with pytest.raises(InputError, match="gumbel_temperature: expected a number above 0, got 0"):
        learner(**inputs, gumbel_temperature=0)
    with pytest.raises(InputError, match="masks no frame, so there is nothing to learn from"):
        learner(**{**inputs, "mask_time_indices": np.zeros_like(inputs["mask_time_indices"])})
    del inputs["mask_time_indices"]
    with pytest.raises(InputError, match="sampled_negative_indices: is given, and mask_time_indices is not"):
        learner(**inputs)
    writer, inputs = model("ForCTC"), clips("Wav2Vec2ForCTC")
    with pytest.raises(InputError, match=r"characters, which take \d+ frames, and its sound has"):
        writer(**{**inputs, "labels": np.tile(inputs["labels"][:1], (len(inputs["labels"]), 9)).clip(1)})
