"""Losses of the heads on sound. Labels of -100 are left out.

Letters: B batch, S frames, V vocabulary, N characters of a label, L labels, D width of an embedding.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from ..label_rules import IGNORED, check_alignable, check_characters, check_one_hot
from .inputs import JAX
from .losses import class_loss

Array = jax.Array
NEVER = -1e30
"""The logarithm of what cannot be. A finite one: the slopes of -inf are NaN."""


def ctc_loss(
    logits: Array, labels: Any, real: Array | None, *, blank: int, reduction: str, zero_infinity: bool
) -> Array:
    """Connectionist temporal classification (Graves et al. 2006): logits (B, S, V) against characters (B, N).

    `real` (B, S) tells which frames are not padding. The softmax is taken in float32. A label that is too long for its
    sound costs infinity, or with `zero_infinity` nothing.
    """
    batch, size, vocabulary = logits.shape
    check_characters(JAX, "labels", labels, batch, vocabulary, blank)
    real = jnp.ones((batch, size), bool) if real is None else real
    if not zero_infinity:
        check_alignable(JAX, "labels", labels, real.sum(1))
    labels = jnp.asarray(labels)
    if not labels.shape[1]:  # a batch of silence
        labels = jnp.full((batch, 1), IGNORED)
    spare = labels < 0
    characters = jnp.take_along_axis(labels, jnp.argsort(spare, axis=1, stable=True), 1)  # padding last
    counts = (~spare).sum(1)
    scores = jax.nn.log_softmax(logits.astype(jnp.float32), axis=-1)
    losses = _minus_log_likelihood(scores, jnp.maximum(characters, 0), counts, real, blank)
    losses = jnp.where(losses > -NEVER / 2, 0.0 if zero_infinity else jnp.inf, losses)
    if reduction == "mean":
        return jnp.mean(losses / jnp.maximum(counts, 1))
    return losses.sum() if reduction == "sum" else losses


def _minus_log_likelihood(scores: Array, characters: Array, counts: Array, real: Array, blank: int) -> Array:
    """scores (B, S, V), characters (B, N) of which each row has `counts` (B,) -> (B,), by the forward algorithm.

    The states are a blank, a character, a blank, … a blank. A frame stays in its state, takes the next one, or skips a
    blank between two characters that differ.
    """
    batch, most = characters.shape
    states = jnp.full((batch, 2 * most + 1), blank).at[:, 1::2].set(characters)  # (B, 2N + 1)
    skips = jnp.zeros(states.shape, bool).at[:, 3::2].set(characters[:, 1:] != characters[:, :-1])
    start = jnp.full(states.shape, NEVER).at[:, 0].set(0.0)  # before the first frame
    emitted = jnp.take_along_axis(scores, jnp.broadcast_to(states[:, None], (*scores.shape[:2], states.shape[1])), 2)

    def step(before: Array, frame: tuple[Array, Array]) -> tuple[Array, None]:
        score, counted = frame  # (B, 2N + 1), (B,)
        one = jnp.pad(before, ((0, 0), (1, 0)), constant_values=NEVER)[:, :-1]
        two = jnp.where(skips, jnp.pad(before, ((0, 0), (2, 0)), constant_values=NEVER)[:, :-2], NEVER)
        after = score + jax.nn.logsumexp(jnp.stack([before, one, two]), axis=0)
        return jnp.where(counted[:, None], after, before), None

    end, _ = lax.scan(step, start, (jnp.moveaxis(emitted, 1, 0), jnp.moveaxis(real, 1, 0)))
    blanks = jnp.take_along_axis(end, 2 * counts[:, None], 1)[:, 0]
    last = jnp.take_along_axis(end, jnp.maximum(2 * counts - 1, 0)[:, None], 1)[:, 0]
    return -jnp.where(counts > 0, jnp.logaddexp(blanks, last), blanks)


def frame_loss(logits: Array, labels: Any) -> Array:
    """Cross-entropy of logits (B, S, L) against class numbers (B, S), or against one-hot rows (B, S, L)."""
    if JAX.is_array(labels) and labels.ndim == 3 and labels.shape == logits.shape:
        check_one_hot(JAX, "labels", labels)
        labels = jnp.argmax(jnp.asarray(labels), -1)
    return class_loss(logits, labels)


class AngularMargin(nn.Module):
    """Cross-entropy of angles with a margin (Wang et al. 2018, AM-softmax): embeddings (B, D), labels (B,).

    Without labels it is None; the module is called all the same, so that its weight is there.
    """

    labels: int
    scale: float = 30.0
    margin: float = 0.4
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, labels: Any = None) -> Array | None:
        shape = (x.shape[-1], self.labels)
        weight = self.param("weight", nn.initializers.normal(1.0), shape, self.param_dtype)
        if labels is None:
            return None
        angles = unit(x.astype(jnp.float32), 1) @ unit(weight.astype(jnp.float32), 0)  # (B, L)
        class_loss(angles, labels)  # which checks the labels
        own = jnp.asarray(labels).reshape(-1, 1) == jnp.arange(self.labels)
        return class_loss(self.scale * (angles - self.margin * own), labels)


def unit(x: Array, axis: int) -> Array:
    """Of length 1 along an axis."""
    return x / jnp.sqrt(jnp.maximum(jnp.square(x).sum(axis, keepdims=True), 1e-24))
