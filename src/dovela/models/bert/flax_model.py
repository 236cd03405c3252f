"""BERT in Flax (Devlin et al. 2018, https://arxiv.org/abs/1810.04805)."""

from __future__ import annotations

from ...flax.text_encoder import TextEncoder
from ...flax.text_heads import (
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


class FlaxBertModel(TextEncoder, config=BertConfig):
    """Token, position and token-type embeddings, blocks with their norms after the residuals, and a pooler."""

    weight_map = BERT


class FlaxBertForMaskedLM(MaskedLM, backbone=FlaxBertModel):
    """BERT that guesses masked tokens."""

    backbone_options = {"add_pooling_layer": False}


class FlaxBertForPreTraining(PreTraining, backbone=FlaxBertModel):
    """BERT with both heads that it was trained with."""


class FlaxBertForNextSentencePrediction(NextSentencePrediction, backbone=FlaxBertModel):
    """BERT that tells whether the second text follows the first."""


class FlaxBertForSequenceClassification(SequenceClassification, backbone=FlaxBertModel):
    """BERT with a classifier on the pooled first token."""


class FlaxBertForMultipleChoice(MultipleChoice, backbone=FlaxBertModel):
    """BERT that scores continuations."""


class FlaxBertForTokenClassification(TokenClassification, backbone=FlaxBertModel):
    """BERT with a classifier on every token."""

    backbone_options = {"add_pooling_layer": False}


class FlaxBertForQuestionAnswering(QuestionAnswering, backbone=FlaxBertModel):
    """BERT that finds where an answer starts and ends."""

    backbone_options = {"add_pooling_layer": False}
