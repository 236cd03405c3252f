"""Whether a checkpoint fits a model, decided from names and shapes alone, before a weight is read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import CheckpointError, MissingWeights, ShapeMismatch, UnexpectedWeights
from .weights import BACKBONE, Ignore, WeightMap

Shape = tuple[int, ...]
MORE_LAYERS = (
    "The checkpoint has more layers than the configuration asks for. "
    "Open it as it is and choose: dovela.torch.keep_layers(model, [0, 2, 4])."
)
FEWER_LAYERS = (
    "The checkpoint has fewer layers than the configuration asks for. "
    "Open it as it is and repeat some: dovela.torch.keep_layers(model, [0, 0, 1, 1])."
)


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
    'First words of parts that a checkpoint may lack, or have in vain, as "pooler".'
    foreign_heads: Collection[str] = ()
    "First words of head parts that mean another task in this checkpoint, though they have the same name."
    headed: bool = False
    "Whether the model keeps another one without a head, as its `backbone`."
    heads: Collection[str] = ()
    "First words of what is a head in a model that has no `backbone`."


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
    full = {name if wanted.headed else BACKBONE + name: name for name in wanted.shapes}
    found = _by_state(shapes, full, weight_map, report)

    def in_head(state: str) -> bool:
        return not state.startswith(BACKBONE) or (not wanted.headed and _part(state) in wanted.heads)

    sources: dict[str, str] = {}
    for state, file in found.items():
        part = _part(state)
        if state not in full:
            if part in wanted.optional:
                report.ignored[file] = f"the model was built without its {part}"
            elif in_head(state) and (new_head or not wanted.headed or weight_map.read(file)):
                report.ignored[file] = "belongs to a head that this model does not have"
            else:
                report.unexpected.append(file)
        elif in_head(state) and (new_head or part in wanted.foreign_heads):
            report.ignored[file] = "a new head was asked for" if new_head else "belongs to the head of another task"
        elif tuple(shapes[file]) != tuple(wanted.shapes[full[state]]):
            if in_head(state) and keep_going:
                report.ignored[file] = "has another shape"
            else:
                report.mismatched.append((file, tuple(shapes[file]), tuple(wanted.shapes[full[state]])))
        else:
            sources[full[state]] = file

    mismatched = {file for file, _, _ in report.mismatched}
    begun = {(in_head(state), _part(state)) for state in found if full.get(state) in sources}
    for state, name in full.items():
        tied = any(name in group and any(other in sources for other in group) for group in wanted.ties)
        if name in sources or tied or found.get(state) in mismatched:
            continue
        kind = in_head(state), _part(state)
        allowed = in_head(state) or _part(state) in wanted.optional
        whole = kind not in begun or keep_going  # a head that is there in part was trained, and lost something
        (report.fresh if allowed and whole else report.missing).append(name)
    only_head = all(in_head(state) for state, file in found.items() if file in mismatched)
    _raise_misfit(where, report, sources, wanted, list(shapes), only_head)
    return sources, report


def _part(state: str) -> str:
    return state.removeprefix(BACKBONE).partition(".")[0]


def _by_state(
    shapes: Mapping[str, Shape], full: Collection[str], weight_map: WeightMap, report: LoadReport
) -> dict[str, str]:
    """State name -> file name; of two spellings of one tensor, the one that counts."""
    found: dict[str, str] = {}
    headed = any(file.startswith(weight_map.prefix) for file in shapes)

    def rank(state: str, file: str) -> int:
        own = state if headed else state.removeprefix(BACKBONE)
        if file == weight_map.also(own, headed=headed):
            return 0
        return 1 if file == weight_map.write(own, headed=headed) else 2

    for file in shapes:
        names = [weight_map.read(spelling) for spelling in weight_map.spellings(file)]
        if isinstance(names[0], Ignore):
            report.ignored[file] = names[0].why
            continue
        known = [name for name in names if isinstance(name, str)]
        plain = weight_map.as_is(file, headed=headed)
        state = next((name for name in (*known, plain) if name in full), (*known, plain)[0])
        rival = found.get(state)
        if rival is None or rank(state, file) < rank(state, rival):
            found[state] = file
        if rival is not None:
            other = rival if found[state] == file else file
            report.ignored[other] = f"another spelling of {found[state]}, which counts"
    return found


def _raise_misfit(
    where: str, report: LoadReport, sources: Collection[str], wanted: Wanted, files: Sequence[str], only_head: bool
) -> None:
    problems: list[str] = []
    error: type[CheckpointError] = CheckpointError
    other = hint = "Is it a checkpoint of this architecture?"
    if files and not sources and not report.mismatched:
        problems.append(f"none of its {len(files)} tensors belongs to this model")
    if unexpected := report.unexpected:
        error = UnexpectedWeights
        more = _of_other_layers(unexpected, wanted.shapes)
        hint = MORE_LAYERS if more else other
        problems.append(f"{len(unexpected)} tensors have no place in the model: {_some(unexpected)}")
    if report.mismatched:
        error, hint = ShapeMismatch, "Configure the model as the checkpoint is."
        shapes = [f"{name} {list(there)} where the model has {list(here)}" for name, there, here in report.mismatched]
        problems.append(f"{len(shapes)} tensors have another shape: {_some(shapes)}")
        if only_head:
            hint = "Pass new_head=True to put a fresh head on, or num_labels as the checkpoint has it."
    if missing := report.missing:
        error = MissingWeights
        fewer = _of_other_layers(missing, files)
        hint = FEWER_LAYERS if fewer else other
        problems.append(f"{len(missing)} tensors of the model are missing: {_some(missing)}")
    if not sources and (first := _common_word(unexpected)):
        hint = f"Every name begins with {first!r}, which the model's do not: was it saved from a wrapper?"
    if problems:
        raised = error(where, *problems, hint=hint)
        raised.report = report
        raise raised


def _of_other_layers(names: Iterable[str], there: Iterable[str]) -> bool:
    """Whether all `names` belong to numbered layers, and to none of those that are `there`."""

    def layers(names: Iterable[str]) -> set[int | None]:
        found = (re.search(r"(?:^|\.)layers?\.(\d+)\.", name) for name in names)
        return {int(match[1]) if match else None for match in found}

    return not layers(names) & {None, *layers(there)}


def _common_word(names: Sequence[str]) -> str:
    """The first word that all of several names have, with its dot."""
    words = {name.partition(".")[0] for name in names}
    return words.pop() + "." if len(words) == 1 and len(names) > 1 else ""


def _some(names: Sequence[str], most: int = 6) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
