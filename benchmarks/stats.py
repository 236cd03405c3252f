"""The arithmetic: medians, spreads, and ratios taken round by round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """The middle of some numbers and how far they lie apart."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Median, least and largest."""
    return Spread(median(values), min(values), max(values))


def ratio(values: Sequence[float], reference: Sequence[float]) -> Spread:
    """`values` over `reference`, round by round.

    The two of one round ran within moments of each other, so what the machine was doing then divides out; a ratio of
    two medians would compare one contender's quiet rounds with the other's busy ones.
    """
    return spread([value / other for value, other in zip(values, reference, strict=True)])
