"""Run in a peer's process (see peers.py): what `transformers` makes of images."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np


def _image(value: Any) -> Any:
    """Arrays as they are; bytes of an image file as an image of Pillow."""
    from PIL import Image

    return Image.open(io.BytesIO(value)) if isinstance(value, bytes) else value


def _class() -> Any:
    """The extractor on Pillow: 5.x has it under a name of its own."""
    import transformers

    if transformers.__version__.startswith("4"):
        return transformers.ViTImageProcessor
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    return ViTImageProcessorPil


def pixel_values(image: Any, cases: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[Any]:
    """For each (arguments of the constructor, of the call) the batch of one image, or of a list."""
    images = [_image(one) for one in image] if isinstance(image, list) else _image(image)
    return [np.asarray(_class()(**made)(images, return_tensors="np", **call).pixel_values) for made, call in cases]


def saved_and_opened(folder: str, options: dict[str, Any]) -> None:
    _class()(**options).save_pretrained(folder)


def saved_in_processor(folder: str, options: dict[str, Any]) -> None:
    """As 5.x nests an extractor in the file of a processor."""
    import json
    from pathlib import Path

    settings = json.loads(_class()(**options).to_json_string())
    Path(folder, "processor_config.json").write_text(json.dumps({"image_processor": settings, "processor_class": "X"}))


def opened(folder: str, auto: str) -> dict[str, Any]:
    """What the peer's `auto` class makes of a folder: the settings that images depend on."""
    import transformers

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = getattr(transformers, auto).from_pretrained(folder)
    names = ("do_resize", "do_rescale", "rescale_factor", "do_normalize", "image_mean", "image_std", "resample")
    size = found.size
    settings = {name: getattr(found, name) for name in names}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()} | {
        "size": (size["height"], size["width"]),
        "class": type(found).__name__,
    }


def steps(asks: list[tuple[str, Any, dict[str, Any]]]) -> list[Any]:
    """Methods of 4.x's mixin for images, (method, image, arguments) each; pictures come back as arrays."""
    from transformers.image_utils import ImageFeatureExtractionMixin

    mixin = ImageFeatureExtractionMixin()
    return [np.asarray(getattr(mixin, name)(_image(image), **options)) for name, image, options in asks]
