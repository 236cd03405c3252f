"""Cutting to length: how much of each sequence stays, and the windows that hold what was cut.

The rules are those of the Rust library, so that both engines cut alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import InputError

Strategy = Literal["longest_first", "only_first", "only_second"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)


@dataclass(frozen=True)
class Truncation:
    """`max_length` counts special tokens. `stride` tokens are repeated at the start of each further window."""

    max_length: int
    strategy: Strategy = "longest_first"
    stride: int = 0
    side: Literal["left", "right"] = "right"

    def check(self, where: str, special: int, most_special: int) -> None:
        """Refuse what leaves no room: a row gets `special` special tokens, or `most_special` if none are left out."""
        if self.max_length < special:
            raise InputError(
                where,
                f"max_length={self.max_length} is less than the {special} special tokens of a row",
                hint="Give a larger max_length, or add_special_tokens=False.",
            )
        if self.stride and self.stride >= self.max_length - most_special:
            raise InputError(
                where,
                f"stride={self.stride} must be less than what max_length={self.max_length} leaves beside "
                f"{most_special} special tokens",
            )

    def lengths(self, where: str, special: int, first: int, second: int | None) -> tuple[int, int]:
        """How many tokens of each sequence stay, of `first` and `second` (None: there is no second)."""
        room = max(self.max_length - special, 0)
        excess = first + (second or 0) - room
        if excess <= 0:
            return first, second or 0
        if room == 0:
            return 0, 0
        if self.strategy == "longest_first":
            return (room, 0) if second is None else _even(first, second, room)
        if self.strategy == "only_second" and second is None:
            raise InputError(where, "truncation='only_second' needs a second sequence, and there is none")
        target = first if self.strategy == "only_first" else second or 0
        if target <= excess:
            raise InputError(
                where,
                f"truncation={self.strategy!r} cannot bring {first} + {second or 0} tokens and {special} special ones "
                f"to max_length={self.max_length}: that sequence is too short to lose {excess}",
                hint="Use truncation='longest_first', or a larger max_length.",
            )
        return (first - excess, second or 0) if self.strategy == "only_first" else (first, (second or 0) - excess)

    def check_stride(self, where: str, special: int, first: int, second: int) -> None:
        """Refuse a pair of which a sequence is cut to windows no longer than the stride."""
        keep = self.lengths(where, special, first, second)
        for size, kept in zip((first, second), keep, strict=True):
            if 0 < kept < size and kept <= self.stride:
                raise InputError(where, self.narrow(kept))

    def windows(self, where: str, length: int, keep: int) -> list[tuple[int, int]]:
        """[start, stop) of what stays of `length` tokens, then of each window over what was cut."""
        if keep >= length:
            return [(0, length)]
        if keep == 0:
            return [(0, 0), (0, length)]
        if self.stride >= keep:
            raise InputError(where, self.narrow(keep))
        step, out = keep - self.stride, []
        if self.side == "right":
            for start in range(0, length, step):
                out.append((start, min(start + keep, length)))
                if out[-1][1] == length:
                    break
        else:
            for stop in range(length, 0, -step):
                out.append((max(stop - keep, 0), stop))
                if out[-1][0] == 0:
                    break
        return out

    def narrow(self, keep: int) -> str:
        """What is wrong where a window is no longer than what it repeats."""
        left = f"max_length={self.max_length} leaves {keep} tokens for one"
        return f"stride={self.stride} must be less than a window, and {left}"


def _even(first: int, second: int, room: int) -> tuple[int, int]:
    """Shorten the longer sequence until both fit; when they come out equal, share the room."""
    short, long = sorted((first, second))
    long = short if short > room else max(short, room - short)
    if short + long > room:
        short = room // 2
        long = short + room % 2
    return (short, long) if first <= second else (long, short)
