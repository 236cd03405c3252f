"""Every architecture and head, with small configurations and inputs that fit them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import sounds

Arrays = dict[str, np.ndarray]
LABELS = {"id2label": {0: "red", 1: "green", 2: "blue"}, "label2id": {"red": 0, "green": 1, "blue": 2}}
DISTILBERT = {
    "vocab_size": 61,
    "max_position_embeddings": 40,
    "dim": 48,
    "n_heads": 4,
    "n_layers": 3,
    "hidden_dim": 80,
    **LABELS,
}
BLOCKS = {"hidden_size": 48, "num_attention_heads": 4, "num_hidden_layers": 3, "intermediate_size": 80}
BERT = {"vocab_size": 61, "max_position_embeddings": 40, "type_vocab_size": 3, **BLOCKS, **LABELS}
VIT = {"image_size": 12, "patch_size": 3, "num_channels": 2, "encoder_stride": 3, **BLOCKS, **LABELS}
TEXT_HEADS = [
    "Model",
    "ForMaskedLM",
    "ForSequenceClassification",
    "ForQuestionAnswering",
    "ForTokenClassification",
    "ForMultipleChoice",
]

# By the word that the names of an architecture's classes begin with.
CONFIGS: dict[str, dict[str, Any]] = {"DistilBert": DISTILBERT, "Bert": BERT, "ViT": VIT, "Wav2Vec2": sounds.WAV2VEC2}
HEADS = {
    "DistilBert": TEXT_HEADS,
    "Bert": [*TEXT_HEADS, "ForPreTraining", "ForNextSentencePrediction"],
    "ViT": ["Model", "ForImageClassification", "ForMaskedImageModeling"],
    "Wav2Vec2": sounds.HEADS,
}
MODELS = [architecture + head for architecture, heads in HEADS.items() for head in heads]


def architecture_of(model: str) -> str:
    return next(name for name in CONFIGS if model.startswith(name))


TEXT_MODELS = [model for model in MODELS if "vocab_size" in CONFIGS[architecture_of(model)]]


def auto_of(model: str) -> str:
    """The class that opens the checkpoints of a model, whatever its architecture."""
    head = model.removeprefix(architecture_of(model)).removeprefix("Model")
    return "AutoModel" + sounds.AUTO.get(model, head)


def config_of(model: str) -> dict[str, Any]:
    config = dict(CONFIGS[architecture_of(model)])
    if model.endswith("QuestionAnswering"):  # which has two outputs whatever the labels; the peer insists on two labels
        del config["id2label"], config["label2id"]
    return config


def inputs_for(model: str, seed: int = 0, **options: Any) -> Arrays:
    """What the model reads, and labels for its head; options as of the function for its kind of input."""
    return INPUTS[architecture_of(model)](model, np.random.default_rng(seed), **options)


def real_places(model: str, inputs: Arrays) -> np.ndarray | None:
    """Where in (rows, sequence) of an output there is no padding; None: everywhere."""
    return REAL[architecture_of(model)](inputs)


# ---- text ------------------------------------------------------------------------------------------------------------


def text(model: str, rng: np.random.Generator, batch: int = 5, length: int = 33, ragged: bool = True) -> Arrays:
    """Ids, a ragged mask, token types where there are any, and labels."""
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


def real_tokens(inputs: Arrays) -> np.ndarray:
    mask = inputs["attention_mask"]
    return mask.reshape(-1, mask.shape[-1]) == 1


# ---- images ----------------------------------------------------------------------------------------------------------


def images(model: str, rng: np.random.Generator, batch: int = 5, ragged: bool = True) -> Arrays:
    """Pixels, and labels or hidden patches. All are of one size, so there is no padding to be `ragged`."""
    side, patch, channels = VIT["image_size"], VIT["patch_size"], VIT["num_channels"]
    inputs = {"pixel_values": rng.standard_normal((batch, channels, side, side), dtype=np.float32)}
    if model.endswith("ImageClassification"):
        inputs["labels"] = rng.integers(0, 3, batch)
    if model.endswith("MaskedImageModeling"):
        inputs["bool_masked_pos"] = rng.random((batch, (side // patch) ** 2)) < 0.5
    return inputs


def no_padding(inputs: Arrays) -> None:
    return None


INPUTS: dict[str, Callable[..., Arrays]] = {
    "DistilBert": text,
    "Bert": text,
    "ViT": images,
    "Wav2Vec2": sounds.sounds,
}
REAL: dict[str, Callable[[Arrays], np.ndarray | None]] = {
    "DistilBert": real_tokens,
    "Bert": real_tokens,
    "ViT": no_padding,
    "Wav2Vec2": sounds.real_frames,
}
