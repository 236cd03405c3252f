"""The parts of DistilBERT's models, told without a framework."""

from __future__ import annotations

from ...inventory import Part, text_encoder_with_heads
from .config import DistilBertConfig

HEADS = ("", "MaskedLM", "SequenceClassification", "TokenClassification", "MultipleChoice", "QuestionAnswering")


def parts(config: DistilBertConfig) -> dict[str, list[Part]]:
    """Head -> all parts; classifiers of sequences have a layer in between."""
    heads = text_encoder_with_heads(config)
    return {head: heads[head] for head in HEADS}
