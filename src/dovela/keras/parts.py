"""The parts there are in Keras, by the names that configurations give them; one's own are registered beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ..errors import ConfigError
from ..kit_parts import ACTIVATIONS as _ACTIVATIONS
from ..kit_parts import kit_registry
from ..registry import Registry

T = TypeVar("T")


def _registry(kind: str, places: Mapping[str, str], makes: str = "") -> Registry[Any]:
    return kit_registry("keras", kind, places, makes)


ACTIVATIONS = _registry("activation", _ACTIVATIONS)
ATTENTIONS = _registry("attention", {"full": "attention:Attention"}, makes="config, layer")
NORMS = _registry("norm", {"layer": "init:LayerNorm"}, makes="width, epsilon=…")
POSITIONS = _registry(
    "position scheme",
    {
        "learned": "positions:LearnedPositions",
        "sinusoidal": "positions:SinusoidalPositions",
        "none": "positions:NoPositions",
    },
    makes="config",
)
FEED_FORWARDS = _registry("feed-forward", {"mlp": "blocks:MLP"}, makes="config")
BLOCKS = _registry("block order", {"post": "blocks:PostNormBlock", "pre": "blocks:PreNormBlock"}, makes="config, layer")
POOLERS = _registry(
    "pooler",
    {"first": "poolers:FirstToken", "mean": "poolers:MeanPooler", "dense": "poolers:DensePooler"},
    makes="config",
)


def chosen(config: Any, word: str, there: Mapping[str, T]) -> T:
    """What a name stands for where an architecture has parts of its own under a few names."""
    name = getattr(config, word)
    if name not in there:
        raise ConfigError(
            f"{type(config).__name__}.{config.aliases().get(word, word)}",
            f"{name!r} is none that Keras models have here",
            hint=f"There is {' and '.join(map(repr, there))}. Torch has the others.",
        )
    return there[name]
