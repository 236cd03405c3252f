"""What a benchmark is: a question, the contenders that answer it, and the target that was set for dovela."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

LIBRARIES = {"dovela": "dovela", "transformers-4": "transformers", "transformers-5": "transformers"}
"""Environment -> the name its library is imported by. They share their class names, so one snippet serves all."""


class Metric(StrEnum):
    """What is read off each run. `WALL` and `CPU` are seconds, `PEAK` is bytes (of whole processes only)."""

    WALL = "wall"
    CPU = "cpu"
    PEAK = "peak"


@dataclass(frozen=True)
class Contender:
    """One way to do the job: `setup` runs once and is not timed, `timed` is.

    `before` (warm only) runs before every run and is not timed either; `timed` sees the names that it makes.
    """

    label: str
    environment: str
    timed: str
    setup: str = ""
    before: str = ""


@dataclass(frozen=True)
class Target:
    """What the contender `who` shall stay under: `at_most` times `of`, or at most so many units if `of` is None."""

    metric: Metric
    at_most: float
    of: str | None = None
    who: str = "dovela"


@dataclass(frozen=True)
class Entry:
    """One benchmark.

    `mode` "process": every run is a new Python process, counted whole (CPU time and peak memory from the kernel).
    `mode` "warm": every contender is one process that is kept alive; each run executes `timed` in it.
    `needs` names checkpoints of `fixtures.py` or texts of `texts.py`; each is then a variable of that name, its path.
    """

    name: str
    measures: str
    contenders: Sequence[Contender]
    metrics: Sequence[Metric] = (Metric.WALL,)
    targets: Sequence[Target] = ()
    mode: Literal["process", "warm"] = "warm"
    needs: Sequence[str] = ()
    rounds: int = 9
    note: str = ""

    def __post_init__(self) -> None:
        labels = [contender.label for contender in self.contenders]
        if len(set(labels)) != len(labels):
            raise ValueError(f"{self.name}: two contenders have one label in {labels}")
        for target in self.targets:
            if target.metric not in self.metrics:
                raise ValueError(f"{self.name}: the target on {target.metric} is never measured")
            if target.of is not None and target.of not in labels:
                raise ValueError(f"{self.name}: the target is against {target.of!r}, which is not one of {labels}")
            if target.who != "dovela" and target.who not in labels:
                raise ValueError(f"{self.name}: the target is for {target.who!r}, which is not one of {labels}")
        if self.mode == "process" and any(contender.setup or contender.before for contender in self.contenders):
            raise ValueError(f"{self.name}: a new process is measured whole, so it can have no untimed setup")
        if self.mode == "warm" and Metric.PEAK in self.metrics:
            raise ValueError(f"{self.name}: the peak memory of one run cannot be told in a process that is kept alive")


def each_library(timed: str, setup: str = "") -> list[Contender]:
    """The same code once a library; `LIBRARY` in it stands for the library's import name."""
    return [
        Contender(name, name, timed.replace("LIBRARY", library), setup.replace("LIBRARY", library))
        for name, library in LIBRARIES.items()
    ]


def floor(label: str, timed: str, setup: str = "") -> Contender:
    """The least that the job can cost, in a Python that imports neither dovela nor a peer."""
    return Contender(label, "python", timed, setup)
