"""Activations by name; `register_activation("name")` adds one's own."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..parts import ACTIVATIONS
from .checked import tensor_like

register_activation = ACTIVATIONS.decorator

gelu, relu, relu6, leaky_relu, silu, mish = F.gelu, F.relu, F.relu6, F.leaky_relu, F.silu, F.mish
tanh, sigmoid = torch.tanh, torch.sigmoid


def activated(activation: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """x through an activation that may be somebody's own: its result is checked."""
    return tensor_like(activation, activation(x), x)


def gelu_new(x: Tensor) -> Tensor:
    """GELU by its tanh approximation (Hendrycks & Gimpel 2016)."""
    return F.gelu(x, approximate="tanh")


gelu_pytorch_tanh = gelu_fast = gelu_new


def quick_gelu(x: Tensor) -> Tensor:
    """GELU by its sigmoid approximation (Hendrycks & Gimpel 2016)."""
    return x * torch.sigmoid(1.702 * x)


def relu2(x: Tensor) -> Tensor:
    """The square of ReLU (So et al. 2021, Primer)."""
    return F.relu(x).square()


def linear(x: Tensor) -> Tensor:
    return x
