"""The model without a head of every architecture that reads token ids.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ..outputs import BaseModelOutputWithPooling
from .blocks import Layers, encode, final_norm
from .embeddings import TextEmbeddings
from .inputs import TextInputs
from .model import PreTrainedModel
from .poolers import make_pooler, pool


class TextEncoder(PreTrainedModel):
    """Embeddings, blocks, a norm where the blocks end without one, and a pooler, as the configuration names them."""

    optional_parts = ("pooler",)

    def __init__(self, config: Any, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = TextEmbeddings(config)
        self.layers = Layers(config)
        self.norm = final_norm(config, self.layers)
        self.pooler: nn.Module | None = make_pooler(config) if add_pooling_layer else None

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
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
        output = encode(self.embeddings, self.layers, self.norm, inputs)
        x = output.last_hidden_state
        return BaseModelOutputWithPooling(
            last_hidden_state=x,
            pooler_output=None if self.pooler is None else pool(self.pooler, x, inputs.attention_mask),
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
