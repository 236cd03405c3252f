"""Padding and truncation of sequences: what the arguments ask for, and room for rows in one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import numpy as np

from ..errors import InputError, suggest

Array = np.ndarray[Any, np.dtype[Any]]
PADDINGS = ("longest", "max_length", "do_not_pad")


@dataclass(frozen=True)
class Lengths:
    """How long each row becomes. Lengths are in steps of a sequence: samples of raw sound, frames of features."""

    padding: Literal["longest", "max_length", "do_not_pad"]
    max_length: int | None
    truncation: bool
    multiple: int

    def kept(self, length: int) -> int:
        """How much of a row stays."""
        return min(length, self._rounded(self.max_length)) if self.truncation and self.max_length else length

    def widths(self, kept: Sequence[int]) -> list[int]:
        """How wide each row becomes, given what is kept of each. A row above `max_length` stays as long as it is."""
        if self.padding == "do_not_pad":
            return list(kept)
        width = self._rounded(max(kept) if self.padding == "longest" or not self.max_length else self.max_length)
        return [max(width, length) for length in kept]

    def _rounded(self, length: int) -> int:
        return -(-length // self.multiple) * self.multiple


def read_lengths(where: str, padding: Any, max_length: Any, truncation: Any, multiple: Any) -> Lengths:
    """Make sense of a call's arguments; an InputError for what is wrong and for what would have no effect."""
    known = isinstance(padding, bool) or (isinstance(padding, str) and padding in PADDINGS)
    if not known:
        choices = ", ".join(map(repr, PADDINGS))
        raise InputError(where, f"padding={padding!r} is not one of True, False, {choices}{suggest(padding, PADDINGS)}")
    kind: Any = {True: "longest", False: "do_not_pad"}.get(padding, padding)
    if not isinstance(truncation, bool):
        raise InputError(where, f"truncation must be True or False, got {truncation!r}")
    for name, value in (("max_length", max_length), ("pad_to_multiple_of", multiple)):
        if value is not None and (isinstance(value, bool) or not hasattr(value, "__index__") or value < 1):
            raise InputError(where, f"{name} must be a positive integer, got {value!r}")
    if max_length is None and (truncation or kind == "max_length"):
        asked = "truncation=True" if truncation else "padding='max_length'"
        raise InputError(where, f"{asked} needs a length", hint="Give max_length=…, a number of samples or frames.")
    if max_length is not None and not truncation and kind != "max_length":
        raise InputError(
            where,
            f"max_length={max_length} has no effect with padding={padding!r} and truncation=False",
            hint="Ask for truncation=True to cut, or padding='max_length' to pad to it.",
        )
    if multiple is not None and kind == "do_not_pad" and not truncation:
        raise InputError(
            where, f"pad_to_multiple_of={multiple} has no effect without padding", hint="Ask for padding=True."
        )
    return Lengths(kind, None if max_length is None else int(max_length), truncation, int(multiple or 1))


def make_room(
    rows: Sequence[Array], lengths: Lengths, side: Literal["left", "right"], fill: float, dtype: Any
) -> tuple[Array | list[Array], list[Array]]:
    """Room for rows (t,) or (t, F): one array (B, T) or (B, T, F), or a list where widths differ; and each row's place.

    The places are views of the room, to be written into, as long as what is kept of each row; around them is `fill`.
    """
    kept = [lengths.kept(len(row)) for row in rows]
    widths, tail = lengths.widths(kept), rows[0].shape[1:]
    room: Any
    if len(set(widths)) == 1:
        room = np.empty((len(rows), widths[0], *tail), dtype)
    else:  # one allocation, which large pages make twice as fast as one for each row
        whole, ends = np.empty((sum(widths), *tail), dtype), list(accumulate(widths))
        room = [whole[end - width : end] for end, width in zip(ends, widths, strict=True)]
    places = []
    for row, length in zip(room, kept, strict=True):
        start = len(row) - length if side == "left" else 0
        if len(row) > length:
            row[:start] = fill
            row[start + length :] = fill
        places.append(row[start : start + length])
    return room, places


def make_masks(
    rows: Sequence[Array], lengths: Lengths, side: Literal["left", "right"], given: Sequence[Array] | None = None
) -> Array | list[Array]:
    """int32 masks for these rows, 1 where there is a row and 0 at padding; or those `given`, (t,) each, padded."""
    flat = [row.reshape(len(row), -1)[:, 0] for row in rows] if rows[0].ndim > 1 else rows
    room, places = make_room(flat, lengths, side, 0, np.int32)
    for i, place in enumerate(places):
        place[:] = 1 if given is None else given[i][: len(place)]
    return room
