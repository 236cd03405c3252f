"""The parts of ViT's models, told without a framework."""

from __future__ import annotations

import math

from ...inventory import Measure, Part, blocks, classifier, convolution, linear, norm, over, parameter
from .config import ViTConfig


def parts(config: ViTConfig) -> dict[str, list[Part]]:
    """Head -> all parts; an image is one input, and has as many tokens as patches, and the class token."""
    width, patches = config.hidden_size, math.prod(config.grid)
    embeddings = [
        convolution("embeddings.patches", config.num_channels, width, config.patch_shape),
        parameter("embeddings.class_token", 1, 1, width),
        parameter("embeddings.positions", 1, 1 + patches, width),
    ]
    encoder = [
        *over(embeddings, lambda images: images * patches),
        *over([*blocks(config), norm("norm", width)], lambda images: images * (1 + patches)),
    ]
    pooler = linear("pooler.dense", width, config.pooler_output_size or width, once=True)
    made = config.encoder_stride**2 * config.num_channels
    decoder = convolution("decoder.0", width, made, (1, 1))
    return {
        "": [*encoder, pooler],
        "ImageClassification": encoder + classifier(config, config.num_labels),
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
