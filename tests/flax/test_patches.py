"""Image embeddings compute what torch's compute, with its weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import dovela
from comparing import assert_close, assert_gradients
from dovela.flax.patches import ImageEmbeddings
from dovela.torch import patches as torch_patches
from flax_parts import by_state_name, with_weights_of

SIZES = {"image_size": (12, 20), "patch_size": (4, 5), "hidden_size": 8, "num_attention_heads": 2}


def config(**changes: Any) -> Any:
    return dovela.ViTConfig(**{**SIZES, "num_hidden_layers": 1, "intermediate_size": 8, **changes})


class Waves(dovela.ViTConfig, model_type="vit-waves"):
    positions = "sinusoidal"


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("size", [(12, 20), (17, 33), (8, 5), (30, 24)])
@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("waves", [False, True])
def test_patches_positions_and_a_mask_token(size: tuple[int, int], hidden: bool, waves: bool) -> None:
    chosen = Waves(**SIZES) if waves else config()
    part, module = torch_patches.ImageEmbeddings(chosen), ImageEmbeddings(chosen)
    pixels, token = noise(2, 3, *size), noise(1, 1, 8)
    patches = (size[0] // 4) * (size[1] // 5)
    mask = np.arange(patches) % 2 == np.array([[0], [1]]) if hidden else None
    stretch = size != (12, 20)
    variables = with_weights_of(part, module, pixels, interpolate_pos_encoding=stretch)
    theirs = part(
        torch.from_numpy(pixels),
        None if mask is None else torch.from_numpy(mask),
        torch.from_numpy(token),
        stretch,
    )
    weight = noise(*theirs.shape)
    (theirs * torch.from_numpy(weight)).sum().backward()

    def total(variables: Any) -> Any:
        y = module.apply(variables, pixels, None if mask is None else jnp.asarray(mask), jnp.asarray(token), stretch)
        return (y * weight).sum(), y

    gradients, ours = jax.grad(total, has_aux=True)(variables)
    assert_close(ours, theirs.detach(), "embeddings", 1e-5)
    expected = {name: p.grad.numpy() for name, p in part.named_parameters() if p.grad is not None}
    assert_gradients(by_state_name(gradients["params"]), expected, 1e-5)


def test_new_weights_spread_as_in_torch() -> None:
    chosen = config(hidden_size=128, initializer_range=0.5)  # so that the limit of 2.0 cuts
    drawn = by_state_name(ImageEmbeddings(chosen).init(jax.random.key(0), noise(1, 3, 12, 20))["params"])
    for name, tensor in torch_patches.ImageEmbeddings(chosen).state_dict().items():
        assert np.isclose(drawn[name].std(), tensor.numpy().std(), rtol=0.2, atol=1e-6), name
        assert np.abs(drawn[name]).max() <= 2.0
