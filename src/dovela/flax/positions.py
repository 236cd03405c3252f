"""How a model knows where a token stands: vectors added to the embeddings.

Letters: B batch, S sequence, D hidden size, P places.

A scheme of one's own is a module with a `config` and this `__call__`, registered by `@register_positions("name")`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import linen as nn

from .init import sinusoidal_init, table_init
from .layers import dtypes, look_up
from .parts import POSITIONS, part

Array = jax.Array

register_positions = POSITIONS.decorator


class LearnedPositions(nn.Module):
    """A learned vector for each place (Devlin et al. 2018)."""

    limited: ClassVar[bool] = True
    """Whether `max_position_embeddings` is the longest sequence there can be, as a scheme may say of itself."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        shape = self.config.max_position_embeddings, self.config.hidden_size
        self.embedding = self.param("embedding", table_init(self.config.initializer_range), shape, self.param_dtype)

    def __call__(self, x: Array, position_ids: Array | None) -> Array:
        """x (B, S, D) and places (S,) or (B, S), None for 0 … S - 1 -> what broadcasts to (B, S, D)."""
        (table,) = nn.dtypes.promote_dtype(self.embedding, dtype=self.dtype)  # (P, D)
        return table[: x.shape[1]] if position_ids is None else look_up(table, position_ids)


class SinusoidalPositions(LearnedPositions):
    """Fixed waves of growing length (Vaswani et al. 2017, section 3.5), a weight without gradient: files have it."""

    def setup(self) -> None:
        shape = self.config.max_position_embeddings, self.config.hidden_size
        self.embedding = self.param("embedding", sinusoidal_init, shape, self.param_dtype)

    def __call__(self, x: Array, position_ids: Array | None) -> Array:
        return jax.lax.stop_gradient(super().__call__(x, position_ids))


class NoPositions(nn.Module):
    """Nothing tells where a token stands (Haviv et al. 2022, https://arxiv.org/abs/2203.16634)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def __call__(self, x: Array, position_ids: Array | None) -> Array:
        return jnp.zeros((), x.dtype)


def make_positions(module: Any) -> nn.Module:
    """The scheme that the configuration of `module`, which it is to belong to, names."""
    return part(POSITIONS, module.config, "positions")(module.config, **dtypes(module))  # type: ignore[no-any-return]
