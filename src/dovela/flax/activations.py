"""Activations by name; `register_activation("name")` adds one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .parts import ACTIVATIONS, part

Array = jax.Array

register_activation = ACTIVATIONS.decorator

relu, relu6, silu, mish, tanh, sigmoid = (
    jax.nn.relu,
    jax.nn.relu6,
    jax.nn.silu,
    jax.nn.mish,
    jnp.tanh,
    jax.nn.sigmoid,
)


def activation(config: Any, word: str = "activation") -> Callable[[Array], Array]:
    """The function that a configuration names, or that has a name itself."""
    if isinstance(config, str):
        return ACTIVATIONS.get(config)  # type: ignore[no-any-return]
    return part(ACTIVATIONS, config, word)  # type: ignore[no-any-return]


def gelu(x: Array) -> Array:
    """GELU as it is defined, by the error function as torch has it.

    jax takes an approximation by default, and for the exact one erfc, which is slower.
    """
    return 0.5 * x * (1 + jax.lax.erf(x * 0.5**0.5))


def gelu_new(x: Array) -> Array:
    """GELU by its tanh approximation (Hendrycks & Gimpel 2016)."""
    return jax.nn.gelu(x, approximate=True)


def quick_gelu(x: Array) -> Array:
    """GELU by its sigmoid approximation (Hendrycks & Gimpel 2016)."""
    return x * jax.nn.sigmoid(1.702 * x)


def relu2(x: Array) -> Array:
    """The square of ReLU (So et al. 2021, Primer)."""
    return jnp.square(relu(x))


def leaky_relu(x: Array) -> Array:
    return jax.nn.leaky_relu(x, 0.01)


def linear(x: Array) -> Array:
    return x
