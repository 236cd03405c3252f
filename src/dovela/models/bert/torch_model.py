"""BERT on torch (Devlin et al. 2018, https://arxiv.org/abs/1810.04805).

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from torch import Tensor, nn

from ...outputs import BaseModelOutputWithPooling
from ...torch.blocks import Layers, encode
from ...torch.embeddings import TextEmbeddings
from ...torch.init import Linear
from ...torch.inputs import TextInputs
from ...torch.model import PreTrainedModel
from ...torch.text_heads import (
    MaskedLM,
    MultipleChoice,
    NextSentencePrediction,
    PreTraining,
    QuestionAnswering,
    SequenceClassification,
    TokenClassification,
)
from .config import BertConfig
from .weights import BERT


class Pooler(nn.Module):
    """The first token's state through a tanh layer: (B, S, D) -> (B, D)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.hidden_size, std=config.initializer_range)

    def forward(self, x: Tensor) -> Tensor:
        return self.dense(x[:, 0]).tanh()  # type: ignore[no-any-return]


class BertModel(PreTrainedModel, config=BertConfig):
    """Token, position and token-type embeddings, blocks with their norms after the residuals, and a pooler."""

    weight_map = BERT
    optional_parts = ("pooler",)

    def __init__(self, config: BertConfig, add_pooling_layer: bool = True) -> None:
        super().__init__(config)
        self.embeddings = TextEmbeddings(config)
        self.layers = Layers(config)
        self.pooler = Pooler(config) if add_pooling_layer else None

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
        output = encode(self.embeddings, self.layers, inputs)
        return BaseModelOutputWithPooling(
            last_hidden_state=output.last_hidden_state,
            pooler_output=None if self.pooler is None else self.pooler(output.last_hidden_state),
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


class BertForMaskedLM(MaskedLM, backbone=BertModel):
    """BERT that guesses masked tokens."""

    backbone_options = {"add_pooling_layer": False}


class BertForPreTraining(PreTraining, backbone=BertModel):
    """BERT with both heads that it was trained with."""


class BertForNextSentencePrediction(NextSentencePrediction, backbone=BertModel):
    """BERT that tells whether the second text follows the first."""


class BertForSequenceClassification(SequenceClassification, backbone=BertModel):
    """BERT with a classifier on the pooled first token."""


class BertForMultipleChoice(MultipleChoice, backbone=BertModel):
    """BERT that scores continuations."""


class BertForTokenClassification(TokenClassification, backbone=BertModel):
    """BERT with a classifier on every token."""

    backbone_options = {"add_pooling_layer": False}


class BertForQuestionAnswering(QuestionAnswering, backbone=BertModel):
    """BERT that finds where an answer starts and ends."""

    backbone_options = {"add_pooling_layer": False}
