"""The parts of an x-vector: convolutions over frames, and the mean and deviation of what they give.

Snyder et al. 2018, X-vectors: robust DNN embeddings for speaker recognition. Letters: B batch, S frames, D width.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from ..audio_rules import check_voices, voice_field
from .init import Dense, Numbered, spread
from .inputs import ARRAYS
from .waveform import whole_windows


class TimeDelays(Numbered):
    """Dilated convolutions over frames, each kept as the matrix of a linear layer."""

    def __init__(self, config: Any, **options: Any) -> None:
        before = [config.tdnn_dim[0], *config.tdnn_dim[:-1]]
        sizes = zip(before, config.tdnn_dim, config.tdnn_kernel, strict=True)
        drawn = {"activation": "relu", **spread(config)}
        super().__init__([Dense(after, reads=width * size, **drawn) for width, after, size in sizes], **options)
        self.windows = list(zip(config.tdnn_kernel, config.tdnn_dilation, strict=True))
        self.field = voice_field(config)

    def call(self, x: Any, real: Any = None) -> tuple[Any, Any]:
        """x (B, S, D), real (B, S) -> (B, S', D') and which of them read nothing but real frames."""
        check_voices(ARRAYS, x, real, self.field)
        for layer, window in zip(self.parts, self.windows, strict=True):
            x = layer(neighbours(x, *window))
        return x, None if real is None else whole_windows(real, self.field)


def neighbours(x: Any, size: int, step: int) -> Any:
    """Each frame and those that follow at so many steps, side by side: (B, S, D) -> (B, S', size D)."""
    last = (size - 1) * step
    return ops.concatenate([x[:, i : i - last or None] for i in range(0, last + 1, step)], axis=-1)


def statistics(x: Any, real: Any = None) -> Any:
    """Mean and deviation over real frames, in float32: x (B, S, D), real (B, S) -> (B, 2 D)."""
    wide = ops.cast(x, "float32")
    shown = ops.ones_like(x[..., :1], dtype="bool") if real is None else real[..., None]
    count = ops.sum(ops.cast(shown, "float32"), axis=1)  # (B, 1)
    mean = ops.sum(ops.where(shown, wide, 0.0), axis=1) / count  # (B, D)
    variance = ops.sum(ops.square(ops.where(shown, wide - mean[:, None], 0.0)), axis=1) / (count - 1)
    still = variance == 0  # a channel that is off all the time: the slope of its root would be NaN
    deviation = ops.where(still, 0.0, ops.sqrt(ops.where(still, 1.0, variance)))
    return ops.cast(ops.concatenate([mean, deviation], axis=-1), x.dtype)
