"""Images for tests: noise of any shape, and the same in every form that an extractor takes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def noise(height: int = 30, width: int = 40, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Bytes of shape (height, width, channels)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def picture(height: int = 30, width: int = 40, seed: int = 0) -> Image.Image:
    return Image.fromarray(noise(height, width, 3, seed))


def encoded(image: Image.Image, kind: str = "png", **options: object) -> bytes:
    """The bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
