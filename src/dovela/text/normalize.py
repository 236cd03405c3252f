"""What BERT does to text before it is cut into words, with every character traced back to where it came from.

Clean, space ideographs apart, strip accents, lower the case: each acts on one character at a time, so all four together
are one table from a code point to a string, filled as code points are met. The single exception is the canonical
reordering of combining marks that survive stripping (`_reordered`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from . import unicode_tables as tables

HANGUL, HANGUL_COUNT = 0xAC00, 11172


def code_points(ranges: str) -> Iterator[int]:
    """The members of a table of `unicode_tables`."""
    for item in ranges.split():
        first, _, last = item.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def character_class(ranges: str) -> str:
    """The same members as the inside of a regular expression's `[...]`."""
    items = (item.partition("-") for item in ranges.split())
    return "".join(
        rf"\U{int(first, 16):08x}{dash}" + (rf"\U{int(last, 16):08x}" if dash else "") for first, dash, last in items
    )


class BertNormalizer(dict[int, str]):
    """A `str.translate` table: code point -> what it becomes, computed when first met.

    It gives what the Rust library's `BertNormalizer` gives, for every string.
    """

    def __init__(
        self,
        clean_text: bool = True,
        handle_chinese_chars: bool = True,
        strip_accents: bool | None = None,
        lowercase: bool = True,
    ) -> None:
        """`strip_accents=None` means: as `lowercase` does."""
        super().__init__()
        self.clean_text, self.handle_chinese_chars, self.lowercase = clean_text, handle_chinese_chars, lowercase
        self.strip_accents = lowercase if strip_accents is None else strip_accents

    def __missing__(self, code: int) -> str:
        text = chr(code)
        if self.clean_text:
            text = _clean().get(code, text)
        if self.handle_chinese_chars and code in _ideographs():
            text = f" {text} "
        if self.strip_accents:
            text = "".join(map(_stripped, text))
        if self.lowercase:
            text = text.translate(_lower())
        self[code] = text
        return text

    def __reduce__(self) -> tuple[object, ...]:  # the entries can be made again
        return BertNormalizer, (self.clean_text, self.handle_chinese_chars, self.strip_accents, self.lowercase)

    def normalize(self, text: str) -> str:
        if self.strip_accents and _surviving_marks().search(text):
            return self.align(text)[0]
        return text.translate(self)

    def align(self, text: str) -> tuple[str, list[int]]:
        """The normalised text, and for each of its characters the index in `text` of the one that it came from."""
        if self.strip_accents and _surviving_marks().search(text):
            return self._reordered(text)
        parts = [self[ord(char)] for char in text]
        return "".join(parts), [i for i, part in enumerate(parts) for _ in part]

    def _reordered(self, text: str) -> tuple[str, list[int]]:
        """`align` where marks change places.

        The Rust library keeps positions where they are while characters move over them; `shifts` (0: the next source
        character, 1: the same one again) travels with its character and so reproduces what it reports.
        """
        import unicodedata

        ranks = _combining()
        first = BertNormalizer(self.clean_text, self.handle_chinese_chars, strip_accents=False, lowercase=False)
        spaced, origin = first.align(text)
        run: list[tuple[int, str, int]] = []
        moved: list[tuple[str, int]] = []
        for char in spaced:
            known = ord(char) in _strip() or 0 <= ord(char) - HANGUL < HANGUL_COUNT  # not what Unicode added since
            for n, part in enumerate(unicodedata.normalize("NFD", char) if known else char):
                if (rank := ranks.get(part, 0)) == 0:
                    moved += [(c, shift) for _, c, shift in sorted(run, key=_rank)] + [(part, min(n, 1))]
                    run = []
                else:
                    run.append((rank, part, min(n, 1)))
        moved += [(c, shift) for _, c, shift in sorted(run, key=_rank)]
        chars, index, at = [], [], -1
        for char, shift in moved:
            at += 1 - shift
            kept = _stripped(char)
            for out in kept.translate(_lower()) if self.lowercase else kept:
                chars.append(out)
                index.append(origin[max(at, 0)])
        return "".join(chars), index


def _rank(item: tuple[int, str, int]) -> int:
    return item[0]


def _stripped(char: str) -> str:
    code = ord(char) - HANGUL
    if 0 <= code < HANGUL_COUNT:  # Unicode 3.12: leading consonant, vowel, trailing consonant
        tail = chr(0x11A7 + code % 28) if code % 28 else ""
        return chr(0x1100 + code // 588) + chr(0x1161 + code % 588 // 28) + tail
    return _strip().get(ord(char), char)


@cache
def _clean() -> dict[int, str]:
    return dict.fromkeys(code_points(tables.CLEAN_DROPS), "") | dict.fromkeys(code_points(tables.CLEAN_SPACES), " ")


@cache
def _ideographs() -> frozenset[int]:
    return frozenset(code_points(tables.IDEOGRAPHS))


@cache
def _strip() -> dict[int, str]:
    accents = dict.fromkeys(code_points(tables.ACCENTS), "")
    return accents | dict(zip(map(ord, tables.STRIP_FROM), tables.STRIP_TO, strict=True)) | tables.STRIP_LONG


@cache
def _lower() -> dict[int, str]:
    return dict(zip(map(ord, tables.LOWER_FROM), tables.LOWER_TO, strict=True)) | tables.LOWER_LONG


@cache
def _combining() -> dict[str, int]:
    """Mark -> rank of its combining class. A character that is not here is a starter, and nothing moves across it."""
    groups = tables.COMBINING.split(" | ")
    return {chr(code): rank for rank, group in enumerate(groups, 1) for code in code_points(group)}


@cache
def _surviving_marks() -> re.Pattern[str]:
    """The combining marks that stripping keeps, and what holds one: rare, and all whose reordering shows."""
    marks = {char for char in _combining() if _stripped(char)}
    holders = {chr(code) for code, parts in _strip().items() if not marks.isdisjoint(parts)}
    return re.compile("[" + re.escape("".join(sorted(marks | holders))) + "]")
