"""DistilBERT in Flax (Sanh et al. 2019, https://arxiv.org/abs/1910.01108).

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

import jax
from flax import linen as nn

from ...flax.blocks import encode, make_layers
from ...flax.embeddings import TextEmbeddings
from ...flax.heads import ClassifierHead
from ...flax.inputs import TextInputs
from ...flax.layers import dtypes
from ...flax.model import FlaxPreTrainedModel
from ...flax.text_heads import (
    MaskedLM,
    MultipleChoice,
    QuestionAnswering,
    SequenceClassification,
    TokenClassification,
)
from ...outputs import BaseModelOutput
from .config import DistilBertConfig
from .weights import DISTILBERT

Array = jax.Array


class FlaxDistilBertModel(FlaxPreTrainedModel, config=DistilBertConfig):
    """Token and position embeddings, then `n_layers` blocks with their norms after the residuals."""

    weight_map = DISTILBERT

    def setup(self) -> None:
        self.embeddings = TextEmbeddings(self.config, **dtypes(self))
        self.layers = make_layers(self)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        train: bool = False,
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
        return encode(self.embeddings, self.layers, None, inputs, train)


class FlaxDistilBertForMaskedLM(MaskedLM, backbone=FlaxDistilBertModel):
    """DistilBERT that guesses masked tokens."""


class FlaxDistilBertForSequenceClassification(SequenceClassification, backbone=FlaxDistilBertModel):
    """DistilBERT with a classifier of two layers on the first token."""


class FlaxDistilBertForMultipleChoice(MultipleChoice, backbone=FlaxDistilBertModel):
    """DistilBERT that scores continuations."""


class FlaxDistilBertForTokenClassification(TokenClassification, backbone=FlaxDistilBertModel):
    """DistilBERT with a classifier on every token."""

    def make_head(self, labels: int) -> nn.Module:
        return ClassifierHead(self.config, labels, self.config.dropout, **dtypes(self))


class FlaxDistilBertForQuestionAnswering(QuestionAnswering, backbone=FlaxDistilBertModel):
    """DistilBERT that finds where an answer starts and ends."""

    @nn.nowrap
    def span_dropout(self) -> float:
        return float(self.config.qa_dropout)
