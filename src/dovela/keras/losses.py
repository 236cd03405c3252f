"""Losses of the heads, in float32. Labels of -100 are left out.

Letters: B batch, S sequence, L labels, V vocabulary.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from .. import label_rules as rules
from ..input_rules import expect_array
from ..label_rules import IGNORED
from .inputs import ARRAYS


def class_loss(logits: Any, labels: Any, name: str = "labels") -> Any:
    """Mean cross-entropy of logits (…, L) against class numbers (…), or all of them in one row.

    Labels of -100 are left out; where nothing is labelled it is 0, and so are its gradients. InputError for other
    labels, which `name` calls what the caller does.
    """
    classes = logits.shape[-1]
    rules.check_labels(ARRAYS, name, labels, ARRAYS.shape(logits)[:-1])
    rules.check_classes(ARRAYS, name, labels, classes)
    total, count = _cross_entropy(ops.reshape(logits, (-1, classes)), ops.reshape(labels, (-1,)), IGNORED)
    return total / ops.maximum(count, 1.0)


def _cross_entropy(logits: Any, labels: Any, ignored: Any) -> tuple[Any, Any]:
    """The sum over what is labelled of logits (N, L) and labels (N,), and how much that is.

    NaN for a number that is no class, which JAX would take for none, where nobody could look at it before.
    """
    kept = ops.not_equal(labels, ops.cast(ignored, labels.dtype))
    numbers = ops.cast(ops.where(kept, labels, 0), "int32")
    each = ops.sparse_categorical_crossentropy(numbers, ops.cast(logits, "float32"), from_logits=True)  # (N,)
    each = ops.where(ops.logical_and(numbers >= 0, numbers < ops.shape(logits)[-1]), each, float("nan"))
    return ops.sum(ops.where(kept, each, 0.0)), ops.sum(ops.cast(kept, "float32"))


def sequence_loss(logits: Any, labels: Any, problem_type: str | None = None, name: str = "labels") -> Any:
    """Logits (B, L) against numbers (B,) or (B, L), class numbers (B,), or yes and no for each class (B, L).

    `problem_type`: "regression" (mean squared error), "single_label_classification" (cross-entropy) or
    "multi_label_classification" (binary cross-entropy). Without: one label is regression, whole numbers are classes,
    others yes and no. InputError for other labels, which `name` calls what the caller does.
    """
    expect_array(ARRAYS, name, labels)
    problem = rules.problem_of(problem_type, logits.shape[-1], ARRAYS.kind(labels) == "f")
    if problem == "single_label_classification":
        return class_loss(logits, labels, name)
    rules.check_numbers(ARRAYS, name, labels, ARRAYS.shape(logits), problem)
    logits = ops.cast(logits, "float32")
    labels = ops.reshape(ops.cast(labels, "float32"), ops.shape(logits))
    if problem == "regression":
        return ops.mean(ops.square(logits - labels))
    return ops.mean(ops.softplus(logits) - logits * labels)


def span_loss(start_logits: Any, end_logits: Any, start_positions: Any, end_positions: Any) -> Any:
    """The mean of both ends' cross-entropies, logits (B, S); positions beyond the sequence are left out."""
    length = ops.shape(start_logits)[-1]

    def one(logits: Any, positions: Any, name: str) -> Any:
        rules.check_spans(ARRAYS, name, positions, ARRAYS.shape(logits)[0])
        places = ops.clip(ops.cast(ops.reshape(positions, (-1,)), "int32"), 0, length)
        total, count = _cross_entropy(logits, places, length)
        return total / count

    start = one(start_logits, start_positions, "start_positions")
    return (start + one(end_logits, end_positions, "end_positions")) / 2


def sum_losses(*losses: Any) -> Any:
    """The sum of the losses that are not None."""
    given = [loss for loss in losses if loss is not None]
    return sum(given[1:], given[0]) if given else None
