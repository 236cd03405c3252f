"""The part of a block that works on each position alone."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..parts import ACTIVATIONS
from .init import Linear


class MLP(nn.Module):
    """Widen, activate, narrow (Vaswani et al. 2017, section 3.3). (…, D) -> (…, D)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, std=config.initializer_range)
        self.activation = ACTIVATIONS.get(config.activation)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, std=config.initializer_range)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(self.activation(self.up_proj(x)))  # type: ignore[no-any-return]
