"""BERT on torch (Devlin et al. 2018, https://arxiv.org/abs/1810.04805)."""

from __future__ import annotations

from ...torch.text_encoder import TextEncoder
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


class BertModel(TextEncoder, config=BertConfig):
    """Token, position and token-type embeddings, blocks with their norms after the residuals, and a pooler."""

    weight_map = BERT


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
