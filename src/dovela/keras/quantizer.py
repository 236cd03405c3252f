"""Discrete targets of pre-training, and the loss of telling them apart.

Baevski et al. 2020, wav2vec 2.0, sections 2 and 3.2. Letters: B batch, S frames, C channels, G groups of the codebook,
V entries of each, E width of a quantised frame, N negatives.
"""

from __future__ import annotations

from typing import Any

from keras import initializers, ops, random

from ..audio_rules import check_negatives
from .init import Dense, Part
from .inputs import ARRAYS


class GumbelQuantizer(Part):
    """A frame as one entry from each group of a codebook: (B, S, C) -> (B, S, E), and the codebook's perplexity.

    In training the entry is drawn (Jang et al. 2016, Gumbel-softmax), the more evenly the higher the temperature.
    """

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.groups, self.entries = config.num_codevector_groups, config.num_codevectors_per_group
        self.width = config.codevector_dim
        self.scores = Dense(self.groups * self.entries, std=1.0, reads=config.conv_dim[-1])
        self.seed = random.SeedGenerator()

    def build(self, input_shape: Any = None) -> None:
        super().build()
        shape = (1, self.groups * self.entries, self.width // self.groups)
        drawn = initializers.RandomUniform(0.0, 1.0)
        self.codevectors = self.add_weight(shape=shape, initializer=drawn, name="codevectors")

    def call(self, x: Any, chosen: Any = None, temperature: Any = 2.0, training: bool | None = None) -> tuple[Any, Any]:
        """`chosen` (B, S): the frames that the perplexity is taken over; by default all."""
        batch, frames = ops.shape(x)[:2]
        scores = ops.reshape(self.scores(x), (batch, frames, self.groups, self.entries))  # (B, S, G, V)
        scores = ops.cast(scores, "float32")
        if training:
            least = 1e-20
            noise = -ops.log(-ops.log(random.uniform(ops.shape(scores), seed=self.seed) + least) + least)
            soft = ops.softmax((scores + noise) / temperature, axis=-1)
            hard = ops.one_hot(ops.argmax(soft, axis=-1), self.entries, dtype="float32")
            taken = hard + soft - ops.stop_gradient(soft)  # the one that is drawn, with the gradient of all
            share = ops.softmax(scores, axis=-1)
        else:
            share = taken = ops.one_hot(ops.argmax(scores, axis=-1), self.entries, dtype="float32")
        book = ops.reshape(self.codevectors, (self.groups, self.entries, -1))  # (G, V, E/G)
        codes = ops.einsum("bsgv,gve->bsge", ops.cast(taken, x.dtype), ops.cast(book, x.dtype))
        return ops.reshape(codes, (batch, frames, self.width)), perplexity(share, chosen)


def perplexity(share: Any, chosen: Any) -> Any:
    """How many entries are in use, summed over the groups, from shares (B, S, G, V)."""
    if chosen is None:
        mean = ops.mean(share, axis=(0, 1))  # (G, V)
    else:
        counted = ops.cast(chosen, share.dtype)
        mean = ops.sum(share * counted[..., None, None], axis=(0, 1)) / ops.sum(counted)
    return ops.sum(ops.exp(-ops.sum(mean * ops.log(mean + 1e-7), axis=-1)))


def contrastive_loss(predicted: Any, quantized: Any, negatives: Any, chosen: Any, temperature: float) -> Any:
    """How well the true target of each chosen frame is told from others, summed: equation 3 of the paper.

    predicted, quantized (B, S, E); negatives (B, S, N), indices into the flattened (B * S); chosen (B, S).
    """
    check_negatives(ARRAYS, negatives, ARRAYS.shape(quantized)[:2])
    flat = ops.reshape(quantized, (-1, quantized.shape[-1]))
    others = ops.take(flat, ops.cast(negatives, "int32"), axis=0)  # (B, S, N, E)
    own = quantized[:, :, None]
    targets = ops.cast(ops.concatenate([own, others], axis=2), "float32")
    near = _unit(ops.cast(predicted[:, :, None], "float32")) * _unit(targets)
    logits = ops.sum(near, axis=-1) / temperature  # (B, S, 1 + N)
    same = ops.pad(ops.all(others == own, axis=-1), ((0, 0), (0, 0), (1, 0)))  # a negative that is the target itself
    logits = ops.where(same, -1e30, logits)
    return -ops.sum(ops.log_softmax(logits, axis=-1)[..., 0] * ops.cast(chosen, "float32"))


def _unit(x: Any) -> Any:
    return x / ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=-1, keepdims=True), 1e-16))
