"""The parts there are in Flax, by the names that configurations give them; one's own are registered beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kit_parts import ACTIVATIONS as _ACTIVATIONS
from ..kit_parts import kit_registry, part_name
from ..registry import Registry


def _registry(kind: str, places: Mapping[str, str], makes: str = "") -> Registry[Any]:
    return kit_registry("flax", kind, places, makes)


ACTIVATIONS = _registry("activation", _ACTIVATIONS)
ATTENTIONS = _registry("attention", {"full": "attention:Attention"}, makes="config, layer")
NORMS = _registry("norm", {"layer": "norms:LayerNorm"}, makes="epsilon=…")
POSITIONS = _registry(
    "position scheme",
    {
        "learned": "positions:LearnedPositions",
        "sinusoidal": "positions:SinusoidalPositions",
        "convolutional": "waveform:PositionalConv",
        "none": "positions:NoPositions",
    },
    makes="config",
)
FEED_FORWARDS = _registry("feed-forward", {"mlp": "feedforward:MLP"}, makes="config")
BLOCKS = _registry("block order", {"post": "blocks:PostNormBlock", "pre": "blocks:PreNormBlock"}, makes="config, layer")
POOLERS = _registry(
    "pooler",
    {"first": "poolers:FirstToken", "mean": "poolers:MeanPooler", "dense": "poolers:DensePooler"},
    makes="config",
)


def part(registry: Registry[Any], config: Any, word: str, *, name: str | None = None, layer: int = 0) -> Any:
    """What `config` names under `word`, or a `name` in its place; ConfigError where torch alone has it."""
    return registry.get(part_name(registry, config, word, name=name, layer=layer))
