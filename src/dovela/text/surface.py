"""Where a token lies in the text that it was cut from, when only its name tells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from .rows import Offset


def find_surface(token: str, text: str, start: int) -> Offset | None:
    """The first place of `token` at or after `start`, whatever its case, and without the marks of a word's inside
    (`##`, as in WordPiece), beginning (`▁`, `Ġ`) or end (`</w>`); such a mark alone is one character of whitespace.
    """
    surfaces = dict.fromkeys([token, token.removeprefix("##"), token.lstrip("▁Ġ"), token.removesuffix("</w>")])
    beyond = _after_space(text, start)
    for place in (start, beyond):
        for surface in filter(None, surfaces):
            if text.startswith(surface, place):
                return place, place + len(surface)
    if token in ("▁", "Ġ"):
        return (start, start + 1) if beyond > start else None
    lowered = _lowered(text)
    found = [(place, len(s)) for s in filter(None, surfaces) if (place := lowered.find(_lowered(s), start)) >= 0]
    place, length = min(found, default=(-1, 0))
    return None if place < 0 else (place, place + length)


def _after_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


@lru_cache(4)
def _lowered(text: str) -> str:
    """In lower case, but for the characters whose lower case is longer."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def words_of(text: str, offsets: Sequence[Offset]) -> list[int]:
    """For each token the index of its word, which reaches from whitespace to whitespace; whitespace ends a word."""
    words: list[int] = []
    word, done = 0, -1  # the end of the last word's last token
    for start, stop in offsets:
        surface = text[start:stop]
        first = stop - len(surface.lstrip())
        if first < stop:
            word += done >= 0 and any(char.isspace() for char in text[done:first])
            done = start + len(surface.rstrip())
        words.append(word)
    return words
