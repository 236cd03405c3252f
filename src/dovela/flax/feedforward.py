"""The part of a block that works on each token alone. (…, D) -> (…, D)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from .activations import activation
from .layers import Dropout, dense
from .parts import FEED_FORWARDS

Array = jax.Array

register_feed_forward = FEED_FORWARDS.decorator


class MLP(nn.Module):
    """Widen, activate, narrow (Vaswani et al. 2017, section 3.3)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        self.up_proj = dense(self, self.config.intermediate_size)
        self.activation = activation(self.config)
        self.dropout = Dropout(self.config.activation_dropout)
        self.down_proj = dense(self, self.config.hidden_size)

    def __call__(self, x: Array, train: bool = False) -> Array:
        x = self.activation(self.up_proj(x))  # (…, I)
        return self.down_proj(self.dropout(x, train))
