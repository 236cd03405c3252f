"""Wav2Vec2's vocabulary files: one vocabulary, or one for each of several languages (Pratap et al. 2023)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from ...errors import CheckpointError, InputError, suggest
from ...text.vocabulary import parse_json, read_text, read_vocabulary

Languages = Mapping[str, Mapping[str, int]]
ONE_A_LINE = "A vocabulary is a JSON object from token to id, or has one token a line."


def read_languages(
    where: str, source: str | PathLike[str] | Mapping[str, Any] | None, target_lang: str | None
) -> tuple[Languages | None, dict[str, int]]:
    """The vocabularies by language (None where there is but one), and the one of `target_lang`."""
    content = _parsed(source) if isinstance(source, (str, PathLike)) and fspath(source) else source
    nested = [isinstance(value, Mapping) for value in content.values()] if isinstance(content, Mapping) else []
    if any(nested) and isinstance(content, Mapping):
        if not all(nested):
            raise CheckpointError(
                where if content is source else str(source),
                "mixes ids and vocabularies, where a vocabulary or a vocabulary for each language is expected",
            )
        return content, language(where, content, target_lang)
    vocab = read_vocabulary(where, source)
    if target_lang is not None:
        raise InputError(
            f"{where}.target_lang",
            f"got {target_lang!r}, but the vocabulary is not one of several languages",
            hint="Leave target_lang out.",
        )
    return None, vocab


def language(where: str, languages: Languages, target_lang: str | None) -> dict[str, int]:
    """The vocabulary of one language."""
    if not isinstance(target_lang, str) or target_lang not in languages:
        names = sorted(map(str, languages))
        listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
        what = (
            f"the vocabulary is of {len(names)} languages, and target_lang does not say which"
            if target_lang is None
            else f"target_lang={target_lang!r} is not a language of this vocabulary{suggest(target_lang, names)}"
        )
        raise InputError(where, what, hint=f"It has {listed}.")
    return read_vocabulary(f"{where}, language {target_lang!r}", languages[target_lang])


def _parsed(source: str | PathLike[str]) -> Mapping[str, Any] | None:
    """A JSON file's content; None for a file of lines."""
    path = Path(fspath(source))
    text = read_text(path)
    start = text.lstrip()
    if path.suffix == ".json" or start.startswith("{") or _is_list(start):
        return parse_json(path, text) if start else None
    for number, line in enumerate(text.split("\n"), 1):
        if " " in (token := line.removesuffix("\r")).strip() or "\t" in token:
            raise CheckpointError(
                str(path), f"line {number}, {_short(token)}, is neither JSON nor one token", hint=ONE_A_LINE
            )
    return None


def _is_list(text: str) -> bool:
    """Whether it is a JSON list, and no line such as [PAD]."""
    if not text.startswith("["):
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")
