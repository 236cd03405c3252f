"""The part of a block that works on each position alone."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..parts import ACTIVATIONS
from .init import Linear, spread


class MLP(nn.Module):
    """Widen, activate, narrow (Vaswani et al. 2017, section 3.3). (…, D) -> (…, D)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, **spread(config))
        self.activation = ACTIVATIONS.get(config.activation)
        self.dropout = nn.Dropout(getattr(config, "activation_dropout", 0.0))
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, **spread(config))

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(self.dropout(self.activation(self.up_proj(x))))  # type: ignore[no-any-return]
