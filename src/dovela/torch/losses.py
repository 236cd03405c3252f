"""Losses of the heads. Labels of -100 are left out.

Letters: B batch, S sequence, L labels, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError, suggest
from .layout import readable

IGNORED = -100
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")


def class_loss(logits: Tensor, labels: Tensor, name: str = "labels") -> Tensor:
    """Mean cross-entropy of logits (…, L) against class numbers (…), or all of them in one row.

    Labels of -100 are left out; where nothing is labelled it is 0, and so are its gradients. InputError for other
    labels, which `name` calls what the caller does.
    """
    check_labels(name, labels, logits.shape[:-1])
    if labels.dtype not in (torch.int64, torch.int32):
        raise InputError(name, f"expected int64 class numbers, got {labels.dtype}")
    classes = logits.shape[-1]
    if readable(labels) and bool(((labels != IGNORED) & ((labels < 0) | (labels >= classes))).any()):
        raise InputError(name, f"has numbers outside 0 … {classes - 1} (and not {IGNORED})")
    flat = labels.reshape(-1).long()
    total = F.cross_entropy(logits.reshape(-1, classes), flat, ignore_index=IGNORED, reduction="sum")
    return total / (flat != IGNORED).sum().clamp(min=1)


def check_labels(name: str, labels: Any, shape: torch.Size, why: str = "") -> None:
    """Labels of the shape, of the same without or with an axis of one at its end, or flat."""
    if not isinstance(labels, Tensor):
        raise InputError(name, f"expected a torch tensor, got {type(labels).__name__}")
    bare = [size for size in shape if size != 1]
    fits = [size for size in labels.shape if size != 1] == bare or labels.shape == (shape.numel(),)
    if not fits:
        raise InputError(name, f"expected the shape {list(shape)}{why}, got {list(labels.shape)}")


def sequence_loss(logits: Tensor, labels: Tensor, problem_type: str | None = None, name: str = "labels") -> Tensor:
    """Logits (B, L) against numbers (B,) or (B, L), class numbers (B,), or yes and no for each class (B, L).

    `problem_type`: "regression" (mean squared error), "single_label_classification" (cross-entropy) or
    "multi_label_classification" (binary cross-entropy). Without: one label is regression, whole numbers are classes,
    others yes and no. InputError for other labels, which `name` calls what the caller does.
    """
    if problem_type not in (None, *PROBLEM_TYPES):
        expected = f"expected None or one of {', '.join(PROBLEM_TYPES)}{suggest(problem_type, PROBLEM_TYPES)}"
        raise InputError("problem_type", f"{expected}, got {problem_type!r}")
    if not isinstance(labels, Tensor):
        raise InputError(name, f"expected a torch tensor, got {type(labels).__name__}")
    if problem_type is None:
        whole = not labels.dtype.is_floating_point
        problem_type = (
            "regression"
            if logits.shape[-1] == 1
            else "single_label_classification"
            if whole
            else "multi_label_classification"
        )
    if problem_type == "single_label_classification":
        return class_loss(logits, labels, name)
    if labels.numel() != logits.numel():
        raise InputError(name, f"expected the shape {list(logits.shape)} for {problem_type}, got {list(labels.shape)}")
    labels = labels.reshape(logits.shape).to(logits.dtype)
    if problem_type == "regression":
        return F.mse_loss(logits, labels)
    return F.binary_cross_entropy_with_logits(logits, labels)


def span_loss(start_logits: Tensor, end_logits: Tensor, start_positions: Tensor, end_positions: Tensor) -> Tensor:
    """The mean of both ends' cross-entropies, logits (B, S); positions beyond the sequence are left out."""
    length = start_logits.shape[-1]

    def one(logits: Tensor, positions: Tensor, name: str) -> Tensor:
        check_labels(name, positions, logits.shape[:1])
        if positions.dtype not in (torch.int64, torch.int32):
            raise InputError(name, f"expected int64 positions, got {positions.dtype}")
        return F.cross_entropy(logits, positions.reshape(-1).long().clamp(0, length), ignore_index=length)

    start = one(start_logits, start_positions, "start_positions")
    return (start + one(end_logits, end_positions, "end_positions")) / 2


def sum_losses(*losses: Any) -> Any:
    """The sum of the losses that are not None."""
    given = [loss for loss in losses if loss is not None]
    return sum(given[1:], given[0]) if given else None
