"""Which frames and channels are hidden in training (Park et al. 2019, SpecAugment; Baevski et al. 2020, section 3.1).

Letters: B batch, S frames (or channels), D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..audio_rules import check_maskable
from .layers import key_for
from .waveform import whole_windows

Array = jax.Array


def random_spans(key: Any, real: Array, mask_prob: float, mask_length: int, min_masks: int) -> Array:
    """Random spans to mask within what is `real` (B, S): boolean (B, S), True = masked.

    A row gets `mask_prob * length / mask_length` spans, rounded up or down by one draw for the batch, and at least
    `min_masks`; they start at different places and may overlap. Rows shorter than a span are left as they are.
    """
    size = real.shape[1]
    if size < mask_length:
        return jnp.zeros_like(real)
    for_rounding, for_order = jax.random.split(key)
    starts = whole_windows(real, mask_length)  # (B, S - mask_length + 1): where a span fits
    spans = jnp.floor(mask_prob * real.sum(1) / mask_length + jax.random.uniform(for_rounding))
    spans = jnp.clip(spans, min_masks, size // mask_length)
    order = jnp.where(starts, jax.random.uniform(for_order, starts.shape), -1.0)
    rank = jnp.argsort(jnp.argsort(-order, axis=1), axis=1)
    chosen = starts & (rank < spans[:, None])
    begun = jnp.cumsum(jnp.pad(chosen, ((0, 0), (0, mask_length - 1))), 1)  # (B, S)
    return begun - jnp.pad(begun, ((0, 0), (mask_length, 0)))[:, :size] > 0


def augment(model: Any, x: Array, chosen: Array | None, real: Array | None, train: bool) -> Array:
    """Frames and channels of x (B, S, D) masked: those that are `chosen` (B, S), or in training random ones.

    `model` has a configuration, and a `mask_vector` (D,) if it masks any.
    """
    config, draws = model.config, train and model.config.apply_spec_augment
    if chosen is not None:
        check_maskable(config, model.mask_vector)
    elif draws and config.mask_time_prob > 0:
        rows = jnp.ones(x.shape[:2], bool) if real is None else real
        sizes = config.mask_time_prob, config.mask_time_length, config.mask_time_min_masks
        chosen = random_spans(key_for(model, "spec_augment"), rows, *sizes)
    if chosen is not None and model.mask_vector is not None:
        x = jnp.where(chosen[..., None], model.mask_vector.astype(x.dtype), x)
    if draws and config.mask_feature_prob > 0:
        channels = jnp.ones((x.shape[0], x.shape[2]), bool)
        sizes = config.mask_feature_prob, config.mask_feature_length, config.mask_feature_min_masks
        hidden = random_spans(key_for(model, "spec_augment"), channels, *sizes)
        x = jnp.where(hidden[:, None], 0, x)
    return x
