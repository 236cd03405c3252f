"""Discrete targets of pre-training, and the loss of telling them apart.

Baevski et al. 2020, wav2vec 2.0, sections 2 and 3.2. Letters: B batch, S frames, C channels, G groups of the codebook,
V entries of each, E width of a quantised frame, N negatives.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..audio_rules import check_negatives
from .inputs import JAX
from .layers import dtypes, key_for

Array = jax.Array


class GumbelQuantizer(nn.Module):
    """A frame as one entry from each group of a codebook: (B, S, C) -> (B, S, E), and the codebook's perplexity.

    In training the entry is drawn (Jang et al. 2016, Gumbel-softmax) by the keys named "gumbel".
    """

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        groups, entries = self.config.num_codevector_groups, self.config.num_codevectors_per_group
        shape = (1, groups * entries, self.config.codevector_dim // groups)
        self.codevectors = self.param("codevectors", nn.initializers.uniform(1.0), shape, self.param_dtype)
        self.scores = nn.Dense(groups * entries, kernel_init=nn.initializers.normal(1.0), **dtypes(self))

    def __call__(
        self, x: Array, chosen: Array | None = None, temperature: Any = 2.0, train: bool = False
    ) -> tuple[Array, Array]:
        """`chosen` (B, S): the frames that the perplexity is taken over; by default all."""
        groups, width = self.config.num_codevector_groups, self.codevectors.shape[-1]
        scores = self.scores(x)
        scores = scores.reshape(*x.shape[:-1], groups, -1)  # (B, S, G, V)
        sharp = scores.astype(jnp.float32)
        if train:
            noise = jax.random.gumbel(key_for(self, "gumbel"), scores.shape)
            taken = one_hot(jax.nn.softmax((sharp + noise) / temperature)).astype(scores.dtype)
            share = jax.nn.softmax(sharp)
        else:
            share = taken = jax.nn.one_hot(scores.argmax(-1), scores.shape[-1], dtype=scores.dtype)
        book = self.codevectors.reshape(groups, -1, width).astype(scores.dtype)  # (G, V, E/G)
        codes = jnp.einsum("bsgv,gve->bsge", taken, book)
        return codes.reshape(*x.shape[:-1], -1), perplexity(share, chosen)


def one_hot(share: Array) -> Array:
    """1 at the largest share and 0 elsewhere, with the slopes of the shares themselves."""
    hard = jax.nn.one_hot(share.argmax(-1), share.shape[-1], dtype=share.dtype)
    return hard + share - jax.lax.stop_gradient(share)


def perplexity(share: Array, chosen: Array | None) -> Array:
    """How many entries are in use, summed over the groups, from shares (B, S, G, V)."""
    if chosen is None:
        mean = share.mean((0, 1))  # (G, V)
    else:
        mean = jnp.where(chosen[..., None, None], share, 0.0).sum((0, 1)) / chosen.sum()
    return jnp.exp(-(mean * jnp.log(mean + 1e-7)).sum(-1)).sum()


def contrastive_loss(predicted: Array, quantized: Array, negatives: Array, chosen: Array, temperature: float) -> Array:
    """How well the true target of each chosen frame is told from others, summed: equation 3 of the paper.

    predicted, quantized (B, S, E); negatives (B, S, N), indices into the flattened (B * S); chosen (B, S).
    """
    check_negatives(JAX, negatives, quantized.shape[:2])
    others = jnp.take(quantized.reshape(-1, quantized.shape[-1]), negatives, axis=0)  # (B, S, N, E)
    targets = jnp.concatenate([quantized[:, :, None], others], 2).astype(jnp.float32)
    logits = cosine(predicted[:, :, None].astype(jnp.float32), targets) / temperature  # (B, S, 1 + N)
    same = (others == quantized[:, :, None]).all(-1)  # a negative that is the target itself
    logits = jnp.where(jnp.pad(same, ((0, 0), (0, 0), (1, 0))), -jnp.inf, logits)
    return -jnp.where(chosen, jax.nn.log_softmax(logits)[..., 0], 0.0).sum()


def cosine(a: Array, b: Array, least: float = 1e-8) -> Array:
    """Of vectors in the last axis; a length below `least` counts as that."""

    def length(x: Array) -> Array:
        return jnp.sqrt(jnp.maximum(jnp.square(x).sum(-1, keepdims=True), least**2))

    return (a / length(a) * (b / length(b))).sum(-1)
