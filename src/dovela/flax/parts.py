"""The parts there are in Flax, by the names that configurations give them; one's own are registered beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from flax import linen as nn

from ..errors import ConfigError
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
    name = part_name(registry, config, word, name=name, layer=layer)
    found = registry.get(name)
    if isinstance(found, type) and issubclass(found, nn.Module):
        given = {field.name for field in dataclasses.fields(found)}
        for field, meaning in _DTYPES.items():
            if field not in given:
                hint = f"Write in it: {field}: Any = {meaning}"
                raise ConfigError(f"{registry.kind} {name!r}", f"{found.__name__} has no field {field!r}", hint=hint)
    return found


_DTYPES = {"dtype": "None  # what it computes in", "param_dtype": "jnp.float32  # what its weights are kept in"}
