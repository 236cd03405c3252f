"""Text files as batches of whole lines, each of which knows its file and line, in memory that the files' size does not
change. A gzip file is told by its first two bytes; "-" is standard input."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

from ..disk import reason
from ..errors import InputError

STDIN = "-"
LONGEST_LINE = 1 << 28  # bytes; memory is bounded by the batch, and a line is never cut
_COMPRESSED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}


@dataclass(frozen=True)
class Position:
    """Where a batch ends and the next begins."""

    file: int = 0
    offset: int = 0  # bytes of text, after decompression
    line: int = 1
    digest: str = ""  # of the text before `offset`, where nothing else tells one stream from another


@dataclass(frozen=True)
class Batch:
    """Whole lines of one file."""

    name: str
    line: int  # the first one's number, from 1
    data: bytes
    end: Position
    consumed: int  # bytes read so far, as they lie on the disk

    def texts(self, *, replace: bool = False) -> list[str]:
        """The lines, without their ends. What is no text is an InputError, or becomes U+FFFD with `replace`."""
        data = self.data.removeprefix(b"\xef\xbb\xbf") if self.line == 1 else self.data
        if not replace and (at := data.find(0)) >= 0:
            raise self._no_text(data, at, "holds a NUL byte")
        try:
            text = data.decode("utf-8", "replace" if replace else "strict")
        except UnicodeDecodeError as error:
            byte = data[error.start]
            raise self._no_text(data, error.start, f"is not UTF-8 text: byte 0x{byte:02x}, {error.reason}") from error
        if replace:
            text = text.replace("\0", "\ufffd")
        lines = text.removesuffix("\n").split("\n")
        return [line.removesuffix("\r") for line in lines] if "\r" in text else lines

    def _no_text(self, data: bytes, at: int, what: str) -> InputError:
        column = at - data.rfind(b"\n", 0, at)
        return InputError(
            f"{self.name}, line {self.line + data.count(10, 0, at)}, byte {column}",
            what,
            hint="Convert the file (iconv -f latin1 -t utf-8), or pass errors='replace' (--errors replace).",
        )


class TextFiles:
    """The input of a run: files that can be read, in order."""

    def __init__(self, where: str, files: Iterable[str | os.PathLike[str]] | str | os.PathLike[str]) -> None:
        """Every file is opened once, so that what cannot be read is known before hours of work."""
        names = [files] if isinstance(files, (str, os.PathLike)) else list(files)
        self.names = [STDIN if str(name) == STDIN else os.path.abspath(name) for name in names]  # noqa: PTH100
        problems = [problem for name in self.names if name != STDIN and (problem := _problem(name))]
        if self.names.count(STDIN) > 1:
            problems.append(f"standard input ({STDIN!r}) can be read only once")
        if not self.names:
            problems.append("expected at least one file, got none")
        if problems:
            raise InputError(where, *problems)
        self.identities = [_identity(name) for name in self.names]

    @property
    def size(self) -> int | None:
        """Bytes on the disk, or None where a stream is among the files."""
        sizes = [identity.get("bytes") for identity in self.identities]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def batches(self, size: int, start: Position) -> Iterator[Batch]:
        """Batches of at least `size` bytes (a file's last may be smaller), from `start` on.

        Where they are cut depends on the files and `size` alone, as long as `start` is the end of such a batch.
        """
        before = sum(identity.get("bytes", 0) for identity in self.identities[: start.file])
        for number, name in list(enumerate(self.names))[start.file :]:
            position = start if number == start.file else Position(number)
            with _opened(name) as raw:
                yield from self._of_one(raw, before, position, size)
            if _identity(name) != self.identities[number]:
                raise InputError(name, "changed while it was read", hint="Begin again with restart=True (--restart).")
            before += self.identities[number].get("bytes", 0)

    def _of_one(self, raw: IO[bytes], before: int, position: Position, size: int) -> Iterator[Batch]:
        name, offset, line = self.names[position.file], position.offset, position.line
        streamed = "bytes" not in self.identities[position.file]
        stream, packed = _unpacked(name, raw)
        digest = hashlib.blake2b(digest_size=16)
        try:
            if streamed or packed:
                _skip(name, stream, position, digest if streamed else None)
            else:
                stream.seek(position.offset)
            while data := stream.read(size):
                if not data.endswith(b"\n"):
                    data += _rest(name, stream, line + data.count(10))
                if streamed:
                    digest.update(data)
                offset, first, line = offset + len(data), line, line + data.count(10)
                end = Position(position.file, offset, line, digest.hexdigest() if streamed else "")
                yield Batch(name, first, data, end, before + (offset if streamed else raw.tell()))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"{name}, after line {line - 1}", f"the gzip data is damaged or cut short: {error}"
            ) from error
        except OSError as error:
            raise InputError(f"{name}, after line {line - 1}", f"cannot be read ({reason(error)})") from error


def changes(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[str]:
    """In words, what tells the identities of one run's files from another's."""
    if [a["path"] for a in old] != [b["path"] for b in new]:
        return [f"the files were {', '.join(a['path'] for a in old)}; now {', '.join(b['path'] for b in new)}"]
    problems = []
    for a, b in zip(old, new, strict=True):
        if a.get("bytes") != b.get("bytes"):
            problems.append(f"{a['path']} had {a.get('bytes')} bytes, and has {b.get('bytes')}")
        elif a != b:
            problems.append(f"{a['path']} was modified since")
    return problems


def as_json(position: Position) -> dict[str, Any]:
    return {name: value for name, value in asdict(position).items() if value != ""}


def _problem(name: str) -> str | None:
    if os.path.isdir(name):  # noqa: PTH112
        return f"{name} is a folder; name the files in it, as {name}/*.txt"
    try:
        if stat.S_ISREG(os.stat(name).st_mode):  # noqa: PTH116
            os.close(os.open(name, os.O_RDONLY))
        elif not os.access(name, os.R_OK):
            return f"{name} cannot be read"
    except FileNotFoundError:
        return f"{name} does not exist"
    except OSError as error:
        return f"{name} cannot be read ({reason(error)})"
    return None


def _identity(name: str) -> dict[str, Any]:
    """What tells this version of a file from another; of a stream, only its name."""
    if name == STDIN:
        return {"path": name}
    try:
        status = os.stat(name)  # noqa: PTH116
    except OSError as error:
        raise InputError(name, f"cannot be read any more ({reason(error)})") from error
    if not stat.S_ISREG(status.st_mode):  # a pipe
        return {"path": name}
    return {"path": name, "bytes": status.st_size, "modified_ns": status.st_mtime_ns}


@contextmanager
def _opened(name: str) -> Iterator[IO[bytes]]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        stream = open(name, "rb")  # noqa: PTH123, SIM115
    except OSError as error:
        raise InputError(name, f"cannot be read ({reason(error)})") from error
    with stream:
        yield stream


def _unpacked(name: str, raw: Any) -> tuple[Any, bool]:
    """What is in `raw` where it is compressed, else itself; and which of the two."""
    raw = raw if hasattr(raw, "peek") else io.BufferedReader(raw)  # as a program may have replaced sys.stdin
    head = raw.peek(8)[:8]
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw), True
    for magic, kind in _COMPRESSED.items():
        if head.startswith(magic):
            raise InputError(name, f"is a {kind} file", hint="Unpack it into a pipe, and read '-'. Only gzip is read.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(name, "is UTF-16 text", hint="Convert it: iconv -f utf-16 -t utf-8.")
    return raw, False


def _skip(name: str, stream: IO[bytes], position: Position, digest: Any) -> None:
    """Read up to `position`, and see that a stream says there what it said before."""
    left = position.offset
    while left and (data := stream.read(min(left, 1 << 20))):
        left -= len(data)
        if digest is not None:
            digest.update(data)
    if left or (digest is not None and position.digest and digest.hexdigest() != position.digest):
        raise InputError(
            "standard input" if name == STDIN else name,
            f"does not begin with the {position.offset} bytes of the run that is to be resumed",
            hint="Give the same text again, or begin anew with restart=True (--restart).",
        )


def _rest(name: str, stream: IO[bytes], line: int) -> bytes:
    """What is left of a line."""
    rest = stream.readline(LONGEST_LINE)
    if len(rest) == LONGEST_LINE:
        raise InputError(
            f"{name}, line {line}", f"is longer than {LONGEST_LINE >> 20} MiB", hint="Expected one document a line."
        )
    return rest
