"""How weights are drawn, as torch's are: normal with a given deviation, biases zero."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..tables import sinusoids

Array = jax.Array


def normal(std: float, limit: float | None = None) -> Any:
    """Within `limit`, if there is one; ten deviations away no value is ever drawn, and nothing needs to be done."""

    def draw(key: Array, shape: Any, dtype: Any = jnp.float32, out_sharding: Any = None) -> Array:
        if limit is None or limit >= 10 * std:
            return std * jax.random.normal(key, shape, dtype)
        return std * jax.random.truncated_normal(key, -limit / std, limit / std, shape, dtype)

    return draw


def kernel_init(config: Any) -> Any:
    """As far as a configuration's weights spread."""
    return normal(getattr(config, "initializer_range", 0.02), getattr(config, "initializer_limit", None))


def table_init(std: float, padding_idx: int | None = None) -> Any:
    """Of a table of vectors; the row of padding is zero."""

    def draw(key: Array, shape: Any, dtype: Any = jnp.float32, out_sharding: Any = None) -> Array:
        table = std * jax.random.normal(key, shape, dtype)
        return table if padding_idx is None else table.at[padding_idx].set(0.0)

    return draw


def sinusoidal_init(key: Array, shape: Any, dtype: Any = jnp.float32, out_sharding: Any = None) -> Array:
    """Fixed sinusoids; no key is used."""
    return jnp.asarray(sinusoids(*shape), dtype)
