"""Losses of the heads, in float32 whatever the logits are. Labels of -100 are left out.

A few lines of jax each, so that models need no package for training (optax works with what comes back).

Letters: B batch, S sequence, L labels.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..label_rules import IGNORED, check_classes, check_labels, check_numbers, check_spans, problem_of
from .inputs import JAX

Array = jax.Array


def cross_entropy(logits: Array, classes: Array) -> Array:
    """-log of the probability that logits (…, L) give class numbers (…) -> (…); NaN for a number that is no class."""
    scores = jax.nn.log_softmax(logits.astype(jnp.float32))
    classes = jnp.where(classes < 0, logits.shape[-1], classes)  # negative ones would count from the end
    return -jnp.take_along_axis(scores, classes[..., None], axis=-1, mode="fill")[..., 0]


def class_loss(logits: Array, labels: Any, name: str = "labels") -> Array:
    """Mean cross-entropy of logits (…, L) against class numbers (…), or all of them in one row.

    Labels of -100 are left out; where nothing is labelled it is 0, and so are its gradients. InputError for other
    labels, which `name` calls what the caller does.
    """
    check_labels(JAX, name, labels, logits.shape[:-1])
    check_classes(JAX, name, labels, logits.shape[-1])
    labels = jnp.asarray(labels).reshape(logits.shape[:-1])
    counts = labels != IGNORED
    losses = cross_entropy(logits, jnp.where(counts, labels, 0))
    return jnp.where(counts, losses, 0).sum() / jnp.maximum(counts.sum(), 1)


def sequence_loss(logits: Array, labels: Any, problem_type: str | None = None, name: str = "labels") -> Array:
    """Logits (B, L) against numbers (B,) or (B, L), class numbers (B,), or yes and no for each class (B, L).

    `problem_type`: "regression" (mean squared error), "single_label_classification" (cross-entropy) or
    "multi_label_classification" (binary cross-entropy). Without: one label is regression, whole numbers are classes,
    others yes and no. InputError for other labels, which `name` calls what the caller does.
    """
    floating = not JAX.is_array(labels) or JAX.kind(labels) == "f"
    problem = problem_of(problem_type, logits.shape[-1], floating)
    if problem == "single_label_classification":
        return class_loss(logits, labels, name)
    check_numbers(JAX, name, labels, logits.shape, problem)
    scores, wanted = logits.astype(jnp.float32), jnp.asarray(labels).reshape(logits.shape).astype(jnp.float32)
    if problem == "regression":
        return jnp.square(scores - wanted).mean()
    return (jax.nn.softplus(scores) - scores * wanted).mean()


def span_loss(start_logits: Array, end_logits: Array, start_positions: Any, end_positions: Any) -> Array:
    """The mean of both ends' cross-entropies, logits (B, S); positions beyond the sequence are left out."""

    def one(logits: Array, positions: Any, name: str) -> Array:
        batch, length = logits.shape
        check_spans(JAX, name, positions, batch)
        places = jnp.asarray(positions).reshape(-1).clip(0, length)
        inside = places < length
        losses = cross_entropy(logits, jnp.where(inside, places, 0))
        return jnp.where(inside, losses, 0).sum() / inside.sum()

    start = one(start_logits, start_positions, "start_positions")
    return (start + one(end_logits, end_positions, "end_positions")) / 2


def sum_losses(*losses: Any) -> Any:
    """The sum of the losses that are not None."""
    given = [loss for loss in losses if loss is not None]
    return sum(given[1:], given[0]) if given else None
