"""From token ids to hidden states.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .init import Embedding, SinusoidalEmbedding


class TextEmbeddings(nn.Module):
    """The sum of token, position and (where the architecture has them) token-type vectors, normalised."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, std = config.hidden_size, config.initializer_range
        self.tokens = Embedding(config.vocab_size, width, std=std, padding_idx=config.pad_token_id)
        self.positions: nn.Embedding = (
            SinusoidalEmbedding(config.max_position_embeddings, width)
            if config.sinusoidal_positions
            else Embedding(config.max_position_embeddings, width, std=std)
        )
        self.token_types = Embedding(config.type_vocab_size, width, std=std) if config.type_vocab_size else None
        self.norm = nn.LayerNorm(width, eps=config.norm_eps)
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
        if position_ids is None:
            position_ids = torch.arange(x.shape[1], device=x.device)
        x = x + self.positions(position_ids)
        if self.token_types is not None:
            x = x + (self.token_types.weight[0] if token_type_ids is None else self.token_types(token_type_ids))
        return self.dropout(self.norm(x))  # type: ignore[no-any-return]
