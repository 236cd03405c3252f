"""The parts of DistilBERT's models, told without a framework."""

from __future__ import annotations

from ...inventory import Part, classifier, text_encoder_with_heads
from .config import DistilBertConfig


def parts(config: DistilBertConfig) -> dict[str, list[Part]]:
    """Head -> all parts; classifiers of sequences have a layer in between."""
    heads = text_encoder_with_heads(config)
    return heads | {
        "SequenceClassification": heads[""] + classifier(config, config.num_labels, hidden=True),
        "MultipleChoice": heads[""] + classifier(config, 1, hidden=True),
    }
