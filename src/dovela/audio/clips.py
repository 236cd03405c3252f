"""What people hand in as sound, as a list of mono clips: arrays, lists, tensors, files, and entries of `datasets`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any, NoReturn

import numpy as np

from ..errors import InputError
from ..kept_arguments import short
from ..notices import notice
from ..tensors import is_foreign, on_host
from .files import read_file, resampled

Array = np.ndarray[Any, np.dtype[Any]]
FILES = (str, os.PathLike, bytes, bytearray, memoryview)
EXPECTED = "Give an array (n,), a list of arrays, or the path of a file."
MOST_CHANNELS = 8  # in an array (N, C); what has more columns, or no fewer than rows, is a batch


@dataclass(frozen=True)
class Reader:
    """Reads the sound of one call.

    `where` begins its messages, `wanted` is the sampling rate that comes out and `rate` that of what comes in, where
    it does not say so itself. Integers are read as PCM and scaled to [-1, 1). With `raw` they stay integers, and
    whether samples are finite is for the caller to find out, who normalises them, and to `refuse`.
    """

    where: str
    wanted: int
    rate: int | None = None
    resample: bool = False
    mono: bool = False
    raw: bool = False

    def read(self, sound: Any) -> list[Array]:
        """The clips, (n,) each, contiguous, in float32 (or in integers, if `raw`)."""
        parts = _parts(self.where, sound)
        return [self._clip(self._place(i, len(parts)), part) for i, part in enumerate(parts)]

    def refuse(self, clips: Sequence[Array], i: int) -> NoReturn:
        """An InputError for samples of clip `i` that are not finite."""
        _refuse(self._place(i, len(clips)), clips[i])

    def _place(self, i: int, count: int) -> str:
        return self.where if count == 1 else f"{self.where}, clip {i}"

    def _clip(self, where: str, part: Any) -> Array:
        samples, rate = _samples(where, part)
        clip = np.ascontiguousarray(self._mono(where, _numbers(where, samples, self.raw), samples is part))
        if not len(clip):
            raise InputError(where, "is empty", hint="Leave out clips of no samples.")
        if (self.resample or not self.raw) and not _finite(clip):
            _refuse(where, clip)
        return self._at_rate(where, clip, rate)

    def _mono(self, where: str, samples: Array, at_hand: bool) -> Array:
        if samples.ndim == 1:
            return samples
        if samples.ndim > 2:
            raise InputError(where, f"shape {samples.shape} is no clip", hint="Give an array (n,).")
        axis = 1 if samples.shape[0] >= samples.shape[1] else 0  # of the channels; files have it last, torchaudio first
        channels = samples.shape[axis]
        if self.mono:
            return samples.mean(axis, dtype=np.float32)  # type: ignore[no-any-return]
        if channels == 1:
            raise InputError(
                where, f"shape {samples.shape} has an axis for channels", hint="Give one clip as (n,): sound.ravel()."
            )
        pick = f"pick one: sound[{':, 0' if axis else '0'}]" if at_hand else "read it yourself and pick one"
        raise InputError(
            where,
            f"shape {samples.shape} is sound of {channels} channels, and a model takes one",
            hint=f"Average them with mono=True, or {pick}.",
        )

    def _at_rate(self, where: str, clip: Array, rate: int | None) -> Array:
        if rate is not None and self.rate is not None and rate != self.rate:
            raise InputError(
                where, f"sampling_rate={self.rate} was given, but it says itself {rate} Hz", hint="Leave it out."
            )
        rate = self.rate if rate is None else rate
        if rate is None:
            if self.resample:
                raise InputError(where, "resample=True needs to know from which rate", hint="Give sampling_rate=….")
            notice(
                f"{self.where}: sampling_rate was not given, so the sound is taken to have {self.wanted} Hz. "
                "Pass it with every call: sound of another rate would go unnoticed."
            )
        elif rate != self.wanted:
            if not self.resample:
                raise InputError(
                    where,
                    f"expected sound of {self.wanted} Hz, got {rate} Hz",
                    hint="Call with resample=True to convert it, or load it at that rate.",
                )
            clip = resampled(clip.astype(np.float32, copy=False), rate, self.wanted)
            if not len(clip):
                raise InputError(where, f"is too short to resample from {rate} to {self.wanted} Hz")
        return clip


def _parts(where: str, sound: Any) -> list[Any]:
    """One entry a clip."""
    if isinstance(sound, (list, tuple)):
        if not len(sound):
            raise InputError(where, "there is no sound in an empty list", hint=EXPECTED)
        return [sound] if isinstance(sound[0], (Number, np.number, np.bool_)) else list(sound)
    if isinstance(sound, (*FILES, Mapping)) or hasattr(sound, "read") or hasattr(sound, "get_all_samples"):
        return [sound]
    array = _array(where, sound)
    if array.ndim != 2:
        return [sound]
    rows, columns = array.shape
    if not rows:
        raise InputError(where, f"there is no sound in shape {array.shape}", hint=EXPECTED)
    return [sound] if columns <= MOST_CHANNELS and columns < rows else list(array)


def _samples(where: str, part: Any) -> tuple[Any, int | None]:
    """What is to be made an array, and the sampling rate that comes along with it."""
    if isinstance(part, FILES) or hasattr(part, "read"):
        samples, rate = read_file(where, part)
        return (samples[:, 0] if samples.shape[1] == 1 else samples), rate
    if hasattr(part, "get_all_samples"):  # a decoder of torchcodec, which `datasets` 4 gives: (channels, n)
        decoded = part.get_all_samples()
        data = _array(where, decoded.data)
        return (data[0] if data.ndim == 2 and len(data) == 1 else data), int(decoded.sample_rate)
    if isinstance(part, Mapping):
        if part.get("array") is not None:
            return part["array"], read_rate(where, part.get("sampling_rate"))
        file = part.get("bytes") or part.get("path")
        if not file:
            raise InputError(
                where,
                f"expected the keys 'array' and 'sampling_rate' (or 'path', or 'bytes'), got {sorted(map(str, part))}",
            )
        return _samples(where, file)
    return part, None


def _array(where: str, value: Any) -> Array:
    """An array of any kind, a torch tensor on any device, or nested lists, as a numpy array."""
    if is_foreign(value):
        return on_host(where, value)  # type: ignore[no-any-return]
    try:
        return value if type(value) is np.ndarray else np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        what = "a list of unequal parts" if isinstance(value, (list, tuple)) else type(value).__name__
        raise InputError(where, f"{what} is no sound ({error})", hint=EXPECTED) from error


def _numbers(where: str, samples: Any, raw: bool) -> Array:
    """As float32; integers stay integers if `raw`, and become [-1, 1) if not."""
    array = _array(where, samples)
    kind = array.dtype.kind
    if array.ndim == 0 and kind in "iuf":
        hint = "Give an array (n,), and its rate as sampling_rate=…."
        raise InputError(where, f"one number ({array.item()!r}) is no sound", hint=hint)
    if kind == "f":
        with np.errstate(over="ignore"):  # the infinity is found afterwards
            return array.astype(np.float32, copy=False)
    if kind in "iu":
        if raw and array.dtype == np.uint8:  # around zero, as the others are
            return array.astype(np.int16) - 128
        if raw:
            return array.astype(array.dtype.newbyteorder("=") if array.dtype.itemsize <= 4 else np.float32, copy=False)
        if array.dtype.itemsize > (1 if kind == "u" else 4):
            raise InputError(
                where,
                f"integers of type {array.dtype.name} are no PCM, so their full scale is not known",
                hint="Give uint8, int8, int16 or int32, or floats in [-1, 1].",
            )
        half = 2.0 ** (8 * array.dtype.itemsize - 1)
        return ((array.astype(np.float64) - half * (kind == "u")) / half).astype(np.float32)
    if kind == "c":
        raise InputError(where, f"{array.dtype.name} is a spectrum, not sound", hint="Give the samples themselves.")
    if kind == "b":
        raise InputError(where, "truth values are no sound", hint=EXPECTED)
    held = f"{type(samples).__name__} {short(samples)}" if array.ndim == 0 else f"an array of {array.dtype}"
    raise InputError(where, f"{held} is no sound", hint=EXPECTED)


def read_rate(where: str, rate: Any) -> int | None:
    """A sampling rate in samples a second; None where none is given."""
    if rate is None:
        return None
    value = rate.item() if isinstance(rate, np.generic) else rate
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 1 or value % 1:
        raise InputError(where, f"sampling_rate must be a positive integer, in Hz, got {rate!r}")
    return int(value)


def _refuse(where: str, clip: Array) -> NoReturn:
    bad = np.flatnonzero(~np.isfinite(clip))
    raise InputError(
        where,
        f"{len(bad)} of {len(clip)} samples are not finite, the first ({clip[bad[0]]}) at {bad[0]}",
        hint="Look at how it was made; numpy.nan_to_num replaces them.",
    )


def _finite(clip: Array) -> bool:
    """One pass: a sum is finite only where all is; the second look is for sums that overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.add.reduce(clip)) or np.isfinite(clip).all())
