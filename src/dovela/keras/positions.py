"""Places as vectors that are added to the embeddings.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any, ClassVar

from keras import ops

from ..kit_parts import part_name
from ..tables import sinusoids
from .init import Embedding, Part
from .parts import POSITIONS

register_positions = POSITIONS.decorator


class LearnedPositions(Embedding):
    """A learned vector for each place (Devlin et al. 2018): places (S,) or (B, S) -> (…, S, D)."""

    limited: ClassVar[bool] = True
    """Whether `max_position_embeddings` is the longest sequence there can be, as a scheme may say of itself."""

    def __init__(self, config: Any, **options: Any) -> None:
        rows, width = config.max_position_embeddings, config.hidden_size
        super().__init__(rows, width, std=config.initializer_range, **options)


class SinusoidalPositions(Part):
    """Fixed waves of growing length (Vaswani et al. 2017, section 3.5), a weight because checkpoints store them so."""

    limited: ClassVar[bool] = True

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.size = (config.max_position_embeddings, config.hidden_size)

    def build(self, input_shape: Any = None) -> None:
        self.embeddings = self.add_weight(shape=self.size, initializer=_waves, trainable=False, name="embeddings")

    def call(self, places: Any) -> Any:
        return ops.cast(ops.take(self.embeddings, places, axis=0), self.compute_dtype)


class NoPositions(Part):
    """Nothing tells where a token stands (Haviv et al. 2022, https://arxiv.org/abs/2203.16634)."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)

    def call(self, places: Any) -> Any:
        return ops.zeros((1, 1, 1), self.compute_dtype)


def _waves(shape: Any, dtype: Any = None) -> Any:
    return ops.convert_to_tensor(sinusoids(*shape), dtype=dtype)


def added_positions(config: Any) -> Any:
    """What a configuration's scheme adds to the embeddings of tokens: a layer from places to vectors."""
    return POSITIONS.make(part_name(POSITIONS, config, "positions"), config)
