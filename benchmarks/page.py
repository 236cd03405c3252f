"""docs/benchmarks.md, made from the JSON results and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .stats import Spread, ratio, spread

SUBJECT = "dovela"
TITLES = {"wall": "time", "cpu": "CPU time", "peak": "peak memory"}
INTRODUCTION = """\
# Benchmarks

<!-- Made by `python -m benchmarks page` from benchmarks/results/*.json; do not edit. -->

dovela beside two versions of `transformers` and the floor under each job. The contenders of an entry take turns
(A B C A B C …) in processes of their own with the same number of threads. Shown are the median and, in brackets, the
least and the largest of all rounds. **Only the ratios mean anything elsewhere**: they are taken round by round, so that
a noisy moment, which hits all alike, divides out. The column "over dovela" is the
contender's number by dovela's, so over 1 means slower or larger than dovela; a target is dovela's by the other's.

Reproduce it with `make peers` and then `python -m benchmarks run`, which writes the results;
`python -m benchmarks page` makes this page of them.
"""


def page(results: Sequence[dict[str, Any]]) -> str:
    """The whole page for `results`, the records of all topics."""
    targets = [
        f"| {entry['name']} | {claim} | {measured} | {verdict} |"
        for result in results
        for entry in result["entries"]
        for claim, measured, verdict in judge(entry)
    ]
    summary = table(["entry", "target", "measured", ""], targets)
    return "\n".join([INTRODUCTION, f"## Targets\n\n{summary}", *map(topic, results)])


def topic(result: dict[str, Any]) -> str:
    """One topic: where it was measured, and a table an entry."""
    place = result["machine"]
    head = (
        f"## {result['topic'].capitalize()}\n\n"
        f"{result['date']}, `{result['command']}`, {place['processor']}, {place['cores']} cores, "
        f"{place['threads']} threads each, load {place['load']} at the start, Python {place['python']}, "
        f"{place['system']}; {_packages(result['versions'])}.\n"
    )
    return "\n".join([head, *map(section, result["entries"])])


def section(entry: dict[str, Any]) -> str:
    """One entry: what it measures, its table and its targets."""
    metrics = entry["metrics"]
    header = ["contender"]
    for metric in metrics:
        header += [TITLES[metric], "over dovela"]
    rows = [_row(contender, metrics, _contender(entry, SUBJECT)) for contender in entry["contenders"]]
    verdicts = [f"- Target: {claim}. Measured: {measured}: {verdict}." for claim, measured, verdict in judge(entry)]
    kind = "A new process each" if entry["mode"] == "process" else "Warm"
    parts = [
        f"### {entry['name'][0].upper()}{entry['name'][1:]}\n",
        f"{entry['measures']} {kind}; rounds: {entry['rounds']}.\n",
        table(header, rows),
    ]
    return "\n".join(
        [*parts, *([f"{entry['note']}\n"] if entry["note"] else []), *verdicts, *([""] if verdicts else [])]
    )


def judge(entry: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(the target, what was measured, the verdict) for each target of `entry`."""
    found = []
    for target in entry["targets"]:
        metric, at_most, of, who = target["metric"], target["at_most"], target["of"], target.get("who", SUBJECT)
        title = TITLES[metric]
        claim = f"{title} at most {at_most:.3g} x {of}" if of else f"{title} at most {amount(metric, at_most)}"
        claim = claim if who == SUBJECT else f"{who}: {claim}"
        parties = [_contender(entry, who), *([_contender(entry, of)] if of else [])]
        absent = [party["label"] if party else who for party in parties if not party or party["unavailable"]]
        if absent:
            found.append((claim, f"{' and '.join(absent)} not available", "not measured"))
            continue
        numbers = [party["samples"][metric] for party in parties]
        if of:
            value = ratio(*numbers)
            shown = times(value)
        else:
            value = spread(*numbers)
            shown = amounts(metric, value)
        found.append((claim, shown, "**met**" if value.median <= at_most else "**missed**"))
    return found


def table(header: Sequence[str], rows: Sequence[str]) -> str:
    """A Markdown table of rows that are already written: text to the left, numbers to the right."""
    rule = "|".join(["---", *("---:" for _ in header[1:])])
    return "\n".join([f"| {' | '.join(header)} |", f"|{rule}|", *rows, ""])


def amount(metric: str, value: float) -> str:
    """A number with its unit: seconds, or bytes as megabytes of a million."""
    unit, scale = _unit(metric, value)
    return f"{_digits(value / scale)} {unit}"


def amounts(metric: str, value: Spread) -> str:
    """Median and, in brackets, the ends, all in the median's unit."""
    _, scale = _unit(metric, value.median)
    return f"{amount(metric, value.median)} ({_digits(value.low / scale)}–{_digits(value.high / scale)})"


def times(value: Spread) -> str:
    """A ratio with its spread."""
    return f"{_digits(value.median)} ({_digits(value.low)}–{_digits(value.high)})"


def _row(contender: dict[str, Any], metrics: Sequence[str], subject: dict[str, Any] | None) -> str:
    cells = [contender["label"]]
    if contender["unavailable"]:
        blanks = (2 * len(metrics) - 1) * ["–"]
        return f"| {' | '.join([*cells, 'not available: ' + _plain(contender['unavailable']), *blanks])} |"
    for metric in metrics:
        samples = contender["samples"][metric]
        cells.append(amounts(metric, spread(samples)))
        comparable = subject and not subject["unavailable"]
        cells.append(times(ratio(samples, subject["samples"][metric])) if comparable else "–")
    return f"| {' | '.join(cells)} |"


def _unit(metric: str, value: float) -> tuple[str, float]:
    """The unit that `value` reads best in, and how much of the basic unit (seconds, bytes) it is."""
    if metric == "peak":
        return "MB", 1e6
    return ("s", 1.0) if value >= 1 else ("ms", 1e-3)


def _packages(versions: dict[str, dict[str, str]]) -> str:
    """The packages of all, then those that an environment puts in front of them."""
    base = versions.get("python", {})
    parts = [", ".join(f"{name} {version}" for name, version in base.items())]
    for environment, found in versions.items():
        own = [f"{name} {version}" for name, version in found.items() if base.get(name) != version]
        if own:
            parts.append(f"in {environment} {', '.join(own)}")
    return "; ".join(part for part in parts if part)


def _contender(entry: dict[str, Any], label: str) -> dict[str, Any] | None:
    return next((contender for contender in entry["contenders"] if contender["label"] == label), None)


def _plain(reason: str) -> str:
    """A reason that cannot break a table: on one line, without bars, not endless."""
    line = " ".join(reason.replace("|", "/").split())
    return line if len(line) <= 120 else line[:117] + "…"


def _digits(value: float) -> str:
    """Three significant digits at most below 100, whole numbers above; none of it in powers of ten."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"
