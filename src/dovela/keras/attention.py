"""Multi-head self-attention.

Letters: B batch, S sequence, H heads, D hidden size.
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from .init import Dense, Part, spread
from .parts import ATTENTIONS

LEAST = -3.4028234663852886e38
"""The least float32, for scores that do not count: a row that may attend to nothing attends evenly to everything."""


register_attention = ATTENTIONS.decorator


class Attention(Part):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2). Every position may attend to every other.

    Override `allow` to say otherwise; `self.config` is the model's configuration.
    """

    def __init__(self, config: Any, layer: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.config = config
        pruned = set(config.pruned_heads.get(layer, ()))
        self.heads = config.num_attention_heads - len(pruned)
        self.head_dim = config.hidden_size // config.num_attention_heads
        inner, drawn = self.heads * self.head_dim, {"reads": config.hidden_size, **spread(config)}
        self.q_proj = Dense(inner, use_bias=config.qkv_bias, **drawn)
        self.k_proj = Dense(inner, use_bias=config.qkv_bias, **drawn)
        self.v_proj = Dense(inner, use_bias=config.qkv_bias, **drawn)
        self.o_proj = Dense(config.hidden_size, reads=inner, **spread(config))
        self.dropout = layers.Dropout(config.attention_dropout)

    def allow(self, q_pos: Any, k_pos: Any) -> Any:
        """Hook: whether a position may attend to another; (S, 1) and (1, S) -> boolean (S, S), or None for always."""
        return None

    def call(self, x: Any, allowed: Any = None, output_attentions: bool = False, training: bool | None = None) -> Any:
        """x (B, S, D), mask that broadcasts to (B, H, S, S) -> output (B, S, D), and weights (B, H, S, S) if asked."""
        batch, length = ops.shape(x)[:2]
        q, k, v = (
            ops.reshape(proj(x), (batch, length, self.heads, self.head_dim))
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )  # (B, S, H, D/H)
        q, k = ops.transpose(q * self.head_dim**-0.5, (0, 2, 1, 3)), ops.transpose(k, (0, 2, 3, 1))
        scores = ops.cast(ops.matmul(q, k), "float32")  # (B, H, S, S)
        place = ops.arange(length)
        may = self.allow(place[:, None], place[None, :])
        allowed = may if allowed is None else allowed if may is None else ops.logical_and(allowed, may)
        weights = ops.softmax(scores if allowed is None else ops.where(allowed, scores, LEAST), axis=-1)
        weights = self.dropout(ops.cast(weights, v.dtype), training=training)
        out = ops.transpose(ops.matmul(weights, ops.transpose(v, (0, 2, 1, 3))), (0, 2, 1, 3))  # (B, S, H, D/H)
        out = self.o_proj(ops.reshape(out, (batch, length, self.heads * self.head_dim)))
        return out, weights if output_attentions else None


def for_every_head(mask: Any) -> Any:
    """A boolean mask (B, S) or (B, S, S), True = may be attended to -> (B, 1, 1 or S, S)."""
    if mask is None:
        return None
    return mask[:, None, None] if len(mask.shape) == 2 else mask[:, None]
