"""How a sequence becomes one vector: states (B, S, D) and a mask (B, S), True = real, or None -> (B, D)."""

from __future__ import annotations

from typing import Any

from keras import ops

from ..encoder_rules import pooler_name
from ..kit_parts import part_name
from .activations import activation
from .init import Dense, Part, spread
from .parts import POOLERS

register_pooler = POOLERS.decorator


def make_pooler(config: Any) -> Any:
    """The pooler that a configuration names."""
    return POOLERS.make(part_name(POOLERS, config, "pooler", name=pooler_name(config)), config)


def real_tokens(mask: Any) -> Any:
    """A mask (B, S), or (B, S, S) of who attends to whom -> what to pool (B, S); where all is padding, all of it."""
    if mask is None:
        return None
    real = mask if len(mask.shape) == 2 else ops.any(mask, axis=1)
    return ops.logical_or(real, ops.logical_not(ops.any(real, axis=1, keepdims=True)))


class Pooler(Part):
    """The base of poolers: `call(self, x, real=None)`."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)


class FirstToken(Pooler):
    """The first token's state."""

    def call(self, x: Any, real: Any = None) -> Any:
        return x[:, 0]


class MeanPooler(Pooler):
    """The mean over real tokens (Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084)."""

    def call(self, x: Any, real: Any = None) -> Any:
        if real is None:
            return ops.mean(x, axis=1)
        share = ops.cast(real, x.dtype)[..., None]  # (B, S, 1)
        return ops.sum(ops.where(real[..., None], x, 0.0), axis=1) / ops.sum(share, axis=1)


class DensePooler(Pooler):
    """The first token's state through one more layer: with tanh (Devlin et al. 2018), or as configured."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(config, **options)
        width = getattr(config, "pooler_output_size", None) or config.hidden_size
        self.dense = Dense(width, reads=config.hidden_size, **spread(config))
        self.activation = activation(getattr(config, "pooler_act", "tanh"))

    def call(self, x: Any, real: Any = None) -> Any:
        return self.activation(self.dense(x[:, 0]))
