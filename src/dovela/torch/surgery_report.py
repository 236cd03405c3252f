"""What became of every tensor when a model was made out of another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST = 6  # groups of names that a line shows


@dataclass(repr=False)
class SurgeryReport:
    """What a surgery kept, cut, interpolated, merged and made fresh; `print(report)` says it in a few lines.

    Each tensor of the new model is in `kept`, `interpolated`, `merged` or `fresh`, or it has lost a part, and is in
    `cut`. Each of the old model was kept, went into one that was made, or is in `cut`.
    """

    title: str = ""
    "The model, and what was done to it."
    kept: dict[str, str] = field(default_factory=dict)
    "New name -> old name of the tensors that are as they were, to the bit."
    cut: dict[str, str] = field(default_factory=dict)
    'Old name -> what of it is gone, as "rows 512 to 1023"; "" for all of it.'
    interpolated: dict[str, str] = field(default_factory=dict)
    "New name -> how it was made of the tensor that was there: stretched, repeated, selected."
    merged: dict[str, str] = field(default_factory=dict)
    "New name -> of what it is the mean or sum."
    fresh: dict[str, str] = field(default_factory=dict)
    'New name -> what of it is new and untrained, as "rows 30522 to 31999"; "" for all of it.'
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    "Words of the configuration -> (before, after)."

    def __str__(self) -> str:
        grown = (name for name, what in self.fresh.items() if what)  # new in part
        old = {*self.kept.values(), *self.cut, *self.interpolated, *self.merged, *grown}
        new = {*self.kept, *self.interpolated, *self.merged, *self.fresh}
        lines = [self.title, _line("kept", f"{len({*self.kept.values()})} of {len(old)} tensors")]
        for word, names, among in (
            ("cut", self.cut, old),
            ("interpolated", self.interpolated, new),
            ("merged", self.merged, new),
            ("fresh", self.fresh, new),
        ):
            for detail in dict.fromkeys(names.values()):
                these = [name for name, what in names.items() if what == detail]
                groups = grouped(these, among)
                more = f" and {len(groups) - MOST} more" if len(groups) > MOST else ""
                lines.append(_line(word, ", ".join(groups[:MOST]) + more + (f": {detail}" if detail else "")))
        if self.changed:
            words = (f"{word} {before!r} → {after!r}" for word, (before, after) in self.changed.items())
            lines.append(_line("configured", ", ".join(words)))
        return "\n".join(lines)

    __repr__ = __str__  # what an interactive session shows


def _line(word: str, text: str) -> str:
    return f"  {word:<13}{text}"


def grouped(names: Iterable[str], among: Iterable[str]) -> list[str]:
    """Names in few words: parts whose every tensor `among` all is named, and equal ones of several layers, are one."""
    names = list(names)
    every, here = (Counter(front for name in some for front in _fronts(name)) for some in (among, names))
    whole = dict.fromkeys(next((f for f in _fronts(name) if here[f] == every[f]), name) for name in names)
    groups: dict[tuple[str, str], list[int]] = {}
    for name in whole:
        match = re.search(r"(?<=\.)\d+(?=\.|$)", name)
        before, after = (name[: match.start()], name[match.end() :]) if match else (name, "")
        groups.setdefault((before, after), []).extend([int(match[0])] if match else [])
    return [
        before + (f"{{{spans(n)}}}" if len(n) > 1 else "".join(map(str, n))) + after
        for (before, after), n in groups.items()
    ]


def _fronts(name: str) -> list[str]:
    """a.b.c -> a, a.b, a.b.c"""
    words = name.split(".")
    return [".".join(words[: i + 1]) for i in range(len(words))]


def spans(numbers: Iterable[int]) -> str:
    """0, 1, 2, 3, 7 -> "0-3, 7"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
