"""A batch of images into one array: converted, resized, rescaled and normalised, several images at a time.

Rescaling and normalising are one subtraction and one multiplication, straight into the result: a third of the time of a
table of 256 floats. Pillow and numpy release the interpreter while they work, so threads share a batch.

Letters: B batch, C channels, H height, W width.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from ..notices import notice
from ..tensors import on_host
from . import pictures
from .arrays import as_bytes, as_floats, channel_axis, is_floating, planes
from .filters import require
from .inputs import EncodedFile, is_picture, pillow, place
from .resizing import Pair, planes_of, resize_picture, resize_planes

PIXELS_A_THREAD = 200_000  # fewer are done before a thread has started


@dataclass(frozen=True)
class Steps:
    """What is done to every image; None leaves a step out."""

    where: str
    size: Pair | None
    resample: int
    factor: float | None
    mean: Sequence[float] | float | None
    std: Sequence[float] | float | None
    convert_rgb: bool | None
    input_format: str | None = None

    @property
    def gray(self) -> bool:
        """Whether the statistics are those of a single channel, so that a gray image stays gray."""
        return isinstance(self.mean, Sequence) and len(self.mean) == 1

    def channels(self, given: int) -> int:
        """How many channels come out of an image with `given` channels."""
        if self.convert_rgb is False or given not in (1, 4):
            return given
        if given == 4:  # an array: RGBA only if it is said to be
            return 3 if self.convert_rgb else 4
        return 1 if self.gray and self.convert_rgb is None else 3

    def statistics(self, channels: int) -> list[tuple[float, float]]:
        """For each channel (zero, step): a byte v becomes (v - zero) * step."""
        means, stds = _each(self.mean, channels, 0.0), _each(self.std, channels, 1.0)
        factor = 1.0 if self.factor is None else self.factor
        return [(mean / factor, factor / std) for mean, std in zip(means, stds, strict=True)]


@dataclass(frozen=True)
class Shape:
    """What can be told of an image before it is decoded."""

    channels: int
    height: int
    width: int
    floats: bool = False


def prepare(images: Sequence[Any], steps: Steps, *, channels_last: bool = False) -> Any:
    """`images`, as `inputs.flatten` gives them, as float32 of shape (B, C, H, W), or (B, H, W, C)."""
    import numpy as np

    pillow(steps.where)
    require(steps.where, steps.resample)
    shapes = [_shape(place(steps.where, i), image, steps) for i, image in enumerate(images)]
    channels, height, width = _common(steps, shapes)
    _check_statistics(steps, channels)
    _tell_unscaled(steps, shapes)
    if channels_last:
        made = np.empty((len(images), height, width, channels), np.float32)
        out = made.transpose(0, 3, 1, 2)
    else:
        out = made = np.empty((len(images), channels, height, width), np.float32)
    statistics = steps.statistics(channels)
    _load_repeated(images, steps)

    def work(i: int) -> InputError | None:
        where = place(steps.where, i)
        try:
            _write(_decoded(where, images[i], steps), out[i], statistics, unit=steps.factor is not None)
        except InputError as error:
            return error
        return None

    problems = [error for error in _spread(work, len(images), sum(s.height * s.width for s in shapes)) if error]
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise InputError(steps.where, *(str(error) for error in problems))
    return made


def _spread(work: Callable[[int], Any], count: int, pixels: int) -> list[Any]:
    """work(0) … work(count - 1), on as many threads as there are cores, if that is worth it.

    The pool lives as long as the call: one that outlived a fork would have no threads. A process that was started to
    share work, as those of a DataLoader, has one thread.
    """
    import multiprocessing

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = min(cores, count, pixels // PIXELS_A_THREAD)
    if threads < 2 or multiprocessing.parent_process() is not None:
        return [work(i) for i in range(count)]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(count)))


def _shape(where: str, image: Any, steps: Steps) -> Shape:
    if isinstance(image, EncodedFile):
        with image.open() as picture:
            return _shape(where, picture, steps)
    if is_picture(image):
        pictures.tell_frames(image)
        width, height = image.size
        if not width or not height:
            raise InputError(where, f"a picture of {width} x {height} pixels has none")
        bands = len(image.getbands())
        if steps.convert_rgb is False and image.mode in ("P", "PA"):
            raise InputError(where, "a palette's indices are no colours", hint="Leave do_convert_rgb on.")
        channels = bands if steps.convert_rgb is False else 1 if bands == 1 and image.mode != "P" else 3
        return Shape(channels, height, width, image.mode == "F")
    axis = channel_axis(where, image.shape, steps.input_format)
    height, width = (n for i, n in enumerate(image.shape) if i != axis)
    return Shape(1 if axis is None else image.shape[axis], height, width, is_floating(where, image.dtype))


def _common(steps: Steps, shapes: Sequence[Shape]) -> tuple[int, int, int]:
    """Channels, height and width of the result."""
    counts = sorted({steps.channels(shape.channels) for shape in shapes})
    if len(counts) > 1:
        raise InputError(
            steps.where,
            f"images with {counts[0]} and with {counts[-1]} channels make no batch",
            hint="Pass do_convert_rgb=True, or convert them alike.",
        )
    if steps.size is not None:
        return (counts[0], *steps.size)
    sides = sorted({(shape.height, shape.width) for shape in shapes})
    if len(sides) > 1:
        raise InputError(
            steps.where,
            f"images of different sizes make no batch: {sides[0]} and {sides[-1]} (height, width) are among them",
            hint="Leave do_resize on, or bring them to one size first.",
        )
    return (counts[0], *sides[0])


def _check_statistics(steps: Steps, channels: int) -> None:
    import numpy as np

    for name, values in (("image_mean", steps.mean), ("image_std", steps.std)):
        if isinstance(values, Sequence) and len(values) != channels:
            hint = {1: "Leave do_convert_rgb on for gray images.", 4: "Drop the alpha: do_convert_rgb=True."}
            raise InputError(
                f"{steps.where}.{name}",
                f"has {len(values)} values, and the images have {channels} channel{'s' * (channels > 1)}",
                hint=hint.get(channels, "Give one value a channel, or a single number for all."),
            )
    most = float(np.finfo(np.float32).max)
    if any(max(abs(zero), step, abs(zero * step), step * 255) > most for zero, step in steps.statistics(channels)):
        raise InputError(
            steps.where, "with this image_mean, image_std and rescale_factor the values do not fit into float32"
        )


def _tell_unscaled(steps: Steps, shapes: Sequence[Shape]) -> None:
    """Say that bytes meet statistics that are for units. It is what was asked for, and hardly what was meant."""
    if steps.factor is not None or steps.mean is None or all(shape.floats for shape in shapes):
        return
    if max(_each(steps.mean, 1, 0.0) + _each(steps.std, 1, 1.0)) <= 1:
        notice(
            f"{steps.where}: do_rescale=False leaves bytes at 0 to 255, and image_mean and image_std are for values of "
            "0 to 1. It is for floats that were rescaled before."
        )


def _load_repeated(images: Sequence[Any], steps: Steps) -> None:
    """Decode what is in the batch more than once, since two threads may not decode one picture."""
    seen: set[int] = set()
    for i, image in enumerate(images):
        if id(image) in seen and is_picture(image):
            pictures.load(place(steps.where, i), image)
        seen.add(id(image))


def _decoded(where: str, image: Any, steps: Steps) -> Sequence[Any]:
    """The channels of an image, bytes or float32, each (H, W), in the size asked for."""
    if isinstance(image, EncodedFile):
        with image.open() as picture:
            return _decoded(where, picture, steps)
    input_format = steps.input_format
    if is_picture(image):
        picture = pictures.plain_gray(where, image)
        if picture.mode not in pictures.NUMERIC:
            if steps.convert_rgb is not False and picture.mode != "L":
                picture = pictures.to_rgb(where, picture)
            return planes_of(picture if steps.size is None else resize_picture(picture, steps.size, steps.resample))
        image, input_format = on_host(where, picture), None
    array = planes(where, image, input_format)
    if is_floating(where, array.dtype):
        array = as_floats(where, array, unit=steps.factor is not None)
    else:
        array = as_bytes(where, array)
    if steps.convert_rgb and len(array) == 4:
        array = array[:3]
    return list(array) if steps.size is None else resize_planes(array, steps.size, steps.resample)


def _write(channels: Sequence[Any], out: Any, statistics: Sequence[tuple[float, float]], *, unit: bool) -> None:
    """An image, rescaled and normalised, into `out`, (C, H, W); a gray one into every channel.

    `unit`: floats stand for bytes, 1 for 255.
    """
    import numpy as np

    for c, (zero, step) in enumerate(statistics):
        plane = channels[c if len(channels) > 1 else 0]
        if unit and plane.dtype != np.uint8:
            zero, step = zero / 255, step * 255
            plane = np.clip(plane, 0, 1)  # a filter may have overshot, as it may not on bytes
        np.subtract(plane, np.float32(zero), out=out[c], dtype=np.float32)
        out[c] *= np.float32(step)


def _each(values: Sequence[float] | float | None, channels: int, default: float) -> list[float]:
    if values is None:
        return [default] * channels
    return list(values) if isinstance(values, Sequence) else [values] * channels
