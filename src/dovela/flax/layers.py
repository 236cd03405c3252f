"""The layers that the parts share: linen's own, drawn as torch's are, and strict where linen would be silent.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..errors import InputError
from .init import kernel_init, table_init

Array = jax.Array


def dtypes(module: Any) -> dict[str, Any]:
    """What a module hands on to those inside it: the dtypes that it computes in and keeps its weights in."""
    return {"dtype": module.dtype, "param_dtype": module.param_dtype}


def dense(module: Any, width: int, *, bias: bool = True, name: str | None = None) -> nn.Dense:
    """(…, inputs) -> (…, width), drawn as the configuration of `module`, which it is to belong to, says."""
    return nn.Dense(width, use_bias=bias, kernel_init=kernel_init(module.config), name=name, **dtypes(module))


class Dropout(nn.Dropout):
    """linen's, asked whether this is training, and with an error of ours where there is no key to draw with."""

    def __call__(self, x: Array, train: bool = False) -> Array:  # type: ignore[override]
        if train and self.rate:
            check_key(self, "dropout")
        return super().__call__(x, deterministic=not train)  # type: ignore[no-any-return]


def check_key(module: nn.Module, name: str) -> None:
    if not module.has_rng(name):
        raise InputError(
            "train=True",
            f"draws random numbers, and there is no key for {name!r}",
            hint='Call model(…, train=True, dropout_rng=jax.random.key(0)), or module.apply(…, rngs={"dropout": key}).',
        )


def key_for(module: nn.Module, name: str) -> Array:
    """A new key from the stream `name` ("layerdrop", "gumbel", …), or from that of dropout where there is none."""
    stream = name if module.has_rng(name) else "dropout"
    check_key(module, stream)
    return module.make_rng(stream)


def look_up(table: Array, ids: Array) -> Array:
    """Rows of a table (N, D): ids (…) -> (…, D). An id that is out of range gives NaN, which is not to be overlooked.

    Negative ones would count from the end.
    """
    return jnp.take(table, jnp.where(ids < 0, len(table), ids), axis=0, mode="fill")


class Embedding(nn.Module):
    """A table of vectors; the row at `padding_idx` starts at zero and gets no gradient from being looked up."""

    num: int
    width: int
    std: float
    padding_idx: int | None = None
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        draw = table_init(self.std, self.padding_idx)
        self.embedding = self.param("embedding", draw, (self.num, self.width), self.param_dtype)

    def __call__(self, ids: Array) -> Array:
        (table,) = nn.dtypes.promote_dtype(self.embedding, dtype=self.dtype)
        x = look_up(table, ids)  # (…, D)
        if self.padding_idx is None:
            return x
        return jnp.where((ids == self.padding_idx)[..., None], jax.lax.stop_gradient(x), x)
