"""Sizes of images: an integer (a square), a pair (height, width), or {"height": …, "width": …}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from ..errors import InputError

LONGEST_SIDE = 65_535


class _Rule:
    """Values that `height_and_width` takes."""

    def __contains__(self, value: Any) -> bool:
        return _pair(value) is not None

    def describe(self, value: Any) -> str:
        expected = (
            f"a size: an integer, (height, width) or {{'height': …, 'width': …}}, each from 1 to {LONGEST_SIDE} pixels"
        )
        if isinstance(value, Mapping) and {"shortest_edge", "longest_edge"} & value.keys():
            return f"{expected}; one edge alone leaves images of different shapes, which make no batch"
        return expected


Size = Annotated[Any, _Rule()]


def height_and_width(where: str, size: Any) -> tuple[int, int]:
    """(height, width) in pixels."""
    pair = _pair(size)
    if pair is None:
        raise InputError(where, f"{size!r} is not {_Rule().describe(size)}")
    return pair


def _pair(size: Any) -> tuple[int, int] | None:
    if isinstance(size, Mapping):
        size = (size["height"], size["width"]) if size.keys() == {"height", "width"} else ()
    elif _is_side(size):
        size = (size, size)
    if isinstance(size, (tuple, list)) and len(size) == 2 and all(map(_is_side, size)):
        return int(size[0]), int(size[1])
    return None


def _is_side(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_SIDE
