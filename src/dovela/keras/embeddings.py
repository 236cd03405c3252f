"""From token ids to hidden states.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from .init import Embedding, Part
from .norms import make_norm
from .positions import added_positions


class TextEmbeddings(Part):
    """The sum of token, position and (where the architecture has them) token-type vectors, normalised."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        width, std = config.hidden_size, config.initializer_range
        self.tokens = Embedding(config.vocab_size, width, std=std, padding=config.pad_token_id)
        self.positions = added_positions(config)
        self.token_types = Embedding(config.type_vocab_size, width, std=std) if config.type_vocab_size else None
        self.norm = make_norm(config)
        self.dropout = layers.Dropout(config.dropout)

    def call(
        self,
        input_ids: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        training: bool | None = None,
    ) -> Any:
        """Ids (B, S), or token vectors (B, S, D) in their place -> (B, S, D)."""
        x = self.tokens(input_ids) if inputs_embeds is None else inputs_embeds
        places = ops.arange(ops.shape(x)[1], dtype="int32") if position_ids is None else position_ids
        x = x + ops.cast(self.positions(places), x.dtype)
        if self.token_types is not None:
            types = ops.zeros((1, 1), "int32") if token_type_ids is None else token_type_ids
            x = x + self.token_types(types)
        return self.dropout(self.norm(x), training=training)
