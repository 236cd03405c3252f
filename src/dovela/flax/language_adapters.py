"""Small adapters in every layer, one set for each language (Pratap et al. 2023, MMS, section 4.2).

Letters: B batch, S frames, D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from .blocks import PreNormBlock
from .layers import dense, dtypes
from .norms import LayerNorm

Array = jax.Array


class LanguageAdapter(nn.Module):
    """Normalise, narrow, ReLU, widen: (…, D) -> (…, D)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        self.norm = LayerNorm(epsilon=1e-5, **dtypes(self))
        self.down_proj = dense(self, self.config.adapter_attn_dim)
        self.up_proj = dense(self, self.config.hidden_size)

    def __call__(self, x: Array) -> Array:
        return self.up_proj(nn.relu(self.down_proj(self.norm(x))))


class AdaptedBlock(PreNormBlock):
    """A block with a small adapter after its feed-forward part."""

    def setup(self) -> None:
        super().setup()
        self.adapter = LanguageAdapter(self.config, **dtypes(self))

    def __call__(self, x: Array, mask: Array | None, train: bool = False) -> tuple[Array, Array]:
        x, weights = super().__call__(x, mask, train)
        return x + self.adapter(x), weights
