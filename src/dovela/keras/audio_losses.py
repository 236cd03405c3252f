"""Losses of the heads on sound. Labels of -100 are left out.

Letters: B batch, S frames, V vocabulary, N characters of a label, P places on a path (2 N + 1), L labels,
D width of an embedding.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from keras import layers, ops

from ..input_rules import fits
from ..label_rules import check_alignable, check_characters, check_one_hot
from .init import Normal
from .inputs import ARRAYS
from .losses import class_loss

NEVER = -1e30  # the logarithm of what cannot be: finite, so that no gradient is NaN


def ctc_loss(logits: Any, labels: Any, real: Any, *, blank: int, reduction: str, zero_infinity: bool) -> Any:
    """Connectionist temporal classification (Graves et al. 2006): logits (B, S, V) against characters (B, N).

    `real` (B, S) tells which frames are not padding; None: all of them. The softmax is taken in float32.
    """
    batch, _, vocabulary = logits.shape
    check_characters(ARRAYS, "labels", labels, batch, vocabulary, blank)
    real = ops.ones(ops.shape(logits)[:2], dtype="bool") if real is None else real
    if not zero_infinity:
        check_alignable(ARRAYS, "labels", labels, ops.sum(ops.cast(real, "int32"), axis=1))
    characters, counts = _packed(ops.cast(labels, "int32"))
    losses = _losses(ops.log_softmax(ops.cast(logits, "float32"), axis=-1), characters, counts, real, blank)
    losses = ops.where(losses < -NEVER / 2, losses, 0.0 if zero_infinity else math.inf)
    if reduction == "mean":
        return ops.mean(losses / ops.cast(ops.maximum(counts, 1), "float32"))
    return ops.sum(losses) if reduction == "sum" else losses


def _packed(labels: Any) -> tuple[Any, Any]:
    """Labels (B, N), -100 anywhere -> characters (B, N) with the padding last, as 0, and how many there are (B,)."""
    labels = ops.pad(labels, ((0, 0), (0, 1)), constant_values=-1)  # a batch of silence has a place too
    size = ops.shape(labels)[1]
    place, spare = ops.arange(size, dtype="int32")[None], labels < 0
    order = ops.argsort(ops.where(spare, place + size, place), axis=1)
    return ops.maximum(ops.take_along_axis(labels, order, axis=1), 0), ops.sum(ops.cast(labels >= 0, "int32"), axis=1)


def _losses(scores: Any, characters: Any, counts: Any, real: Any, blank: int) -> Any:
    """The negative log-likelihood of each row: log-probabilities (B, S, V), characters (B, N) -> (B,)."""
    blanks = ops.full_like(characters, blank)
    path = ops.reshape(ops.stack([blanks, characters], axis=2), (ops.shape(characters)[0], -1))
    path = ops.concatenate([path, blanks[:, :1]], axis=1)  # (B, P): a blank before, between and after
    leaps = ops.pad(path[:, 2:] != path[:, :-2], ((0, 0), (2, 0)))  # over a blank between two that differ
    shape = (*ops.shape(scores)[:2], ops.shape(path)[1])
    seen = ops.take_along_axis(scores, ops.broadcast_to(path[:, None], shape), axis=2)  # (B, S, P)
    place = ops.arange(ops.shape(path)[1], dtype="int32")[None]
    ends = ops.logical_or(place == 2 * counts[:, None], place == 2 * counts[:, None] - 1)
    # The loops run without gradients, which XLA cannot take through them in TensorFlow. The gradient of a row's
    # likelihood by a score is known: how often its paths pass there (equation 15).
    given = ops.transpose(ops.stop_gradient(seen), (1, 0, 2))  # (S, B, P)
    heard = ops.transpose(ops.cast(real, "float32"))[..., None]  # (S, B, 1)
    to, scale = _forward(given, heard, leaps, place)
    rest = _backward(given, heard, leaps, ends)
    total = scale + ops.logsumexp(ops.where(ends, to[-1], NEVER), axis=-1)  # (B,)
    counted = ops.logical_and(heard > 0, total[:, None] > NEVER / 2)  # (S, B, 1): not where there is no path at all
    passes = ops.where(counted, ops.softmax(to + rest, axis=-1), 0.0)  # every path is at one place in a frame
    passes = ops.transpose(passes, (1, 0, 2))  # (B, S, P)
    return ops.sum(passes * (ops.stop_gradient(seen) - seen), axis=(1, 2)) - total


def _forward(seen: Any, heard: Any, leaps: Any, place: Any) -> tuple[Any, Any]:
    """How likely it is to have come to a place with a frame: logarithms (S, B, P), 0 at each frame's best.

    And what is to be added to those of the last frame (B,). Sums of many logarithms would lose the digits.
    """

    def step(state: Any, now: Any) -> tuple[Any, Any]:
        one = ops.pad(state[:, :-1], ((0, 0), (1, 0)), constant_values=NEVER)
        two = ops.pad(state[:, :-2], ((0, 0), (2, 0)), constant_values=NEVER)
        come = ops.logsumexp(ops.stack([state, one, ops.where(leaps, two, NEVER)]), axis=0)
        state = ops.where(now[:, -1:] > 0, come + now[:, :-1], state)  # past padding
        return state - ops.max(state, axis=1, keepdims=True), state

    start = ops.where(ops.broadcast_to(place == 0, ops.shape(leaps)), 0.0, NEVER)
    states = ops.scan(step, start, ops.concatenate([seen, heard], axis=2))[1]
    best = ops.max(states, axis=-1)  # (S, B)
    return states - best[..., None], ops.sum(best, axis=0)


def _backward(seen: Any, heard: Any, leaps: Any, ends: Any) -> Any:
    """How likely it is to come from a place, after a frame, to the end of the path: logarithms (S, B, P), as above."""

    def step(state: Any, now: Any) -> tuple[Any, Any]:
        onward = state + now[:, :-1]
        one = ops.pad(onward[:, 1:], ((0, 0), (0, 1)), constant_values=NEVER)
        two = ops.pad(ops.where(leaps, onward, NEVER)[:, 2:], ((0, 0), (0, 2)), constant_values=NEVER)
        before = ops.where(now[:, -1:] > 0, ops.logsumexp(ops.stack([onward, one, two]), axis=0), state)
        return before - ops.max(before, axis=1, keepdims=True), state

    start = ops.where(ends, 0.0, NEVER)
    return ops.scan(step, start, ops.concatenate([seen, heard], axis=2), reverse=True)[1]


def frame_loss(logits: Any, labels: Any) -> Any:
    """Cross-entropy of logits (B, S, L) against class numbers (B, S), or against one-hot rows (B, S, L)."""
    if ARRAYS.is_array(labels) and len(labels.shape) == 3 and fits(ARRAYS.shape(labels), tuple(logits.shape)):
        check_one_hot(ARRAYS, "labels", labels)
        labels = ops.argmax(labels, axis=-1)
    return class_loss(logits, labels)


class AngularMargin(layers.Layer):
    """Cross-entropy of angles with a margin (Wang et al. 2018, AM-softmax): embeddings (B, D), labels (B,).

    A model keeps it as `margin` and it is called "objective", which is a model's own loss.
    """

    called: ClassVar[str] = "objective"

    def __init__(self, width: int, labels: int, *, scale: float = 30.0, margin: float = 0.4, **options: Any) -> None:
        super().__init__(**options)
        self.width, self.labels, self.scale, self.margin = width, labels, scale, margin

    def build(self, input_shape: Any = None) -> None:
        self.weight = self.add_weight(shape=(self.width, self.labels), initializer=Normal(1.0), name="weight")

    def call(self, x: Any, labels: Any) -> Any:
        angles = ops.matmul(unit(x, 1), unit(ops.convert_to_tensor(self.weight), 0))  # (B, L)
        class_loss(angles, labels)  # which checks the labels
        own = ops.cast(ops.reshape(labels, (-1, 1)), "int32") == ops.arange(self.labels, dtype="int32")
        return class_loss(self.scale * (angles - self.margin * ops.cast(own, "float32")), labels)


def unit(x: Any, axis: int) -> Any:
    """Of length 1 along an axis, in float32."""
    x = ops.cast(x, "float32")
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=axis, keepdims=True), 1e-24))
