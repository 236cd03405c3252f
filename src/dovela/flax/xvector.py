"""The parts of an x-vector: convolutions over frames, and the mean and deviation of what they give.

Snyder et al. 2018, X-vectors: robust DNN embeddings for speaker recognition. Letters: B batch, S frames, D width.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..audio_rules import check_voices, voice_field
from .inputs import JAX
from .layers import dense
from .waveform import whole_windows

Array = jax.Array


class TimeDelays(nn.Module):
    """Dilated convolutions over frames, each kept as the matrix of a linear layer."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        self.stack = [dense(self, width, name=str(i)) for i, width in enumerate(self.config.tdnn_dim)]

    def __call__(self, x: Array, real: Array | None = None) -> tuple[Array, Array | None]:
        """x (B, S, D), real (B, S) -> (B, S', D') and which of them read nothing but real frames."""
        config, field = self.config, voice_field(self.config)
        check_voices(JAX, x, real, field)
        for layer, size, step in zip(self.stack, config.tdnn_kernel, config.tdnn_dilation, strict=True):
            x = nn.relu(layer(neighbours(x, size, step)))
        return x, None if real is None else whole_windows(real, field)


def neighbours(x: Array, size: int, step: int) -> Array:
    """Each frame and those that follow at so many steps, side by side: (B, S, D) -> (B, S', size D)."""
    length = x.shape[1] - (size - 1) * step
    return jnp.concatenate([x[:, i * step : i * step + length] for i in range(size)], axis=-1)


def statistics(x: Array, real: Array | None = None) -> Array:
    """Mean and deviation over real frames, in float32 at least: x (B, S, D), real (B, S) -> (B, 2 D)."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    shown = jnp.ones((*x.shape[:2], 1), bool) if real is None else real[..., None]
    count = shown.sum(1)  # (B, 1)
    mean = jnp.where(shown, wide, 0).sum(1) / count  # (B, D)
    variance = jnp.square(jnp.where(shown, wide - mean[:, None], 0)).sum(1) / (count - 1)
    still = variance == 0  # a channel that is off all the time: the slope of its root would be NaN
    deviation = jnp.where(still, 0, jnp.sqrt(jnp.where(still, 1, variance)))
    return jnp.concatenate([mean, deviation], axis=-1).astype(x.dtype)
