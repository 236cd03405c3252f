"""The parts there are in Flax, by the names that configurations give them; one's own are registered beside them."""

from __future__ import annotations

from typing import Any

from ..encoder_rules import at_layer
from ..errors import ConfigError
from ..registry import Registry


def _registry(kind: str, places: dict[str, str], makes: str = "") -> Registry[Any]:
    return Registry(f"Flax {kind}", {name: f"dovela.flax.{place}" for name, place in places.items()}, makes=makes)


_GELU_NEW = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")
_NAMED = ("gelu", "quick_gelu", "relu", "relu2", "relu6", "leaky_relu", "silu", "mish", "tanh", "sigmoid", "linear")

ACTIVATIONS = _registry(
    "activation",
    {name: f"activations:{name}" for name in _NAMED}
    | dict.fromkeys(_GELU_NEW, "activations:gelu_new")
    | {"swish": "activations:silu"},
)
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
    name = at_layer(getattr(config, word), layer) if name is None else name
    if name not in registry:
        raise ConfigError(
            f"{type(config).__name__}.{config.aliases().get(word, word)}",
            f"there is no {registry.kind} {name!r}",
            hint=f"There are: {', '.join(registry.names())}. One's own is registered in dovela.flax; "
            "the torch models may have it.",
        )
    return registry.get(name)
