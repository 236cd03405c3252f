"""BERT in Keras (Devlin et al. 2018, https://arxiv.org/abs/1810.04805)."""

from __future__ import annotations

from ...keras.text_encoder import TextEncoder
from ...keras.text_heads import (
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


class TFBertModel(TextEncoder, config=BertConfig):
    """Token, position and token-type embeddings, blocks with their norms after the residuals, and a pooler."""

    weight_map = BERT


class TFBertForMaskedLM(MaskedLM, backbone=TFBertModel):
    """BERT that guesses masked tokens."""

    backbone_options = {"add_pooling_layer": False}


class TFBertForPreTraining(PreTraining, backbone=TFBertModel):
    """BERT with both heads that it was trained with."""


class TFBertForNextSentencePrediction(NextSentencePrediction, backbone=TFBertModel):
    """BERT that tells whether the second text follows the first."""


class TFBertForSequenceClassification(SequenceClassification, backbone=TFBertModel):
    """BERT with a classifier on the pooled first token."""


class TFBertForMultipleChoice(MultipleChoice, backbone=TFBertModel):
    """BERT that scores continuations."""


class TFBertForTokenClassification(TokenClassification, backbone=TFBertModel):
    """BERT with a classifier on every token."""

    backbone_options = {"add_pooling_layer": False}


class TFBertForQuestionAnswering(QuestionAnswering, backbone=TFBertModel):
    """BERT that finds where an answer starts and ends."""

    backbone_options = {"add_pooling_layer": False}
