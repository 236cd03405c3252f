"""Which frames and channels are hidden in training (Park et al. 2019, SpecAugment).

Letters: B batch, S frames (or channels).
"""

from __future__ import annotations

from typing import Any

from keras import initializers, layers, ops, random

from ..audio_rules import check_maskable
from .waveform import whole_windows


def random_spans(real: Any, mask_prob: float, mask_length: int, min_masks: int, seed: Any) -> Any:
    """Random spans to mask within what is `real` (B, S): boolean (B, S), True = masked. `seed` is a SeedGenerator.

    A row gets `mask_prob * length / mask_length` spans, rounded up or down by one draw for the batch, and at least
    `min_masks`; they start at different places and may overlap, so `mask_prob` is the most that is masked. A row too
    short for one gets none.
    """
    size = ops.shape(real)[1]
    starts = whole_windows(real, mask_length)  # (B, S - mask_length + 1): where a span fits
    share = mask_prob / mask_length * ops.cast(ops.sum(ops.cast(real, "int32"), axis=1), "float32")
    spans = ops.cast(ops.floor(share + random.uniform((), seed=seed)), "int32")
    spans = ops.minimum(ops.maximum(spans, min_masks), size // mask_length)  # (B,)
    order = ops.where(starts, random.uniform(ops.shape(starts), seed=seed), -1.0)
    rank = ops.argsort(ops.argsort(-order, axis=1), axis=1)
    chosen = ops.logical_and(starts, ops.cast(rank, "int32") < spans[:, None])
    begun = ops.cumsum(ops.pad(ops.cast(chosen, "int32"), ((0, 0), (0, mask_length - 1))), axis=1)  # (B, S)
    ended = ops.pad(begun, ((0, 0), (mask_length, 0)))[:, : ops.shape(begun)[1]]
    return (begun - ended > 0)[:, :size]  # where rows are shorter than a span, `begun` is longer than they


class SpecAugment(layers.Layer):
    """Frames and channels of x (B, S, D) masked: those that are chosen, or in training random ones."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.config = config
        self.seed = random.SeedGenerator()

    def build(self, input_shape: Any = None) -> None:
        pass

    @staticmethod
    def vector() -> Any:
        """How the vector is drawn that stands for masked frames."""
        return initializers.RandomUniform(0.0, 1.0)

    def call(self, x: Any, vector: Any, chosen: Any = None, real: Any = None, training: bool | None = None) -> Any:
        """`vector` (D,) or None; frames `chosen` (B, S), in evaluation too; those that are `real` (B, S)."""
        config = self.config
        augment = training and config.apply_spec_augment
        if chosen is not None:
            check_maskable(config, vector)
        elif augment and config.mask_time_prob > 0:
            rows = ops.ones(ops.shape(x)[:2], dtype="bool") if real is None else real
            chosen = self.spans(rows, "time")
        if chosen is not None and vector is not None:
            x = ops.where(chosen[..., None], ops.cast(vector, x.dtype), x)
        if augment and config.mask_feature_prob > 0:
            channels = ops.ones((ops.shape(x)[0], ops.shape(x)[2]), dtype="bool")
            x = ops.where(self.spans(channels, "feature")[:, None], 0.0, x)
        return x

    def spans(self, rows: Any, axis: str) -> Any:
        """Random spans of `rows`, as the configuration says for the axis "time" or "feature"."""
        share, length, least = (getattr(self.config, f"mask_{axis}_{word}") for word in ("prob", "length", "min_masks"))
        return random_spans(rows, share, length, least, self.seed)
