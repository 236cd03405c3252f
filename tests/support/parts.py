"""Every registered part as words of a tiny configuration, and batches for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import sounds
from dovela import AudioEncoderConfig, EncoderConfig, EncoderModel, ImageEncoderConfig
from dovela.parts import ACTIVATIONS, ATTENTIONS, BLOCKS, FEED_FORWARDS, KERNELS, NORMS, POOLERS, POSITIONS
from dovela.torch import (
    register_activation,
    register_attention,
    register_block,
    register_feed_forward,
    register_kernel,
    register_norm,
    register_pooler,
    register_positions,
)

SIZES = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 12}
# Weights large enough that every part makes a difference.
TEXT: dict[str, Any] = {**SIZES, "vocab_size": 31, "max_position_embeddings": 48, "initializer_range": 0.3}
IMAGE: dict[str, Any] = {**SIZES, "image_size": 12, "patch_size": 3, "num_channels": 2, "encoder_stride": 3}
IMAGE["initializer_range"] = 0.3
SOUND: dict[str, Any] = {**sounds.WAV2VEC2, **SIZES, "conv_dim": [8, 8, 8], "initializer_range": 0.3, "layerdrop": 0.0}
SOUND |= {"mask_time_prob": 0.0, "max_position_embeddings": 64}
SOUND["feat_extract_norm"] = "layer"  # the other kind is taken over a row with its padding
CONFIGS: dict[str, tuple[Any, dict[str, Any]]] = {
    "text": (EncoderConfig, TEXT),
    "images": (ImageEncoderConfig, IMAGE),
    "sound": (AudioEncoderConfig, SOUND),
}
REGISTRIES = {
    "attention": ATTENTIONS,
    "attn_implementation": KERNELS,
    "norm": NORMS,
    "positions": POSITIONS,
    "feed_forward": FEED_FORWARDS,
    "activation": ACTIVATIONS,
    "norm_order": BLOCKS,
    "pooler": POOLERS,
}
"""By the word of a configuration that names the part. (Heads are named by tasks.)"""
REGISTER = {
    "attention": register_attention,
    "attn_implementation": register_kernel,
    "norm": register_norm,
    "positions": register_positions,
    "feed_forward": register_feed_forward,
    "activation": register_activation,
    "norm_order": register_block,
    "pooler": register_pooler,
}
NEEDS: dict[tuple[str, str], dict[str, Any]] = {
    ("attention", "window"): {"window": 3},
    ("attention", "causal-window"): {"window": 3},
    ("attention", "grouped-query"): {"num_key_value_heads": 2},
    ("feed_forward", "moe"): {"num_experts": 3},
}
"""What else a part needs to be told, or to do anything in a short sequence."""


def built_in(word: str) -> list[str]:
    """The names of a registry that are dovela's own."""
    return sorted(REGISTRIES[word]._builtin)


PARTS = [(word, name) for word in REGISTRIES for name in built_in(word)]
IDS = [f"{word}-{name}" for word, name in PARTS]


def words_for(word: str, name: str) -> dict[str, Any]:
    return {word: name, **NEEDS.get((word, name), {})}


def config_for(reads: str = "text", **words: Any) -> Any:
    cls, tiny = CONFIGS[reads]
    return cls(**{**tiny, **words})


def reads_for(word: str, name: str) -> str:
    return "sound" if (word, name) == ("positions", "convolutional") else "text"


def ragged(rows: int = 5, length: int = 33) -> Tensor:
    """(B, S) booleans with so much padding that it is left out of the layers."""
    lengths = torch.tensor([length, *([7, 12, 12, 20] * rows)[: rows - 1]])
    return torch.arange(length) < lengths[:, None]


def text_batch(rows: int = 5, length: int = 33, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Ids (B, S), random at padding too, and the mask."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(1, 31, (rows, length), generator=generator), ragged(rows, length)


def sound_batch(rows: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Samples (B, T), silent at padding, and the mask."""
    inputs = sounds.sounds("Wav2Vec2Model", np.random.default_rng(seed), rows, 1000)
    return torch.from_numpy(inputs["input_values"]), torch.from_numpy(inputs["attention_mask"]).bool()


def inputs_for(reads: str, rows: int = 5, seed: int = 0) -> dict[str, Tensor]:
    if reads == "images":
        return {"pixel_values": torch.randn(rows, 2, 12, 12, generator=torch.Generator().manual_seed(seed))}
    name, make = ("input_ids", text_batch) if reads == "text" else ("input_values", sound_batch)
    x, mask = make(rows, seed=seed)
    return {name: x, "attention_mask": mask}


def real_places(model: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Where in (B, S) of the states there is no padding."""
    mask = inputs.get("attention_mask")
    if mask is None:
        return torch.ones(len(inputs["pixel_values"]), 17, dtype=torch.bool)
    return mask if "input_ids" in inputs else model.frame_mask(mask)


def near(a: Tensor, b: Tensor, tolerance: float = 1e-5) -> bool:
    return bool((a - b).abs().max() <= tolerance * (1 + b.abs().max()))


def part(word: str, name: str, **words: Any) -> Any:
    """A registered part in float64, and its weights random."""
    config = config_for(**{**words_for(word, name), **words})
    built = REGISTRIES[word].get(name)(config).double().eval()
    for parameter in built.parameters():
        nn.init.normal_(parameter, std=0.4)
    return built


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def model_with(word: str, part: Any, **words: Any) -> Any:
    """A text encoder with a part of one's own, which is registered as "mine"."""
    REGISTER[word]("mine")(part)
    torch.manual_seed(0)
    return EncoderModel(config_for(**{word: "mine"}, **words)).eval()
