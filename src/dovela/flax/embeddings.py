"""From token ids to hidden states.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from .layers import Dropout, Embedding, dtypes
from .norms import make_norm
from .positions import make_positions

Array = jax.Array


class TextEmbeddings(nn.Module):
    """The sum of token, position and (where the architecture has them) token-type vectors, normalised."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config = self.config
        width, std = config.hidden_size, config.initializer_range
        self.tokens = Embedding(config.vocab_size, width, std, config.pad_token_id, **dtypes(self))
        self.positions = make_positions(self)
        kinds = config.type_vocab_size
        self.token_types = Embedding(kinds, width, std, **dtypes(self)) if kinds else None
        self.norm = make_norm(self)
        self.dropout = Dropout(config.dropout)

    def __call__(
        self,
        input_ids: Array | None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        train: bool = False,
    ) -> Array:
        """Ids (B, S), or token vectors (B, S, D) in their place -> (B, S, D)."""
        x: Any = self.tokens(input_ids) if inputs_embeds is None else inputs_embeds  # type: ignore[arg-type]
        if self.is_initializing():  # the table is a weight of the model whatever it is called with
            _ = self.tokens.embedding
        x = x + self.positions(x, position_ids)
        if self.token_types is not None:
            kinds = jnp.zeros((1, 1), jnp.int32) if token_type_ids is None else token_type_ids
            x = x + self.token_types(kinds)
        return self.dropout(self.norm(x), train)
