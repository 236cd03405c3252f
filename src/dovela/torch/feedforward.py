"""The part of a block that works on each token alone. (…, D) -> (…, D).

One of one's own is a module made from a configuration, registered by `@register_feed_forward("name")`. It is given
padded batches (B, S, D) only, unless it says `packs = True`: it then works on tokens wherever they lie.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..parts import ACTIVATIONS, FEED_FORWARDS
from .activations import activated, gelu, silu
from .init import Linear, spread
from .layout import Packable

register_feed_forward = FEED_FORWARDS.decorator


class MLP(Packable):
    """Widen, activate, narrow (Vaswani et al. 2017, section 3.3)."""

    packs = True

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, **spread(config))
        self.activation = ACTIVATIONS.get(config.activation)
        self.dropout = nn.Dropout(config.activation_dropout)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, **spread(config))

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(self.dropout(activated(self.activation, self.up_proj(x))))  # type: ignore[no-any-return]


class GLU(Packable):
    """What is widened is multiplied by a gate (Shazeer 2020, https://arxiv.org/abs/2002.05202).

    Here the gate is a sigmoid (Dauphin et al. 2016); another of one's own is a subclass with another `gate`.
    """

    packs = True
    gate: ClassVar[Any] = staticmethod(torch.sigmoid)

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden_size, config.intermediate_size, **spread(config))
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, **spread(config))
        self.dropout = nn.Dropout(config.activation_dropout)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, **spread(config))

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(self.dropout(self.gate(self.gate_proj(x)) * self.up_proj(x)))  # type: ignore[no-any-return]


class SwiGLU(GLU):
    """A gated feed-forward whose gate is a SiLU."""

    gate = staticmethod(silu)


class GeGLU(GLU):
    """A gated feed-forward whose gate is a GELU."""

    gate = staticmethod(gelu)
