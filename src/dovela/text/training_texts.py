"""The texts that a vocabulary is learnt from: the lines of files, or whatever gives strings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ..errors import InputError
from .arguments import SURROGATE
from .lines import Position, TextFiles

Progress = Callable[[str, int, int | None], None]  # the stage, how much of it is done, and of how much if that is known
Texts = str | PathLike[str] | Iterable[str | PathLike[str] | list[str]]
_FILE_NAME = re.compile(r"[^\s]+\.[A-Za-z]\w{0,4}|\.{0,2}/[^\s]+")
_OFTEN = 1000  # texts between two reports
_READ = 1 << 20  # bytes


def read_texts(where: str, source: Any, progress: Progress | None = None) -> Iterator[str]:
    """The texts in files, or those that an iterable gives one by one or in lists.

    A path, or a list of them, is files, one text a line. A list of strings is files if the first one is the name of a
    file, and texts otherwise; an iterator is texts always. gzip files are read, and "-" is standard input.
    """
    files = as_files(where, source)
    return _of_files(where, files, progress) if files is not None else _of_iterable(where, source, progress)


def as_files(where: str, source: Any) -> list[str] | None:
    """The files that `source` names, or None where it gives texts."""
    if isinstance(source, (str, PathLike)):
        return [fspath(source)]
    if isinstance(source, (bytes, dict)) or not isinstance(source, Iterable):
        raise InputError(where, f"expected files or texts to learn from, got {type(source).__name__}")
    if not isinstance(source, (list, tuple)) or not source:
        return None
    first = source[0]
    if not isinstance(first, PathLike) and not (isinstance(first, str) and _names_file(first)):
        return None
    wrong = [item for item in source if not isinstance(item, (str, PathLike))]
    if wrong:
        raise InputError(where, f"expected files only, after {str(first)!r}, got {type(wrong[0]).__name__}")
    if isinstance(first, str) and not Path(first).exists():
        hint = "For texts that look like names, give iter(texts)."
        raise InputError(where, f"there is no file {first!r} (looked in {Path.cwd()})", hint=hint)
    return [fspath(item) for item in source]


def _names_file(text: str) -> bool:
    """Whether a string is the name of a file that exists, or can hardly be anything else."""
    if len(text) > 1000 or "\n" in text or "\0" in text:
        return False
    return _FILE_NAME.fullmatch(text) is not None or Path(text).is_file()


def _of_files(where: str, files: list[str], progress: Progress | None) -> Iterator[str]:
    source = TextFiles(where, files)
    for batch in source.batches(_READ, Position()):
        try:
            texts = batch.texts()
        except InputError as error:  # which speaks of options that there are none of here
            raise InputError(error.where, *error.problems, hint="Save it as UTF-8: iconv -f latin1 -t utf-8.") from None
        yield from texts
        if progress is not None:
            progress("reading", batch.consumed, source.size)


def _of_iterable(where: str, source: Iterable[Any], progress: Progress | None) -> Iterator[str]:
    number = 0
    for item in source:
        for text in item if isinstance(item, (list, tuple)) else (item,):
            if not isinstance(text, str):
                raise InputError(f"{where}, text {number}", f"expected a string, got {type(text).__name__}")
            if not text.isascii() and (found := SURROGATE.search(text)):
                raise InputError(
                    f"{where}, text {number}",
                    f"has a lone surrogate, U+{ord(found[0]):04X}, as character {found.start()}, which is no text",
                )
            yield text
            number += 1
            if progress is not None and number % _OFTEN == 0:
                progress("reading", number, None)
