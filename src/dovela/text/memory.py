"""What has been worked out before, by string, in bounded memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Value = TypeVar("Value")
LONGEST_KEY = 64  # characters; a longer stretch without whitespace hardly comes twice
MOST_KEYS = 1 << 18  # a full memory is emptied: natural text fills it again within a few megabytes


class Memory(dict[str, Value]):
    """A function's values by string: `memory[text]` is looked up, or worked out and kept.

    A dict, so that `map(memory.__getitem__, words)` runs without Python code for what is known. It needs no lock: two
    threads that miss one key at once do the same work twice, and a key that is swept away is worked out again.
    """

    __slots__ = ("_work_out",)

    def __init__(self, work_out: Callable[[str], Value]) -> None:
        """What `work_out` raises is not kept."""
        super().__init__()
        self._work_out = work_out

    def __missing__(self, text: str) -> Value:
        value = self._work_out(text)
        if len(text) <= LONGEST_KEY:
            if len(self) >= MOST_KEYS:
                self.clear()
            self[text] = value
        return value


@contextmanager
def no_collection() -> Iterator[None]:
    """Without the cycle collector: for making plain values by the million, which it would walk through again and
    again, for half of the time, and which cannot be cycles."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
