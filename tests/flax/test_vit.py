"""ViT on Flax computes what it computes on torch, from the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dovela
from architectures import VIT, inputs_for
from comparing import assert_gradients, assert_outputs
from dovela import InputError
from flax_parts import both

ALL = {"output_hidden_states": True, "output_attentions": True}


def agree(name: str, folder: Path, inputs: dict[str, Any], asked: dict[str, Any] | None = None, **changes: Any) -> None:
    (ours, slopes), (theirs, expected) = both(name, folder, inputs, asked, **changes)
    assert_outputs(ours, theirs, 1e-5)
    assert_gradients(slopes, expected, 1e-5)


def test_every_output(tmp_path: Path) -> None:
    agree("ViTForMaskedImageModeling", tmp_path, inputs_for("ViTForMaskedImageModeling"), ALL)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_act": "relu", "qkv_bias": False},
        {"image_size": (12, 20), "patch_size": (3, 4)},
        {"pooler_output_size": 10, "pooler_act": "linear", "layer_norm_eps": 1e-3},
        {"pruned_heads": {0: [1], 1: [0, 3]}},
    ],
)
def test_configurations(changes: dict[str, Any], tmp_path: Path) -> None:
    height, width = changes.get("image_size", (12, 12))
    pixels = np.random.default_rng(0).standard_normal((2, 2, height, width)).astype(np.float32)
    agree("ViTModel", tmp_path, {"pixel_values": pixels}, **changes)


@pytest.mark.parametrize("size", [(12, 12), (21, 16), (6, 30)])
@pytest.mark.parametrize("name", ["ViTModel", "ViTForMaskedImageModeling"])
def test_other_sizes(size: tuple[int, int], name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inputs = {"pixel_values": rng.standard_normal((2, 2, *size)).astype(np.float32)}
    if name.endswith("Modeling"):
        inputs["bool_masked_pos"] = rng.random((2, (size[0] // 3) * (size[1] // 3))) < 0.4
    agree(name, tmp_path, inputs, {"interpolate_pos_encoding": True})


@pytest.mark.parametrize(
    ("labels", "changes"),
    [
        (np.array([0.5, -1.0, 2.0], np.float32), {"num_labels": 1}),
        (np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1]], np.float32), {}),
    ],
)
def test_labels(labels: np.ndarray, changes: dict[str, Any], tmp_path: Path) -> None:
    config = {"id2label": {0: "one"}, "label2id": {"one": 0}} if changes else {}
    inputs = inputs_for("ViTForImageClassification", batch=3) | {"labels": labels}
    agree("ViTForImageClassification", tmp_path, inputs, **config)


def model(name: str = "FlaxViTModel", **fields: Any) -> Any:
    cls = getattr(dovela, name)
    return cls.from_config(cls.config_class(**{**VIT, "num_hidden_layers": 2}), **fields)


def test_in_half_precision() -> None:
    pixels = inputs_for("ViTModel")["pixel_values"]
    halved = model(param_dtype="bfloat16")
    assert {leaf.dtype for leaf in jax.tree.leaves(halved.params)} == {jnp.dtype("bfloat16")}
    computed = model(dtype=jnp.bfloat16)
    assert {leaf.dtype for leaf in jax.tree.leaves(computed.params)} == {jnp.dtype("float32")}
    exact, rounded, kept = (
        jax.jit(lambda x, small=small: small(x).last_hidden_state)(pixels) for small in (model(), computed, halved)
    )
    assert rounded.dtype == kept.dtype == jnp.bfloat16
    assert 0 < jnp.abs(exact - rounded).max() < 0.1


def test_gradient_checkpointing_changes_no_result() -> None:
    pixels, plain = inputs_for("ViTModel")["pixel_values"], model()
    again = plain.clone(parent=None, gradient_checkpointing=True)

    def slopes(model: Any) -> Any:
        loss = jax.jit(lambda params, x: jnp.square(model(x, params=params).pooler_output).sum())
        return jax.grad(loss)(plain.params, pixels)

    for a, b in zip(jax.tree.leaves(slopes(plain)), jax.tree.leaves(slopes(again)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_refusals() -> None:
    small = model()
    pixels = inputs_for("ViTModel")["pixel_values"]
    with pytest.raises(InputError, match=r"no mask token to hide patches behind.*FlaxViTModel\(config, use_mask_token"):
        small(pixels, bool_masked_pos=np.zeros((5, 16), bool))
    with pytest.raises(InputError, match="expected images of 12 × 12 pixels, got 9 × 12"):
        small(pixels[:, :, :9])
    with pytest.raises(InputError, match="pixel_values: expected a jax or numpy array, got list"):
        small(pixels.tolist())
    with pytest.raises(InputError, match="expected images, and none are given"):
        small()
    config = dovela.ViTConfig(**{**VIT, "encoder_stride": 2})
    guesser = dovela.FlaxViTForMaskedImageModeling.from_config(config)
    assert guesser(pixels).reconstruction.shape == (5, 2, 8, 8)
    with pytest.raises(InputError, match="what is hidden cannot be compared: patches have 3 × 3 pixels"):
        guesser(pixels, bool_masked_pos=np.zeros((5, 16), bool))
