"""Losses of the heads. Labels of -100 are left out.

Letters: B batch, S sequence, L labels, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from .. import label_rules as rules
from ..input_rules import expect_array
from ..label_rules import IGNORED
from .arrays import TORCH


def class_loss(logits: Tensor, labels: Tensor, name: str = "labels") -> Tensor:
    """Mean cross-entropy of logits (…, L) against class numbers (…), or all of them in one row.

    Labels of -100 are left out; where nothing is labelled it is 0, and so are its gradients. InputError for other
    labels, which `name` calls what the caller does.
    """
    classes = logits.shape[-1]
    rules.check_labels(TORCH, name, labels, logits.shape[:-1])
    rules.check_classes(TORCH, name, labels, classes)
    flat = labels.reshape(-1).long()
    total = F.cross_entropy(logits.reshape(-1, classes), flat, ignore_index=IGNORED, reduction="sum")
    return total / (flat != IGNORED).sum().clamp(min=1)


def sequence_loss(logits: Tensor, labels: Tensor, problem_type: str | None = None, name: str = "labels") -> Tensor:
    """Logits (B, L) against numbers (B,) or (B, L), class numbers (B,), or yes and no for each class (B, L).

    `problem_type`: "regression" (mean squared error), "single_label_classification" (cross-entropy) or
    "multi_label_classification" (binary cross-entropy). Without: one label is regression, whole numbers are classes,
    others yes and no. InputError for other labels, which `name` calls what the caller does.
    """
    expect_array(TORCH, name, labels)
    problem = rules.problem_of(problem_type, logits.shape[-1], labels.is_floating_point())
    if problem == "single_label_classification":
        return class_loss(logits, labels, name)
    rules.check_numbers(TORCH, name, labels, logits.shape, problem)
    labels = labels.reshape(logits.shape).to(logits.dtype)
    if problem == "regression":
        return F.mse_loss(logits, labels)
    return F.binary_cross_entropy_with_logits(logits, labels)


def span_loss(start_logits: Tensor, end_logits: Tensor, start_positions: Tensor, end_positions: Tensor) -> Tensor:
    """The mean of both ends' cross-entropies, logits (B, S); positions beyond the sequence are left out."""
    length = start_logits.shape[-1]

    def one(logits: Tensor, positions: Tensor, name: str) -> Tensor:
        rules.check_spans(TORCH, name, positions, len(logits))
        return F.cross_entropy(logits, positions.reshape(-1).long().clamp(0, length), ignore_index=length)

    start = one(start_logits, start_positions, "start_positions")
    return (start + one(end_logits, end_positions, "end_positions")) / 2


def sum_losses(*losses: Any) -> Any:
    """The sum of the losses that are not None."""
    given = [loss for loss in losses if loss is not None]
    return sum(given[1:], given[0]) if given else None
