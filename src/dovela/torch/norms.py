"""Norms by name: modules from a width and an epsilon. (…, D) -> (…, D)."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..parts import NORMS
from .checked import tensor_like

register_norm = NORMS.decorator

# torch's own: layer norm takes away mean and variance (Ba et al. 2016, https://arxiv.org/abs/1607.06450), RMS norm the
# root of the mean square, and has no bias (Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467).
LayerNorm, RMSNorm = nn.LayerNorm, nn.RMSNorm


def make_norm(config: Any) -> nn.Module:
    """The norm that a configuration names, for its hidden states."""
    return NORMS.make(config.norm, config.hidden_size, eps=config.norm_eps)  # type: ignore[no-any-return]


def normed(norm: nn.Module, x: Tensor) -> Tensor:
    """x (…, D) through a norm that may be somebody's own: its result is checked."""
    return tensor_like(norm, norm(x), x)
