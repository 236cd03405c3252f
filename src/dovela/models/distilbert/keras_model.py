"""DistilBERT in Keras (Sanh et al. 2019, https://arxiv.org/abs/1910.01108).

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

from ...keras.blocks import Layers, encode
from ...keras.embeddings import TextEmbeddings
from ...keras.heads import ClassifierHead
from ...keras.inputs import TextInputs
from ...keras.model import TFPreTrainedModel
from ...keras.text_heads import (
    MaskedLM,
    MultipleChoice,
    QuestionAnswering,
    SequenceClassification,
    TokenClassification,
)
from ...outputs import BaseModelOutput
from .config import DistilBertConfig
from .weights import DISTILBERT


class TFDistilBertModel(TFPreTrainedModel, config=DistilBertConfig):
    """Token and position embeddings, then `n_layers` blocks with their norms after the residuals."""

    weight_map = DISTILBERT

    def __init__(self, config: DistilBertConfig) -> None:
        super().__init__(config)
        self.embeddings = TextEmbeddings(config)
        self.stack = Layers(config)

    def call(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        training: bool | None = None,
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
        return encode(self.embeddings, self.stack, None, inputs, training)


class TFDistilBertForMaskedLM(MaskedLM, backbone=TFDistilBertModel):
    """DistilBERT that guesses masked tokens."""


class TFDistilBertForSequenceClassification(SequenceClassification, backbone=TFDistilBertModel):
    """DistilBERT with a classifier of two layers on the first token."""


class TFDistilBertForMultipleChoice(MultipleChoice, backbone=TFDistilBertModel):
    """DistilBERT that scores continuations."""


class TFDistilBertForTokenClassification(TokenClassification, backbone=TFDistilBertModel):
    """DistilBERT with a classifier on every token."""

    def make_head(self, config: Any, labels: int) -> ClassifierHead:
        return ClassifierHead(config, labels, dropout=config.dropout)


class TFDistilBertForQuestionAnswering(QuestionAnswering, backbone=TFDistilBertModel):
    """DistilBERT that finds where an answer starts and ends."""

    def span_dropout(self, config: Any) -> float:
        return float(config.qa_dropout)
