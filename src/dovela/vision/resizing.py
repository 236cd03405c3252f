"""Resizing as Pillow does it.

On bytes the result is that of `Image.resize`, to the bit, in the mode that the channels make up. Floats are resized in
mode F, a channel at a time, and so are not rounded to bytes on the way.

Letters: C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Pair = tuple[int, int]  # height, width
MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # by the number of channels; Pillow weighs colours by their alpha


def resize_picture(picture: Any, size: Pair, resample: int) -> Any:
    """A picture of Pillow in another size."""
    height, width = size
    return picture if picture.size == (width, height) else picture.resize((width, height), resample)


def resize_planes(array: Any, size: Pair, resample: int) -> Sequence[Any]:
    """An array of bytes or of float32, (C, H, W), in another size: C arrays of (H, W)."""
    import numpy as np
    from PIL import Image

    if array.shape[1:] == size:
        return list(array)
    if array.dtype == np.uint8 and len(array) in MODES:
        return planes_of(resize_picture(as_picture(array), size, resample))
    one_by_one = [Image.fromarray(np.ascontiguousarray(plane)) for plane in array]  # mode L or F, and no copy
    return [np.asarray(resize_picture(plane, size, resample)) for plane in one_by_one]


def as_picture(array: Any) -> Any:
    """Bytes of shape (C, H, W) as a picture of Pillow."""
    import numpy as np
    from PIL import Image

    if len(array) > 1 and abs(array.strides[0]) < abs(array.strides[2]):  # the channels of a pixel lie together
        return Image.fromarray(np.ascontiguousarray(array.transpose(1, 2, 0)))
    return Image.merge(MODES[len(array)], [Image.fromarray(np.ascontiguousarray(plane)) for plane in array])


def planes_of(picture: Any) -> Sequence[Any]:
    """The channels of a picture, each as an array of (H, W)."""
    import numpy as np

    if picture.mode != "RGB":
        array = np.asarray(picture)
        return [array] if array.ndim == 2 else list(array.transpose(2, 0, 1))
    shape = (picture.height, picture.width)  # asked for one by one the channels come without gaps
    return [np.frombuffer(picture.tobytes("raw", band), np.uint8).reshape(shape) for band in "RGB"]
