"""Norms by name: modules made with an epsilon. (…, D) -> (…, D)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from .layers import dtypes
from .parts import NORMS, part

Array = jax.Array

register_norm = NORMS.decorator


class LayerNorm(nn.Module):
    """Ba et al. 2016, https://arxiv.org/abs/1607.06450. (…, D) -> (…, D), in float32 at least.

    Written out, since linen's has a choice of two: a quick variance that loses digits where the mean is large, or an
    exact one whose gradients take a third of a ViT's step on a CPU, because the mean is taken off twice.
    """

    epsilon: float = 1e-6
    dtype: Any = None
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        scale = self.param("scale", nn.initializers.ones, x.shape[-1:], self.param_dtype)
        bias = self.param("bias", nn.initializers.zeros, x.shape[-1:], self.param_dtype)
        kept_in = nn.dtypes.canonicalize_dtype(x, scale, bias, dtype=self.dtype)
        x = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        x = x - x.mean(-1, keepdims=True)
        x = x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + self.epsilon)
        return (x * scale + bias).astype(kept_in)


def make_norm(module: Any) -> nn.Module:
    """The norm that the configuration of `module`, which it is to belong to, names."""
    return part(NORMS, module.config, "norm")(epsilon=module.config.norm_eps, **dtypes(module))  # type: ignore[no-any-return]
