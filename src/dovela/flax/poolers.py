"""How a sequence becomes one vector: states (B, S, D) and a mask (B, S), True = real, or None -> (B, D).

One of one's own is a module with a `config` and this `__call__`, registered by `@register_pooler("name")`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..encoder_rules import pooler_name
from .activations import activation
from .layers import dense, dtypes
from .parts import POOLERS, part

Array = jax.Array

register_pooler = POOLERS.decorator


def make_pooler(module: Any) -> nn.Module:
    """The pooler that the configuration of `module`, which it is to belong to, names."""
    cls = part(POOLERS, module.config, "pooler", name=pooler_name(module.config))
    return cls(module.config, **dtypes(module))  # type: ignore[no-any-return]


def real_tokens(mask: Array) -> Array:
    """A mask (B, S), or (B, S, S) of who attends to whom -> what to pool (B, S); where all is padding, all of it."""
    real = mask if mask.ndim == 2 else mask.any(1)
    return real | ~real.any(1, keepdims=True)


class FirstToken(nn.Module):
    """The first token's state."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def __call__(self, x: Array, mask: Array | None = None) -> Array:
        return x[:, 0]


class MeanPooler(nn.Module):
    """The mean over real tokens (Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def __call__(self, x: Array, mask: Array | None = None) -> Array:
        if mask is None:
            return x.mean(1)
        real = real_tokens(mask)[..., None]  # (B, S, 1)
        return jnp.where(real, x, 0).sum(1) / real.sum(1).astype(x.dtype)


class DensePooler(nn.Module):
    """The first token's state through one more layer: with tanh (Devlin et al. 2018), or as configured."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        self.dense = dense(self, getattr(self.config, "pooler_output_size", None) or self.config.hidden_size)
        self.activation = activation(getattr(self.config, "pooler_act", "tanh"))

    def __call__(self, x: Array, mask: Array | None = None) -> Array:
        return self.activation(self.dense(x[:, 0]))
