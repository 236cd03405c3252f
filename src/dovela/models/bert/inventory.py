"""The parts of BERT's models, told without a framework."""

from __future__ import annotations

from ...inventory import Part, classifier, linear, masked_lm, spans, text_encoder
from .config import BertConfig


def parts(config: BertConfig) -> dict[str, list[Part]]:
    """Head -> all parts; the pooler is there where a head reads the sequence as one vector."""
    encoder = text_encoder(config)
    pooled = [*encoder, linear("pooler.dense", config.hidden_size, config.hidden_size, once=True)]
    following = [linear("next_sentence", config.hidden_size, 2, once=True)]
    return {
        "": pooled,
        "PreTraining": pooled + masked_lm(config) + following,
        "NextSentencePrediction": pooled + following,
        "MaskedLM": encoder + masked_lm(config),
        "SequenceClassification": pooled + classifier(config, config.num_labels),
        "TokenClassification": encoder + classifier(config, config.num_labels, once=False),
        "MultipleChoice": pooled + classifier(config, 1),
        "QuestionAnswering": encoder + spans(config),
    }
