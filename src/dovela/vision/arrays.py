"""Arrays as images: which axis holds the channels, and whether the numbers are bytes or floats.

Letters: C channels, H height, W width.
"""

from __future__ import annotations

from typing import Any

from ..errors import InputError, suggest

FIRST, LAST, NONE = "channels_first", "channels_last", "none"
FORMATS = (FIRST, LAST, NONE)
ROUNDING = 1e-4  # floats may leave [0, 1] by as much as arithmetic does, not by as much as a pixel's step, 1/255


def check_format(where: str, value: Any, *allowed: str) -> str | None:
    """ "channels_first" or "channels_last" (for two axes, "none"), as a string or as the peers' enum."""
    if value is None or value in allowed:
        return None if value is None else str(getattr(value, "value", value))
    raise InputError(where, f"{value!r} is not one of {', '.join(map(repr, allowed))}{suggest(str(value), allowed)}")


def channel_axis(where: str, shape: tuple[int, ...], data_format: str | None = None) -> int | None:
    """0 or 2, the axis of the channels in an image of this shape; None where it has two axes.

    Without a `data_format` it is the axis of length 1 or 3; failing that, of length 4. Two such axes are an InputError.
    """
    if 0 in shape:
        raise InputError(where, f"an image of shape {shape} has no pixels")
    if len(shape) == 2:
        if data_format in (FIRST, LAST):
            raise InputError(where, f"an image of shape {shape} has no channels, and {data_format!r} was given")
        return None
    if data_format in (FIRST, LAST):
        return 0 if data_format == FIRST else 2
    if data_format == NONE:
        raise InputError(where, f"an image of shape {shape} has three axes, and 'none' stands for (height, width)")
    hint = f"Say which it is: input_data_format={FIRST!r} or {LAST!r}."
    for lengths in ((1, 3), (4,)):
        axes = [axis for axis in (0, 2) if shape[axis] in lengths]
        if len(axes) == 2:
            raise InputError(
                where, f"in an image of shape {shape} the first and the last axis may be channels", hint=hint
            )
        if axes:
            return axes[0]
    raise InputError(
        where,
        f"an image of shape {shape} has no axis of 1, 3 or 4 channels",
        hint=hint + " A batch of gray images is an array of shape (batch, 1, height, width).",
    )


def planes(where: str, array: Any, data_format: str | None = None) -> Any:
    """A view of shape (C, H, W)."""
    axis = channel_axis(where, array.shape, data_format)
    return array[None] if axis is None else array if axis == 0 else array.transpose(2, 0, 1)


def is_floating(where: str, dtype: Any) -> bool:
    """Whether an image of this dtype holds floats; otherwise it holds bytes, in whatever integers."""
    if dtype.kind in "iuf":
        return bool(dtype.kind == "f")
    hint = "For a mask, say what True is: mask.astype(numpy.uint8) * 255." if dtype.kind == "b" else ""
    raise InputError(where, f"an array of {dtype} is no image", hint=hint)


def as_bytes(where: str, array: Any) -> Any:
    """Integers of any width as uint8, which they must fit."""
    import numpy as np

    if array.dtype == np.uint8:
        return array
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 255:
        deep = high if array.dtype.itemsize > 2 else np.iinfo(array.dtype).max
        raise InputError(
            where,
            f"integers are taken for bytes, 0 to 255, and there are values from {low} to {high}",
            hint=f"Scale them first, as in (image / {deep}).astype('float32') for values up to {deep}.",
        )
    return array.astype(np.uint8)


def as_floats(where: str, array: Any, *, unit: bool) -> Any:
    """Floats of any width as float32, finite; `unit`: they must lie in [0, 1]."""
    import numpy as np

    low, high = float(array.min()), float(array.max())  # NaN if there is one
    if not max(abs(low), abs(high)) <= float(np.finfo(np.float32).max):
        raise InputError(where, "the image has values that are not finite (NaN or infinity, or beyond float32)")
    if unit and (low < -ROUNDING or high > 1 + ROUNDING):
        raise InputError(
            where,
            f"floats are taken for units, 0 to 1, when rescaling, and there are values from {low:g} to {high:g}",
            hint="For 0 to 255, pass image.astype('uint8'), or divide by 255. "
            "For values that were normalised, pass do_rescale=False, do_normalize=False.",
        )
    return array.astype(np.float32, copy=False)
