"""What an image extractor was called with, as a flat list: pictures of Pillow, arrays of numpy, files yet unread.

Taken are images of Pillow, arrays of numpy, torch, jax and TensorFlow, paths, bytes of an encoded file and open files;
alone, in lists, in lists of lists, and arrays with a batch axis.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..lazy import missing_backend
from ..tensors import on_host

if TYPE_CHECKING:
    from PIL import Image

BYTES = (bytes, bytearray, memoryview)
KINDS = "an image of Pillow, an array, a tensor, a path or the bytes of an image file"


class EncodedFile:
    """An image file that is decoded when its turn comes, so that a long batch keeps no files open."""

    def __init__(self, where: str, content: str | os.PathLike[str] | bytes | Any) -> None:
        self.where = where
        self.name = f" {os.fspath(content)!r}" if isinstance(content, (str, os.PathLike)) else ""
        if hasattr(content, "read"):
            content = content.read()
            if not isinstance(content, bytes):
                raise InputError(where, "the open file gives text", hint="Open it in binary mode, open(path, 'rb').")
        self.content = content

    def open(self) -> Image.Image:
        """A picture whose header was read; the caller closes it."""
        pil = pillow(self.where)
        source = io.BytesIO(self.content) if isinstance(self.content, BYTES) else self.content
        try:
            return pil.open(source)  # type: ignore[no-any-return]
        except Exception as error:  # the plugins for formats raise what they like
            raise unreadable(self.where, error, self.name) from error


def pillow(where: str) -> Any:
    """The module PIL.Image; a MissingBackend where it is not installed."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raised = missing_backend(where, error)
        raise raised from (None if raised is error else error)
    return Image


def flatten(where: str, images: Any) -> list[Any]:
    """Every image on its own: `PIL.Image.Image`, `numpy.ndarray` of 2 or 3 axes, or `EncodedFile`."""
    found = list(_each(where, images, alone=True))
    if not found:
        raise InputError(where, "expected at least one image, got none")
    return found


def place(where: str, index: int) -> str:
    """How messages name one image of a batch."""
    return f"{where}, image {index}"


def _each(where: str, images: Any, alone: bool = False, count: int = 0) -> Iterator[Any]:
    """`count`: the number of images before these, so that a message can say which one it is."""
    here = where if alone and not isinstance(images, (list, tuple)) else place(where, count)
    if isinstance(images, (list, tuple)):
        if images and all(isinstance(item, (int, float)) for item in images):
            raise InputError(where, f"expected {KINDS}, got a list of numbers", hint="Make an array: numpy.array(…).")
        for item in images:
            for image in _each(where, item, count=count):
                yield image
                count += 1
    elif is_picture(images):
        yield images
    elif isinstance(images, (str, os.PathLike)):
        yield EncodedFile(here, _existing(here, images))
    elif isinstance(images, BYTES) or hasattr(images, "read"):
        yield EncodedFile(here, images)
    elif hasattr(images, "shape") and hasattr(images, "dtype"):
        array = on_host(here, images)
        if array.ndim == 4:
            yield from array
        elif array.ndim in (2, 3):
            yield array
        else:
            raise InputError(
                here,
                f"an array of shape {tuple(array.shape)} is no image",
                hint="Expected are (height, width), (height, width, channels), (channels, height, width), or a batch "
                "of images with channels.",
            )
    else:
        hint = "Collect it first: list(…)." if hasattr(images, "__iter__") and not isinstance(images, dict) else ""
        raise InputError(here, f"expected {KINDS}, got {type(images).__name__}", hint=hint)


def is_picture(value: Any) -> bool:
    """Whether `value` is an image of Pillow; without importing it."""
    return any(base.__name__ == "Image" and base.__module__ == "PIL.Image" for base in type(value).__mro__)


def _existing(where: str, path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    text = os.fspath(path)
    if text.startswith(("http://", "https://", "data:")):
        raise InputError(where, f"{text[:80]!r} is an address, where a file is expected", hint="Download it first.")
    if not os.path.isfile(Path(path).expanduser()):  # noqa: PTH113 (Path's refuses long names)
        what = "is a folder, where an image file is expected" if os.path.isdir(text) else "there is no such image file"  # noqa: PTH112
        raise InputError(where, f"{text[:200]!r}: {what} (looked in {Path.cwd()})")
    return Path(path).expanduser()


def unreadable(where: str, error: Exception, name: str = "") -> InputError:
    """The error for what Pillow could not open or decode."""
    kind = type(error).__name__
    if kind in ("DecompressionBombError", "DecompressionBombWarning"):
        return InputError(
            where,
            f"the image{name} is larger than Pillow takes for harmless ({error})",
            hint="If you trust it, raise PIL.Image.MAX_IMAGE_PIXELS.",
        )
    if kind == "UnidentifiedImageError":
        return InputError(where, f"the file{name} is not an image in a format that Pillow reads")
    return InputError(where, f"the image{name} cannot be read ({error or kind})", hint="Is the file complete?")
