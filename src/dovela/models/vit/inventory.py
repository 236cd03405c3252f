"""The parts of ViT's models, told without a framework."""

from __future__ import annotations

import math

from ...encoder_config import ChosenParts
from ...inventory import Measure, Part, classifier, convolution, over, parameter
from ...inventory_parts import blocks, last_norm, patch_positions, pooler
from .config import ViTConfig


def parts(config: ViTConfig) -> dict[str, list[Part]]:
    """Head -> all parts; an image is one input, and has as many tokens as patches, and the class token."""
    width, patches, chosen = config.hidden_size, math.prod(config.grid), isinstance(config, ChosenParts)
    embeddings = [
        convolution("embeddings.patches", config.num_channels, width, config.patch_shape),
        parameter("embeddings.class_token", 1, 1, width),
        *patch_positions(config, patches),
    ]
    stack = over([*blocks(config), *last_norm(config), *pooler(config)], lambda images: images * (1 + patches))
    pooled = [*over(embeddings, lambda images: images * patches), *stack]
    encoder = [part for part in pooled if not part.name.startswith("pooler")]
    made = config.encoder_stride**2 * config.num_channels
    decoder = convolution("decoder.0", width, made, (1, 1))
    return {
        "": pooled,
        "ImageClassification": (pooled if chosen else encoder) + classifier(config, config.num_labels),
        "MaskedImageModeling": [
            *encoder,
            parameter("mask_token", 1, 1, width),
            *over([decoder], lambda images: images * patches),
        ],
    }


def measure(config: ViTConfig) -> Measure:
    """Of an image: itself."""
    height, width = config.image_shape
    return Measure("image", usual=1, longest=1, of=f"{height} × {width} pixels")
