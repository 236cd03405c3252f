"""Norms by name: modules made with an epsilon. (…, D) -> (…, D)."""

from __future__ import annotations

from typing import Any

from flax import linen as nn

from .layers import dtypes
from .parts import NORMS, part

register_norm = NORMS.decorator


class LayerNorm(nn.LayerNorm):
    """Ba et al. 2016, https://arxiv.org/abs/1607.06450.

    The variance is that of the differences from the mean, as torch has it; linen's quicker formula, the mean of squares
    less the square of the mean, loses digits where the mean is large.
    """

    use_fast_variance: bool = False


def make_norm(module: Any) -> nn.Module:
    """The norm that the configuration of `module`, which it is to belong to, names."""
    return part(NORMS, module.config, "norm")(epsilon=module.config.norm_eps, **dtypes(module))  # type: ignore[no-any-return]
