"""Attention: who may attend to whom, and the formula.

Letters: B batch, S sequence, H heads, W width of a head, D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from .layers import Dropout, dense
from .parts import ATTENTIONS

Array = jax.Array

register_attention = ATTENTIONS.decorator


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2). Every position may attend to every other.

    Override `allow` to say otherwise; `self.config` is the model's configuration.
    """

    config: Any
    layer: int = 0
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config = self.config
        self.head_dim = config.hidden_size // config.num_attention_heads
        cut = set(config.pruned_heads.get(self.layer, ()))
        self.num_heads = config.num_attention_heads - len(cut)
        width = self.num_heads * self.head_dim
        self.q_proj = dense(self, width, bias=config.qkv_bias)
        self.k_proj = dense(self, width, bias=config.qkv_bias)
        self.v_proj = dense(self, width, bias=config.qkv_bias)
        self.o_proj = dense(self, config.hidden_size)
        self.dropout = Dropout(config.attention_dropout)

    def allow(self, q_pos: Array, k_pos: Array) -> Array | None:
        """Hook: whether a position may attend to another; (S, 1) and (1, S) -> boolean (S, S), or None for always."""
        return None

    def __call__(self, x: Array, mask: Array | None, train: bool = False) -> tuple[Array, Array]:
        """x (B, S, D), mask (B, 1, 1 or S, S) or None: everything -> output (B, S, D) and weights (B, H, S, S).

        A row that may attend to nothing attends evenly to everything: finite, and the same in every framework.
        """
        place = jnp.arange(x.shape[1])
        may = self.allow(place[:, None], place[None, :])  # (S, S)
        mask = mask if may is None else may if mask is None else mask & may
        q, k, v = (
            proj(x).reshape(*x.shape[:2], self.num_heads, self.head_dim)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )  # (B, S, H, W)
        scores = jnp.einsum("bqhw,bkhw->bhqk", q * self.head_dim**-0.5, k)
        if mask is not None:
            scores = jnp.where(mask, scores, jnp.finfo(scores.dtype).min)
        weights = jax.nn.softmax(scores.astype(jnp.float32)).astype(v.dtype)  # (B, H, S, S)
        weights = self.dropout(weights, train)
        out = jnp.einsum("bhqk,bkhw->bqhw", weights, v)
        return self.o_proj(out.reshape(*x.shape[:2], self.num_heads * self.head_dim)), weights
