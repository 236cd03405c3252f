"""Run one entry: every contender takes its turn in every round, so that a noisy moment hits them all alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from . import runners
from .entry import Entry
from .environments import Unavailable
from .runners import Runner, Sample

TURN_SECONDS, TURN_RUNS = 0.25, 5


def turn(runner: Runner) -> Sample:
    """One turn: runs until they have taken a quarter of a second, five at most, and their medians.

    A job of milliseconds is at the mercy of a single interruption; one of seconds is run once.
    """
    runs = [runner.once()]
    while len(runs) < TURN_RUNS and sum(sample["wall"] for sample in runs) < TURN_SECONDS:
        runs.append(runner.once())
    return {metric: median(sample[metric] for sample in runs) for metric in runs[0]}


def take_turns(
    contestants: Mapping[str, Runner], rounds: int, said: Callable[[str], None] = lambda text: None
) -> tuple[dict[str, list[Sample]], dict[str, str]]:
    """A B C A B C …: the samples of each contender, and the reasons of those that fell out on the way.

    One more round goes before and is dropped: it fills the page cache, writes byte code, warms allocators.
    """
    samples: dict[str, list[Sample]] = {label: [] for label in contestants}
    failures: dict[str, str] = {}
    for number in range(rounds + 1):
        said(f"round {number} of {rounds}" if number else "warm-up")
        for label, runner in contestants.items():
            if label in failures:
                continue
            try:
                sample = turn(runner)
            except Unavailable as error:
                failures[label] = str(error)
                del samples[label]
                continue
            if number:
                samples[label].append(sample)
    return samples, failures


def run(
    entry: Entry,
    rounds: int | None,
    checkpoint: Callable[[str], Path],
    said: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure `entry` and return its record, the JSON that results and the page are made of.

    `checkpoint` gives the folder of a name in `entry.needs`, or raises Unavailable.
    """
    rounds = rounds or entry.rounds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True)))
        ready: dict[str, Runner] = {}
        failures: dict[str, str] = {}
        for contender in entry.contenders:
            said(f"starting {contender.label}")
            try:
                values = {name: str(checkpoint(name)) for name in entry.needs}
                own = folder / str(len(ready))  # what one contender writes, no other finds
                own.mkdir(exist_ok=True)
                ready[contender.label] = runner = runners.start(contender, entry, own, values)
            except Unavailable as error:
                failures[contender.label] = str(error)
            else:
                stack.callback(runner.close)
        samples, fallen = take_turns(ready, rounds, said)
    failures |= fallen
    return {
        "name": entry.name,
        "measures": entry.measures,
        "mode": entry.mode,
        "note": entry.note,
        "rounds": rounds,
        "metrics": list(entry.metrics),
        "targets": [asdict(target) for target in entry.targets],
        "contenders": [
            {
                **asdict(contender),
                "samples": {m: [sample[m] for sample in samples.get(contender.label, [])] for m in entry.metrics},
                "unavailable": failures.get(contender.label),
            }
            for contender in entry.contenders
        ],
    }
