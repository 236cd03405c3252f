"""The parts that Flax and Keras have for the names in configurations: fewer than torch, which has all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .encoder_rules import at_layer
from .errors import ConfigError
from .registry import Registry

_NAMED = ("gelu", "quick_gelu", "relu", "relu2", "relu6", "leaky_relu", "silu", "mish", "tanh", "sigmoid", "linear")
_SPELLINGS = {"swish": "silu", **dict.fromkeys(("gelu_new", "gelu_pytorch_tanh", "gelu_fast"), "gelu_new")}
ACTIVATIONS = {name: f"activations:{name}" for name in _NAMED} | {
    name: f"activations:{function}" for name, function in _SPELLINGS.items()
}


def kit_registry(kit: str, kind: str, places: Mapping[str, str], makes: str = "") -> Registry[Any]:
    """The registry of a kind of part in `kit`, "flax" or "keras"."""
    return Registry(
        f"{kit.title()} {kind}", {name: f"dovela.{kit}.{place}" for name, place in places.items()}, makes=makes
    )


def part_name(registry: Registry[Any], config: Any, word: str, *, name: str | None = None, layer: int = 0) -> str:
    """The name that `config` has under `word`, or `name` in its place; ConfigError where the kit has no such part."""
    name = at_layer(getattr(config, word), layer) if name is None else name
    if name not in registry:
        kit = registry.kind.partition(" ")[0].lower()
        raise ConfigError(
            f"{type(config).__name__}.{config.aliases().get(word, word)}",
            f"there is no {registry.kind} {name!r}",
            hint=f"There are: {', '.join(registry.names())}. One's own is registered in dovela.{kit}; "
            "the torch models may have it.",
        )
    return name
