"""Activations by name, as torch computes them; `register_activation("name")` adds one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from ..errors import ConfigError, suggest
from .parts import ACTIVATIONS

Activation = Callable[[Any], Any]
register_activation = ACTIVATIONS.decorator

relu, relu6, silu, tanh, sigmoid = ops.relu, ops.relu6, ops.silu, ops.tanh, ops.sigmoid


def gelu(x: Any) -> Any:
    """Exact, by the error function (Hendrycks & Gimpel 2016); some libraries give this name to the approximation."""
    return ops.gelu(x, approximate=False)


def gelu_new(x: Any) -> Any:
    """GELU by its tanh approximation (Hendrycks & Gimpel 2016)."""
    return ops.gelu(x, approximate=True)


def quick_gelu(x: Any) -> Any:
    """GELU by its sigmoid approximation (Hendrycks & Gimpel 2016)."""
    return x * ops.sigmoid(1.702 * x)


def relu2(x: Any) -> Any:
    """The square of ReLU (So et al. 2021, Primer)."""
    return ops.square(ops.relu(x))


def leaky_relu(x: Any) -> Any:
    """torch's slope of 0.01; Keras has another by default."""
    return ops.leaky_relu(x, negative_slope=0.01)


def mish(x: Any) -> Any:
    """(Misra 2019, https://arxiv.org/abs/1908.08681)."""
    return x * ops.tanh(ops.softplus(x))


def linear(x: Any) -> Any:
    return x


def activation(name: str) -> Activation:
    """What a configuration's name stands for."""
    if name not in ACTIVATIONS:
        hint = f"There are: {', '.join(ACTIVATIONS.names())}. One's own is registered in dovela.keras."
        problem = f"there is no {ACTIVATIONS.kind} {name!r}{suggest(name, ACTIVATIONS.names())}"
        raise ConfigError("activation", problem, hint=hint)
    return ACTIVATIONS.get(name)  # type: ignore[no-any-return]
