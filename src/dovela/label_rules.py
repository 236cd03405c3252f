"""What losses may be given, once for every framework. Labels of -100 are left out."""

from __future__ import annotations

from math import prod
from typing import Any

from .errors import InputError, suggest
from .input_rules import Arrays, Shape, expect_array, first_place, whole
from .notices import notice

IGNORED = -100
REGRESSION, SINGLE_LABEL, MULTI_LABEL = "regression", "single_label_classification", "multi_label_classification"
PROBLEM_TYPES = (REGRESSION, SINGLE_LABEL, MULTI_LABEL)


def check_problem(problem_type: Any) -> None:
    if problem_type not in (None, *PROBLEM_TYPES):
        expected = f"expected None or one of {', '.join(PROBLEM_TYPES)}{suggest(problem_type, PROBLEM_TYPES)}"
        raise InputError("problem_type", f"{expected}, got {problem_type!r}")


def problem_of(problem_type: Any, num_labels: int, floating: bool) -> str:
    """What labels are taken for: as the configuration says.

    Without: one label is regression, whole numbers are classes, others (`floating`) yes and no.
    """
    check_problem(problem_type)
    if problem_type is not None:
        return str(problem_type)
    return REGRESSION if num_labels == 1 else MULTI_LABEL if floating else SINGLE_LABEL


def check_labels(arrays: Arrays, name: str, labels: Any, shape: Shape, why: str = "") -> None:
    """Labels of the shape, of the same without or with an axis of one at its end, or flat."""
    expect_array(arrays, name, labels)
    got, shape = arrays.shape(labels), tuple(shape)
    if None in got or None in shape:
        return
    bare = [size for size in shape if size != 1]
    if [size for size in got if size != 1] != bare and got != (prod(shape),):
        raise InputError(name, f"expected the shape {list(shape)}{why}, got {list(got)}")


def check_classes(arrays: Arrays, name: str, labels: Any, classes: int) -> None:
    """Class numbers, or -100."""
    if not whole(arrays, labels):
        raise InputError(name, f"expected int64 class numbers, got {arrays.dtype(labels)}")
    values = arrays.values(labels)
    if values is not None:
        _check_range(name, values, classes)


def _check_range(name: str, values: Any, classes: int, hint: str = "") -> None:
    bad = (values != IGNORED) & ((values < 0) | (values >= classes))
    if bad.any():
        place = first_place(bad)
        problem = f"{int(values[tuple(place)])} at {place} is outside 0 … {classes - 1} (and not {IGNORED})"
        raise InputError(name, problem, hint=hint)


def check_numbers(arrays: Arrays, name: str, labels: Any, shape: Shape, problem: str) -> None:
    """A number for every score: for regression, or for yes and no."""
    check_labels(arrays, name, labels, shape, f" for {problem}")


def check_spans(arrays: Arrays, name: str, positions: Any, batch: Any) -> None:
    """Positions (B,) of starts or ends."""
    check_labels(arrays, name, positions, (batch,))
    if not whole(arrays, positions):
        raise InputError(name, f"expected int64 positions, got {arrays.dtype(positions)}")


def both_ends(owner: str, start_positions: Any, end_positions: Any) -> bool:
    """Whether a model of spans is told where they are; InputError for one end without the other."""
    if (start_positions is None) != (end_positions is None):
        raise InputError(owner, "expected start_positions and end_positions, and only one is given")
    return start_positions is not None


def check_one_hot(arrays: Arrays, name: str, labels: Any) -> None:
    """Rows (B, S, L) of exactly one class each."""
    values = arrays.values(labels)
    if values is not None and not (((values != 0).sum(-1) == 1) & (values.sum(-1) == 1)).all():
        raise InputError(
            name,
            "has frames that are not of exactly one class",
            hint=f"Give class numbers (batch, frames), {IGNORED} where a frame has none.",
        )


def check_characters(arrays: Arrays, name: str, labels: Any, batch: Any, vocabulary: int, blank: int) -> None:
    """Characters of speech (B, N), -100 at padding."""
    if not arrays.is_array(labels) or arrays.kind(labels) == "f":
        got = arrays.dtype(labels) if arrays.is_array(labels) else type(labels).__name__
        raise InputError(name, f"expected {arrays.called} of character ids, got {got}")
    shape = arrays.shape(labels)
    if len(shape) != 2 or (None not in (shape[0], batch) and shape[0] != batch):
        raise InputError(name, f"expected (batch, characters) with a batch of {batch}, got {list(shape)}")
    values = arrays.values(labels)
    if values is None:
        return
    _check_range(name, values, vocabulary, hint="Does the tokenizer belong to this model?")
    if (values == blank).any():
        notice(
            f"{name}: has the id {blank} (pad_token_id), which CTC keeps for its blank; "
            f"set padding to {IGNORED}: {_without_blank(arrays.code, name, blank)}"
        )


def _without_blank(code: str, name: str, blank: int) -> str:
    if code == "pt":
        return f"{name}.masked_fill({name} == {blank}, {IGNORED})"
    return f"{'tf' if code == 'tf' else 'jnp'}.where({name} == {blank}, {IGNORED}, {name})"


def check_alignable(arrays: Arrays, name: str, labels: Any, frames: Any) -> None:
    """CTC needs a frame for each character (B, N), and one more between equal neighbours; `frames`: of each row (B,).

    Padding, -100, may lie anywhere.
    """
    values, there = arrays.values(labels), arrays.values(frames)
    if values is None or there is None:
        return
    needs, lacks = [], []
    for characters, length in zip(values, there, strict=True):
        given = characters[characters >= 0]
        needs.append((len(given), len(given) + int((given[1:] == given[:-1]).sum())))
        lacks.append(needs[-1][1] - int(length))
    if max(lacks, default=0) > 0:
        row = lacks.index(max(lacks))
        count, needed = needs[row]
        raise InputError(
            name,
            f"row {row} has {count} characters, which take {needed} frames, and its sound has {int(there[row])}",
            hint="Give longer sound, or build the model with ctc_zero_infinity=True to leave such rows out.",
        )
