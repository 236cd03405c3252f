"""Whether a checkpoint fits a model, decided from names and shapes alone, before a weight is read."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import CheckpointError, MissingWeights, ShapeMismatch, UnexpectedWeights
from .weights import BACKBONE, Ignore, WeightMap

Shape = tuple[int, ...]


@dataclass
class LoadReport:
    """What happened to every tensor of the model and of the checkpoint."""

    missing: list[str] = field(default_factory=list)
    "Tensors of the model that the checkpoint should have and has not."
    unexpected: list[str] = field(default_factory=list)
    "Tensors of the checkpoint that the model has no place for."
    mismatched: list[tuple[str, Shape, Shape]] = field(default_factory=list)
    "Name, shape in the checkpoint, shape in the model."
    fresh: list[str] = field(default_factory=list)
    "Tensors of a new head or of an optional part, drawn at random."
    ignored: dict[str, str] = field(default_factory=dict)
    "Tensors of the checkpoint that were left out on purpose, and why."

    def __getitem__(self, key: str) -> Any:
        """`report["missing_keys"]` and the like, in the spelling that loading information has elsewhere."""
        own: dict[str, Any] = {
            "missing_keys": [*self.missing, *self.fresh],
            "unexpected_keys": self.unexpected,
            "mismatched_keys": self.mismatched,
            "error_msgs": [],
        }
        return own[key] if key in own else getattr(self, key)


@dataclass(frozen=True)
class Wanted:
    """What a model asks of a checkpoint. Names are state names."""

    shapes: Mapping[str, Shape]
    ties: Sequence[Collection[str]] = ()
    "Groups of names that are one tensor: one of each group is enough."
    optional: Collection[str] = ()
    "Canonical first words of parts that a checkpoint may lack or have in vain, as \"pooler\"."
    foreign_heads: Collection[str] = ()
    "First words of head parts that mean another task in this checkpoint, though they have the same name."
    headed: bool = False


def fit(
    where: str,
    shapes: Mapping[str, Shape],
    wanted: Wanted,
    weight_map: WeightMap,
    *,
    new_head: bool = False,
    keep_going: bool = False,
) -> tuple[dict[str, str], LoadReport]:
    """State name -> file name for what is to be read, and the report; raises if the checkpoint does not fit.

    `shapes` are the checkpoint's. With `new_head` the head is fresh whatever the checkpoint has; with `keep_going`
    only those of its tensors that have another shape.
    """
    report = LoadReport()
    found = _canonical(shapes, weight_map, report)
    state = {name.removeprefix(BACKBONE) if wanted.headed else name: name for name in wanted.shapes}
    in_head = {c for c, name in state.items() if wanted.headed and not name.startswith(BACKBONE)}

    sources: dict[str, str] = {}
    for canonical, file in found.items():
        part = canonical.partition(".")[0]
        if canonical not in state:
            if part in wanted.optional:
                report.ignored[file] = f"the model was built without its {part}"
            elif weight_map.is_head(canonical) or (not weight_map.rules and not wanted.headed and not file.startswith(BACKBONE)):
                report.ignored[file] = "belongs to a head that this model does not have"
            else:
                report.unexpected.append(file)
        elif canonical in in_head and (new_head or part in wanted.foreign_heads):
            report.ignored[file] = "a new head was asked for" if new_head else "belongs to the head of another task"
        elif tuple(shapes[file]) != tuple(wanted.shapes[state[canonical]]):
            if canonical in in_head and keep_going:
                report.ignored[file] = "has another shape"
            else:
                report.mismatched.append((file, tuple(shapes[file]), tuple(wanted.shapes[state[canonical]])))
        else:
            sources[state[canonical]] = file

    mismatched = {file for file, _, _ in report.mismatched}
    for canonical, name in state.items():
        tied = any(name in group and any(other in sources for other in group) for group in wanted.ties)
        if name in sources or tied or found.get(canonical) in mismatched:
            continue
        allowed = canonical in in_head or canonical.partition(".")[0] in wanted.optional
        (report.fresh if allowed else report.missing).append(name)
    _raise_misfit(where, report, sources, mismatched <= {found[c] for c in in_head if c in found}, len(shapes))
    return sources, report


def _canonical(shapes: Mapping[str, Shape], weight_map: WeightMap, report: LoadReport) -> dict[str, str]:
    """Canonical name -> file name; where two spellings of one tensor are there, the one the table writes is taken."""
    found: dict[str, str] = {}
    for file in shapes:
        name = weight_map.read(file)
        if isinstance(name, Ignore):
            report.ignored[file] = name.why
        elif name is None:
            report.unexpected.append(file)
        elif name in found:
            first, second = found[name], file
            if weight_map.rules and weight_map.write(name, headed=True) == second:
                first, second = second, first
            found[name] = first
            report.ignored[second] = f"the same tensor as {first}"
        else:
            found[name] = file
    return found


def _raise_misfit(where: str, report: LoadReport, sources: Mapping[str, str], only_head: bool, total: int) -> None:
    problems: list[str] = []
    error: type[CheckpointError] = CheckpointError
    hint = "Is it a checkpoint of this architecture?"
    if not sources and total:
        problems.append(f"none of its {total} tensors belongs to this model")
    if report.unexpected:
        error, hint = UnexpectedWeights, _layers_hint(report.unexpected, "has more layers than the configuration asks for")
        problems.append(f"{len(report.unexpected)} tensors have no place in the model: {_some(report.unexpected)}")
    if report.mismatched:
        error, hint = ShapeMismatch, "Configure the model as the checkpoint is."
        shapes = [f"{name} {list(there)} where the model has {list(here)}" for name, there, here in report.mismatched]
        problems.append(f"{len(shapes)} tensors have another shape: {_some(shapes)}")
        if only_head:
            hint = "Pass new_head=True to put a fresh head on, or num_labels as the checkpoint has it."
    if report.missing:
        error, hint = MissingWeights, _layers_hint(report.missing, "has fewer layers than the configuration asks for")
        problems.append(f"{len(report.missing)} tensors of the model are missing: {_some(report.missing)}")
    if problems:
        raised = error(where, *problems, hint=hint)
        raised.report = report
        raise raised


def _layers_hint(names: Sequence[str], what: str) -> str:
    if all(re.search(r"\.?layers?\.\d+\.", name) for name in names):
        return f"The checkpoint {what}."
    return "Is it a checkpoint of this architecture?"


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
