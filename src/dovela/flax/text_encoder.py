"""The model without a head of every architecture that reads token ids.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax

from ..outputs import BaseModelOutputWithPooling
from .blocks import encode, final_norm, make_layers
from .embeddings import TextEmbeddings
from .inputs import TextInputs
from .layers import dtypes
from .model import FlaxPreTrainedModel
from .poolers import make_pooler

Array = jax.Array


class TextEncoder(FlaxPreTrainedModel):
    """Embeddings, blocks, a norm where the blocks end without one, and a pooler, as the configuration names them."""

    add_pooling_layer: bool = True

    optional_parts = ("pooler",)

    def setup(self) -> None:
        self.embeddings = TextEmbeddings(self.config, **dtypes(self))
        self.layers = make_layers(self)
        self.norm = final_norm(self)
        self.pooler: Any = make_pooler(self) if self.add_pooling_layer else None

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        train: bool = False,
    ) -> BaseModelOutputWithPooling:
        """Ids (B, S), or vectors (B, S, D) as `inputs_embeds`; mask (B, S), 1 = a real token -> states (B, S, D)."""
        inputs = TextInputs.check(
            self.config,
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
        )
        output = encode(self.embeddings, self.layers, self.norm, inputs, train)
        x = output.last_hidden_state
        return BaseModelOutputWithPooling(
            last_hidden_state=x,
            pooler_output=None if self.pooler is None else self.pooler(x, inputs.attention_mask),
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
