"""From token ids to hidden states.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .checked import addable
from .init import Embedding
from .norms import make_norm, normed
from .positions import added_positions


class TextEmbeddings(nn.Module):
    """The sum of token, position and (where the architecture has them) token-type vectors, normalised."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, std = config.hidden_size, config.initializer_range
        self.tokens = Embedding(config.vocab_size, width, std=std, padding_idx=config.pad_token_id)
        self.positions = added_positions(config)
        self.token_types = Embedding(config.type_vocab_size, width, std=std) if config.type_vocab_size else None
        self.norm = make_norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        input_ids: Tensor | None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
    ) -> Tensor:
        """Ids (B, S), or token vectors (B, S, D) in their place -> (B, S, D)."""
        x = self.tokens(input_ids) if inputs_embeds is None else inputs_embeds
        if self.positions is not None:
            x = x + addable(self.positions, self.positions.added(x, position_ids), x, "added")
        if self.token_types is not None:
            x = x + (self.token_types.weight[0] if token_type_ids is None else self.token_types(token_type_ids))
        return self.dropout(normed(self.norm, x))  # type: ignore[no-any-return]
