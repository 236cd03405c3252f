"""Pillow's filters by number, enum or name. A filter is never replaced by another."""

from __future__ import annotations

from typing import Annotated, Any

from ..errors import InputError, suggest

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
FILTERS |= {"mks2013": 6, "mks2021": 7}  # since Pillow 13
FORMER = {"linear": "bilinear", "cubic": "bicubic", "antialias": "lanczos"}  # Pillow's own names, before 10
PREFIXES = ("pil.", "image.", "resampling.", "pilimageresampling.")


class _Rule:
    """Values that `filter_number` takes."""

    def __contains__(self, value: Any) -> bool:
        return _number(value) is not None

    def describe(self, value: Any) -> str:
        listed = ", ".join(f"{name} {number}" for name, number in FILTERS.items())
        near = suggest(_bare(value), FILTERS) if isinstance(value, str) else ""
        return f"one of Pillow's filters ({listed}), by number, enum or name{near}"


Filter = Annotated[Any, _Rule()]


def filter_number(where: str, value: Any) -> int:
    """The number of a filter: of 4, Image.Resampling.BOX, "box", "BOX" and "PIL.Image.BOX" it is 4."""
    number = _number(value)
    if number is None:
        raise InputError(f"{where}.resample", f"{value!r} is not {_Rule().describe(value)}")
    return number


def require(where: str, number: int) -> None:
    """An InputError if the Pillow that is installed lacks the filter."""
    from PIL import Image, __version__

    if number not in {one.value for one in Image.Resampling}:
        name = next(name for name, other in FILTERS.items() if other == number)
        raise InputError(
            f"{where}.resample", f"Pillow {__version__} has no filter {name!r}", hint="Install a newer one."
        )


def _number(value: Any) -> int | None:
    if isinstance(value, str):
        name = _bare(value)
        return FILTERS.get(FORMER.get(name, name))
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return int(value) if value in FILTERS.values() else None


def _bare(name: str) -> str:
    name = name.lower()
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name
