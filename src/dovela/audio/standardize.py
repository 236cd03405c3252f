"""Zero mean and unit variance: (x - mean) / sqrt(variance + 1e-7), over one clip and nothing else.

The arithmetic for floats is that of `x.mean()` and `x.var()` in numpy, to the bit, without their temporary arrays.
Integers, and floats that stand far from zero, are taken in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
EPSILON = 1e-7
BLOCK = 1 << 16  # samples worked on at a time, so that they are still in the cache for the next step
FAR = 8  # standard deviations from zero to the mean, from where on float32 loses too much of the difference


def standardize(place: Array, clip: Array) -> bool:
    """Write the standardised `clip` (n,), of float32 or integers, into `place` (n,) float32.

    False, with nothing useful written, where a sample is not finite.
    """
    if clip.dtype == np.float32:
        count = np.float32(len(clip))
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.add.reduce(clip) / count
            power = _center(place, clip, mean, np.empty(min(len(clip), BLOCK), np.float32))
            deviation = np.sqrt(power / count + np.float32(EPSILON))
        if abs(mean) <= FAR * deviation < np.inf:
            np.divide(place, deviation, out=place)
            return True
    return _in_double(place, clip)


def _center(place: Array, clip: Array, mean: Any, scratch: Array) -> Any:
    """Write `clip - mean` into `place`; returns the sum of its squares.

    It halves as numpy's own summation does (to multiples of 8), hence the same result.
    """
    if len(clip) <= BLOCK:
        np.subtract(clip, mean, out=place)
        return np.add.reduce(np.multiply(place, place, out=scratch[: len(place)]))
    half = len(clip) // 2
    half -= half % 8
    return _center(place[:half], clip[:half], mean, scratch) + _center(place[half:], clip[half:], mean, scratch)


def _in_double(place: Array, clip: Array) -> bool:
    """The same in float64, block by block."""
    size = BLOCK // 2  # as many bytes
    blocks = [slice(at, at + size) for at in range(0, len(clip), size)]
    scratch = np.empty(min(len(clip), size))
    with np.errstate(invalid="ignore"):
        mean, power = np.add.reduce(clip, dtype=np.float64) / len(clip), 0.0
        for block in blocks:
            offset = _offset(clip[block], mean, scratch)
            power += np.add.reduce(np.multiply(offset, offset, out=offset))
    deviation = np.sqrt(power / len(clip) + EPSILON)
    if not np.isfinite(deviation):
        return False
    for block in blocks:
        offset = _offset(clip[block], mean, scratch)
        place[block] = np.multiply(offset, 1 / deviation, out=offset)
    return True


def _offset(part: Array, mean: Any, scratch: Array) -> Array:
    offset = scratch[: len(part)]
    offset[:] = part  # a cast of its own is faster than one within the subtraction
    np.subtract(offset, mean, out=offset)
    return offset
