"""Pillow's images: which mode becomes what.

Transparency is dropped, as Pillow's `convert("RGB")` does: what lies under a transparent pixel shows. Orientation in
EXIF data is left alone; `PIL.ImageOps.exif_transpose` applies it. 16 bits a pixel (I;16) are scaled to 8, where Pillow
itself would clip.
"""

from __future__ import annotations

import contextlib
from typing import Any

from ..errors import InputError
from ..notices import notice
from .inputs import unreadable

NUMERIC = ("F", "I")  # modes without a range of their own: read as arrays, whose dtype decides


def to_rgb(where: str, picture: Any) -> Any:
    """`picture` in mode RGB; itself if it is already."""
    load(where, picture)
    if picture.mode == "RGB":
        return picture
    if picture.mode.startswith("I;16"):
        picture = _eight_bits(picture)
    elif picture.mode in NUMERIC:
        raise InputError(
            where,
            f"a picture of mode {picture.mode!r} has no range of its own",
            hint="Scale it to bytes (mode L), or pass an array of floats in [0, 1].",
        )
    try:
        if picture.mode == "P" and "transparency" in picture.info:
            picture = picture.convert("RGBA")  # straight to RGB, Pillow warns of some palettes
        elif picture.mode in ("PA", "La", "RGBa"):
            picture = picture.convert("LA" if picture.mode == "La" else "RGBA")
        return picture.convert("RGB")
    except (ValueError, OSError, ImportError) as error:
        raise InputError(where, f"a picture of mode {picture.mode!r} cannot become RGB ({error})") from error


def plain_gray(where: str, picture: Any) -> Any:
    """`picture`, loaded; in mode L if it has one or 16 bits a pixel."""
    load(where, picture)
    if picture.mode.startswith("I;16"):
        return _eight_bits(picture)
    return picture.convert("L") if picture.mode == "1" else picture


def load(where: str, picture: Any) -> None:
    """Decode what Pillow has only opened."""
    try:
        picture.load()
    except Exception as error:  # the plugins for formats raise what they like
        raise unreadable(where, error) from error


def tell_frames(picture: Any) -> None:
    """Say that of an animated picture only one frame is taken."""
    if picture.format == "MPO":  # a photo and its preview
        return
    with contextlib.suppress(Exception):  # counting frames reads the file; what is wrong with it is told on decoding
        if getattr(picture, "is_animated", False):
            notice(
                f"An image ({picture.format}) has {picture.n_frames} frames; the current one, {picture.tell()}, is "
                "taken. Choose with image.seek(…)."
            )


def _eight_bits(picture: Any) -> Any:
    """From 0 … 65535 to 0 … 255, rounded."""
    import numpy as np
    from PIL import Image

    wide = np.asarray(picture).astype(np.uint32)
    return Image.fromarray(((wide + 128) // 257).astype(np.uint8))
