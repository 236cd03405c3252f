"""Vocabulary files: one token a line, or a JSON object from token to id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, InputError

MOST_IDS = 2**31  # what a tensor of 32-bit integers holds


def read_vocabulary(where: str, source: str | PathLike[str] | Mapping[str, int] | None) -> dict[str, int]:
    """Token -> id from a file, or from a mapping that is one already.

    A file that is missing, empty, not UTF-8, or names a token twice is a CheckpointError that gives file and line.
    """
    if isinstance(source, Mapping):
        return _checked(f"{where}: vocab_file", source)
    if not isinstance(source, (str, PathLike)) or not source:
        raise InputError(
            f"{where}.vocab_file",
            f"expected the path of a vocabulary file or a mapping from token to id, got {source!r}",
        )
    path = Path(fspath(source))
    text = read_text(path)
    if not text.strip():
        raise CheckpointError(str(path), "is empty, where a vocabulary is expected")
    if path.suffix == ".json" or text.lstrip().startswith("{"):
        return _checked(str(path), parse_json(path, text))
    lines = text.removesuffix("\n").split("\n")  # nothing but \n ends a line: vocabularies hold other separators
    vocab: dict[str, int] = {}
    problems: list[str] = []
    for index, line in enumerate(lines):
        token = line.removesuffix("\r")
        if not token:
            problems.append(f"line {index + 1} is empty")
        elif token in vocab:
            problems.append(f"line {index + 1} repeats {token!r} of line {vocab[token] + 1}")
        vocab.setdefault(token, index)
    if problems:
        more = [f"and {len(problems) - 5} more"] if len(problems) > 5 else []
        raise CheckpointError(str(path), *problems[:5], *more, hint="A vocabulary has one token a line, each once.")
    return vocab


def write_vocabulary(where: str, vocab: Mapping[str, int], *, as_json: bool = False) -> bytes:
    """A vocabulary file's content: lines, where a token's id is its line, or a JSON object."""
    if as_json:
        return (json.dumps(dict(vocab), ensure_ascii=False, indent=2) + "\n").encode()
    tokens = sorted(vocab, key=vocab.__getitem__)
    if any(vocab[token] != index for index, token in enumerate(tokens)):
        raise InputError(where, f"ids must be 0 to {len(tokens) - 1} without a gap to be written as lines")
    return "".join(token + "\n" for token in tokens).encode()


def read_text(path: Path) -> str:
    return as_text(path, read_bytes(path))


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(str(path), f"there is no such file (looked in {Path.cwd()})") from None
    except OSError as error:
        raise CheckpointError(str(path), f"cannot be read: {error.strerror}") from error


def as_text(path: Path, data: bytes) -> str:
    """The text of a file, whose lines end in \\n."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CheckpointError(str(path), f"line {line} is not UTF-8 (byte {error.start})") from error
    return text.replace("\r\n", "\n") if "\r" in text else text  # looking for two characters takes far longer


def parse_json(path: Path, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise CheckpointError(
            str(path), f"line {error.lineno} is not JSON: {error.msg} (column {error.colno})"
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError(str(path), f"expected a JSON object, got {type(value).__name__}")
    return value


def read_json(path: Path | None) -> dict[str, Any]:
    """The object in a JSON file; {} where there is no file."""
    return {} if path is None else parse_json(path, read_text(path))


def _is_text(token: str) -> bool:
    """Whether it has no lone surrogate."""
    return token.encode("utf-8", "replace").decode() == token


def _checked(where: str, vocab: Mapping[Any, Any]) -> dict[str, int]:
    if not vocab:
        raise CheckpointError(where, "is empty, where a vocabulary is expected")
    owner: dict[int, str] = {}
    for token, index in vocab.items():
        if not isinstance(token, str) or isinstance(index, bool) or not isinstance(index, int):
            raise CheckpointError(where, f"expected ids by token, got {token!r}: {index!r}")
        if not 0 <= index < MOST_IDS:
            raise CheckpointError(where, f"{token!r} has the id {index}, where ids are 0 to {MOST_IDS - 1}")
        if not token or not (token.isascii() or token.isprintable() or _is_text(token)):
            raise CheckpointError(where, f"id {index} is of {token!r}, which is {'no text' if token else 'empty'}")
        if index in owner:
            raise CheckpointError(where, f"{token!r} and {owner[index]!r} have the same id {index}")
        owner[index] = token
    return dict(vocab)
