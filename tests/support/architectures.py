"""Every architecture and head, with small configurations and inputs that fit them."""

from __future__ import annotations

from typing import Any

import numpy as np

DISTILBERT = {
    "vocab_size": 61,
    "max_position_embeddings": 40,
    "dim": 48,
    "n_heads": 4,
    "n_layers": 3,
    "hidden_dim": 80,
    "id2label": {0: "red", 1: "green", 2: "blue"},
    "label2id": {"red": 0, "green": 1, "blue": 2},
}
BERT = {
    "vocab_size": 61,
    "max_position_embeddings": 40,
    "hidden_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "intermediate_size": 80,
    "type_vocab_size": 3,
    "id2label": {0: "red", 1: "green", 2: "blue"},
    "label2id": {"red": 0, "green": 1, "blue": 2},
}
CONFIGS = {"DistilBert": DISTILBERT, "Bert": BERT}
HEADS = {
    "DistilBert": [
        "Model",
        "ForMaskedLM",
        "ForSequenceClassification",
        "ForQuestionAnswering",
        "ForTokenClassification",
        "ForMultipleChoice",
    ],
    "Bert": [
        "Model",
        "ForPreTraining",
        "ForMaskedLM",
        "ForNextSentencePrediction",
        "ForSequenceClassification",
        "ForQuestionAnswering",
        "ForTokenClassification",
        "ForMultipleChoice",
    ],
}
MODELS = [architecture + head for architecture, heads in HEADS.items() for head in heads]


def config_of(model: str) -> dict[str, Any]:
    config = dict(CONFIGS["DistilBert" if model.startswith("Distil") else "Bert"])
    if model.endswith("QuestionAnswering"):  # which has two outputs whatever the labels; the peer insists on two labels
        del config["id2label"], config["label2id"]
    return config


def inputs_for(
    model: str, seed: int = 0, batch: int = 5, length: int = 33, ragged: bool = True
) -> dict[str, np.ndarray]:
    """Ids, a ragged mask, token types where there are any, and labels for the head."""
    rng = np.random.default_rng(seed)
    shape = (batch, 3, length) if model.endswith("MultipleChoice") else (batch, length)
    lengths = rng.integers(length // 4, length, shape[:-1]) if ragged else np.full(shape[:-1], length)
    lengths.flat[0] = length
    mask = (np.arange(length) < lengths[..., None]).astype(np.int64)
    inputs = {"input_ids": rng.integers(1, 61, shape) * mask, "attention_mask": mask}
    if not model.startswith("Distil"):
        inputs["token_type_ids"] = rng.integers(0, 3, shape)
    tokens = np.where((rng.random(shape) < 0.4) & (mask == 1), rng.integers(0, 61, shape), -100)
    if model.endswith(("MaskedLM", "PreTraining")):
        inputs["labels"] = tokens
    if model.endswith("PreTraining"):
        inputs["next_sentence_label"] = rng.integers(0, 2, batch)
    if model.endswith("NextSentencePrediction"):
        inputs["labels"] = rng.integers(0, 2, batch)
    if model.endswith(("SequenceClassification", "MultipleChoice")):
        inputs["labels"] = rng.integers(0, 3, batch)
    if model.endswith("TokenClassification"):
        inputs["labels"] = np.where(tokens < 0, -100, tokens % 3)
    if model.endswith("QuestionAnswering"):
        inputs["start_positions"] = rng.integers(0, length, batch)
        inputs["end_positions"] = rng.integers(0, length + 4, batch)  # some beyond the end: cut answers
    return inputs
