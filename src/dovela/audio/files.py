"""Sound files, read by soundfile (libsndfile: wav, flac, ogg, mp3, aiff, …), and other sampling rates, by soxr."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import InputError
from ..lazy import missing_backend

UNKNOWN = 1 << 62  # what libsndfile takes the number of samples for, or more, where a file does not say it
CONVERT = "Convert it first: ffmpeg -i IN -ac 1 -ar 16000 out.wav."


def read_file(where: str, file: Any) -> tuple[Any, int]:
    """The samples, (n, channels) float32 in [-1, 1], and the sampling rate of a path, bytes or a binary stream.

    Formats of floats may go beyond 1. InputError for what is no sound, and for what ends too early.
    """
    with needed("reading sound files"):
        import soundfile  # type: ignore[import-untyped]
    name = _name(file)
    with _open(where, file) as stream:
        _check_whole(where, name, stream)
        try:
            with soundfile.SoundFile(stream) as sound:
                rate, declared = sound.samplerate, sound.frames
                samples = sound.read(dtype="float32", always_2d=True) if declared < UNKNOWN else None
        except (soundfile.LibsndfileError, TypeError, ValueError, MemoryError) as error:  # the last: a lying header
            raise InputError(
                where, f"{name} is no sound file that libsndfile can read ({_reason(error)})", hint=CONVERT
            ) from error
    if samples is None:  # libsndfile finds no end of it
        raise InputError(where, f"{name} does not say how many samples it has, as when written to a pipe", hint=CONVERT)
    if len(samples) < declared:
        raise InputError(where, f"{name} ends after {len(samples)} of {declared} samples")
    return samples, rate


def resampled(clip: Any, rate: int, wanted: int) -> Any:
    """A float32 clip (n,) at the rate `wanted`, in soxr's high quality: round(n * wanted / rate) samples."""
    with needed("resample=True"):
        import soxr  # type: ignore[import-untyped]
    return soxr.resample(clip, rate, wanted)


@contextmanager
def needed(user: str) -> Iterator[None]:
    """Around the import of an optional package that `user` needs."""
    try:
        yield
    except ModuleNotFoundError as error:
        raised = missing_backend(user, error)
        raise raised from (None if raised is error else error)


def _name(file: Any) -> str:
    if isinstance(file, (bytes, bytearray, memoryview)):
        return f"what these {len(file)} bytes hold"
    return repr(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else "the stream"


def _open(where: str, file: Any) -> BinaryIO:
    if isinstance(file, (str, os.PathLike)):
        return _open_path(where, os.fspath(file))
    content = file if isinstance(file, (bytes, bytearray, memoryview)) else file.read()
    if isinstance(content, str):
        raise InputError(where, "the stream gives text, not bytes", hint="Open the file with mode 'rb'.")
    if not len(content):
        raise InputError(where, "there are no bytes", hint="A stream that was read must go back first: seek(0).")
    return io.BytesIO(content)


def _open_path(where: str, path: Any) -> BinaryIO:
    shown = repr(path) if len(path) <= 120 else repr(path[:100]) + "…"
    if isinstance(path, str) and path.startswith(("http://", "https://", "s3://", "gs://", "hf://")):
        raise InputError(where, f"{shown} is an address, not a file", hint="Download it and give its path or bytes.")
    try:
        return Path(os.path.expanduser(os.fsdecode(path))).open("rb")  # noqa: PTH111 (of str and bytes alike)
    except FileNotFoundError:
        raise InputError(where, f"there is no file {shown} (looked in {Path.cwd()})") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(where, f"{shown} cannot be opened ({reason})") from None


def _check_whole(where: str, name: str, stream: BinaryIO) -> None:
    """libsndfile reads a wav file that was cut off as a shorter one; its header knows better."""
    head, size = stream.read(8), stream.seek(0, io.SEEK_END)
    stream.seek(0)
    declared = int.from_bytes(head[4:8], "little") + 8
    if head[:4] == b"RIFF" and size < declared < 0x7FFFF000:  # above: written to a pipe, the size is not known
        raise InputError(where, f"{name} ends after {size:,} of {declared:,} bytes", hint="Copy or download it again.")


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", "") or error).removeprefix("Error : ").rstrip(".")
