"""DistilBERT on torch (Sanh et al. 2019, https://arxiv.org/abs/1910.01108).

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ...outputs import BaseModelOutput
from ...torch.blocks import Layers, encode
from ...torch.embeddings import TextEmbeddings
from ...torch.heads import ClassifierHead
from ...torch.inputs import TextInputs
from ...torch.model import PreTrainedModel
from ...torch.text_heads import (
    MaskedLM,
    MultipleChoice,
    QuestionAnswering,
    SequenceClassification,
    TokenClassification,
)
from .config import DistilBertConfig
from .weights import DISTILBERT


class DistilBertModel(PreTrainedModel, config=DistilBertConfig):
    """Token and position embeddings, then `n_layers` blocks with their norms after the residuals."""

    weight_map = DISTILBERT

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__(config)
        self.embeddings = TextEmbeddings(config)
        self.layers = Layers(config)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> BaseModelOutput:
        """Ids (B, S), or vectors (B, S, D) as `inputs_embeds`; mask (B, S), 1 = a real token -> states (B, S, D)."""
        inputs = TextInputs.check(
            self.config,
            input_ids,
            attention_mask,
            None,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
        )
        return encode(self.embeddings, self.layers, None, inputs)


class DistilBertForMaskedLM(MaskedLM, backbone=DistilBertModel):
    """DistilBERT that guesses masked tokens."""


class DistilBertForSequenceClassification(SequenceClassification, backbone=DistilBertModel):
    """DistilBERT with a classifier of two layers on the first token."""


class DistilBertForMultipleChoice(MultipleChoice, backbone=DistilBertModel):
    """DistilBERT that scores continuations."""


class DistilBertForTokenClassification(TokenClassification, backbone=DistilBertModel):
    """DistilBERT with a classifier on every token."""

    def make_head(self, config: Any, labels: int) -> nn.Module:
        return ClassifierHead(config, labels, dropout=config.dropout)


class DistilBertForQuestionAnswering(QuestionAnswering, backbone=DistilBertModel):
    """DistilBERT that finds where an answer starts and ends."""

    def span_dropout(self, config: Any) -> float:
        return float(config.qa_dropout)
