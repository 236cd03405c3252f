"""Small adapters in every layer, one set for each language (Pratap et al. 2023, MMS, section 4.2)."""

from __future__ import annotations

from typing import Any

from keras import ops

from .blocks import PreNormBlock
from .init import Dense, LayerNorm, Part, spread


class LanguageAdapter(Part):
    """Normalise, narrow, ReLU, widen: (…, D) -> (…, D)."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        width, narrow = config.hidden_size, config.adapter_attn_dim
        self.norm = LayerNorm(width, epsilon=1e-5)
        self.down_proj = Dense(narrow, reads=width, **spread(config))
        self.up_proj = Dense(width, reads=narrow, **spread(config))

    def call(self, x: Any) -> Any:
        return self.up_proj(ops.relu(self.down_proj(self.norm(x))))


class AdaptedBlock(PreNormBlock):
    """A block with a small adapter after its feed-forward part."""

    def __init__(self, config: Any, layer: int = 0, **options: Any) -> None:
        super().__init__(config, layer, **options)
        self.adapter = LanguageAdapter(config)

    def call(self, x: Any, allowed: Any = None, output_attentions: bool = False, training: bool | None = None) -> Any:
        x, weights = super().call(x, allowed, output_attentions, training)
        return x + self.adapter(x), weights
