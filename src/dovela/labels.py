"""The names of classes: `id2label` is the one truth, `num_labels` its length, `label2id` its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .checks import Mismatch, Positive, compile_check

LABEL_KEYS = ("num_labels", "id2label", "label2id")
Labels = dict[int, str]


def default_labels(count: int = 2) -> Labels:
    return {index: f"LABEL_{index}" for index in range(count)}


def merge_labels(values: Mapping[str, Any], problems: list[tuple[str, str]]) -> dict[str, Any]:
    """`values` with all three spellings of the labels brought down to `id2label`; contradictions become problems."""
    rest = {name: value for name, value in values.items() if name not in LABEL_KEYS}
    if len(rest) == len(values):
        return rest
    before = len(problems)
    labels = _by_id(values["id2label"], problems) if "id2label" in values else None
    if "label2id" in values:
        inverted = _by_label(values["label2id"], problems)
        if labels and inverted and inverted != labels:
            problems.append(("label2id", f"is not the inverse of id2label: {values['label2id']!r} against {labels!r}"))
        labels = labels or inverted
    if "num_labels" in values:
        count = label_count(values["num_labels"], problems)
        if labels and count and len(labels) != count:
            problems.append(("num_labels", f"is {count}, but the labels are {list(labels.values())}"))
        labels = labels or default_labels(count)
    return rest if len(problems) > before else {**rest, "id2label": labels}


def file_labels(values: dict[str, Any]) -> tuple[Labels | None, str]:
    """Take the labels out of a file's `values`: as they are to be used, and what is odd about them.

    Files are read more leniently: labels may be null or numbers, two classes may have one name (as in ImageNet), and
    where `label2id` disagrees, `id2label` counts. What cannot be understood stays in `values`, for `merge_labels`.
    """
    for name in LABEL_KEYS:
        if name in values and values[name] is None:
            del values[name]
    given, inverse = values.get("id2label"), values.get("label2id")
    if not isinstance(given, Mapping) or values.get("num_labels", len(given)) != len(given):
        return None, ""
    labels = _ordered({index: str(label) for index, label in given.items() if isinstance(label, (str, int, float))})
    if labels is None or len(labels) < len(given):
        return None, ""
    for name in LABEL_KEYS:
        values.pop(name, None)
    if len(set(labels.values())) < len(labels):
        return labels, "two ids have the same label"
    if inverse is not None and inverse != {label: index for index, label in labels.items()}:
        return labels, "label2id is not the inverse of id2label; id2label is used"
    return labels, ""


def label_count(value: Any, problems: list[tuple[str, str]]) -> int:
    """`value` as a number of classes; 0, and a problem, if it is none."""
    try:
        return int(compile_check(Positive)(value))
    except Mismatch:
        problems.append(("num_labels", f"expected an integer of at least 1, got {value!r}"))
        return 0


def _by_id(labels: Any, problems: list[tuple[str, str]]) -> Labels | None:
    found = _ordered(labels)
    if found is None or not all(isinstance(label, str) for label in found.values()):
        problems.append(("id2label", f"expected labels for the ids 0, 1, 2, …, got {labels!r}"))
    elif len(set(found.values())) < len(found):
        problems.append(("id2label", f"two ids have the same label: {labels!r}"))
    else:
        return found
    return None


def _by_label(inverse: Any, problems: list[tuple[str, str]]) -> Labels | None:
    found = None
    if isinstance(inverse, Mapping) and all(isinstance(label, str) for label in inverse):
        pairs = [(index, label) for label, index in inverse.items()]
        found = _ordered(dict(pairs)) if len({str(index) for index, _ in pairs}) == len(pairs) else None
    if found is None:
        problems.append(("label2id", f"expected the ids 0, 1, 2, … for the labels, got {inverse!r}"))
    return found


def _ordered(labels: Any) -> dict[int, Any] | None:
    """`labels` by integer id in order, if the ids are 0, 1, 2, …; JSON has them as digits."""
    if not isinstance(labels, Mapping) or not labels:
        return None
    found = {str(index): label for index, label in labels.items()}  # no bool or float looks like digits
    if len(found) != len(labels) or found.keys() != {str(index) for index in range(len(found))}:
        return None
    return {index: found[str(index)] for index in range(len(found))}
