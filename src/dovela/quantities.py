"""Numbers as people read them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable


def quantity(value: float, unit: str = "") -> str:
    """`45.4 M`: three digits and a decimal prefix."""
    prefixes = ["", "k", "M", "G", "T"]
    while abs(value) >= 999.5 and len(prefixes) > 1:
        value, prefixes = value / 1000, prefixes[1:]
    digits = f"{value:.3g}" if abs(value) < 999.5 else f"{value:,.0f}"
    return f"{digits} {prefixes[0]}{unit}".rstrip()


def counted(number: int, unit: str) -> str:
    """`2 tokens`."""
    return f"{number} {unit}{'' if number == 1 else 's'}"


def ranges(numbers: Iterable[int]) -> str:
    """`0-2, 4` of [0, 1, 2, 4]."""
    runs = itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    ends = [[number for _, number in run] for _, run in runs]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ends)
