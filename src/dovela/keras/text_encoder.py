"""The model without a head of every architecture that reads token ids.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

from ..outputs import BaseModelOutputWithPooling
from .blocks import Layers, encode, final_norm
from .embeddings import TextEmbeddings
from .inputs import TextInputs
from .model import TFPreTrainedModel
from .poolers import make_pooler, real_tokens


class TextEncoder(TFPreTrainedModel):
    """Embeddings, blocks, a norm where the blocks end without one, and a pooler, as the configuration names them."""

    optional_parts = ("pooler",)

    def __init__(self, config: Any, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = TextEmbeddings(config)
        self.stack = Layers(config)
        self.norm = final_norm(config, self.stack)
        self.pooler = make_pooler(config) if add_pooling_layer else None

    def call(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        training: bool | None = None,
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
        output = encode(self.embeddings, self.stack, self.norm, inputs, training)
        x = output.last_hidden_state
        return BaseModelOutputWithPooling(
            last_hidden_state=x,
            pooler_output=None if self.pooler is None else self.pooler(x, real_tokens(inputs.attention_mask)),
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
