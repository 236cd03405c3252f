"""The names of classes: `id2label` is the one truth, `num_labels` its length, `label2id` its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def default_labels(count: int = 2) -> dict[int, str]:
    return {index: f"LABEL_{index}" for index in range(count)}


def merge_labels(values: Mapping[str, Any], problems: list[tuple[str, str]]) -> dict[str, Any]:
    """`values` with `num_labels`, `id2label` and `label2id` brought down to `id2label`; contradictions become problems."""
    rest = {k: v for k, v in values.items() if k not in ("num_labels", "id2label", "label2id")}
    count, labels, inverse = values.get("num_labels"), values.get("id2label"), values.get("label2id")
    found = None
    if labels is not None:
        found = _by_id(labels, problems)
    if inverse is not None:
        inverted = _by_label(inverse, problems)
        if found is not None and inverted is not None and inverted != found:
            problems.append(("label2id", f"is not the inverse of id2label: {inverse!r} against {labels!r}"))
        found = found if found is not None else inverted
    if count is not None:
        if isinstance(count, bool) or not hasattr(count, "__index__") or count < 1:
            problems.append(("num_labels", f"expected an integer of at least 1, got {count!r}"))
        elif found is None:
            found = default_labels(count) if labels is None and inverse is None else None
        elif len(found) != count:
            problems.append(("num_labels", f"is {count}, but the labels are {list(found.values())}"))
    return rest if found is None else {**rest, "id2label": found}


def _by_id(labels: Any, problems: list[tuple[str, str]]) -> dict[int, str] | None:
    if isinstance(labels, Mapping) and all(isinstance(name, str) for name in labels.values()):
        try:  # JSON has string keys only
            found = {int(index): name for index, name in labels.items()}
        except (TypeError, ValueError):
            found = {}
        if found and sorted(found) == list(range(len(found))):
            if len(set(found.values())) == len(found):
                return dict(sorted(found.items()))
            problems.append(("id2label", f"two ids have the same label: {labels!r}"))
            return None
    problems.append(("id2label", f"expected labels for the ids 0, 1, 2, …, got {labels!r}"))
    return None


def _by_label(inverse: Any, problems: list[tuple[str, str]]) -> dict[int, str] | None:
    if isinstance(inverse, Mapping):
        try:
            found = {int(index): name for name, index in inverse.items()}
        except (TypeError, ValueError):
            found = {}
        if found and sorted(found) == list(range(len(inverse))):
            return dict(sorted(found.items()))
    problems.append(("label2id", f"expected the ids 0, 1, 2, … for the labels, got {inverse!r}"))
    return None
