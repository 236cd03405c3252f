"""What `print(model)` shows: its size, and its parts in a few lines.

FlaxDistilBertForSequenceClassification: 67 M parameters, 268 MB, float32
  backbone: 66.4 M
    embeddings: 23.8 M
    layers: 6 alike, 42.5 M
  classifier: 592 k
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax

from ..quantities import quantity

DEEPEST = 2


def describe(model: Any) -> str:
    """A bound model's size and parts; of one without weights the class and the configuration's type."""
    if model.scope is None:
        return f"{type(model).__name__} without weights, of a {type(model.config).__name__}"
    params = model.variables.get("params", {})
    leaves = jax.tree.leaves(params)
    kinds = " and ".join(sorted({str(leaf.dtype) for leaf in leaves})) or "empty"
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
    head = f"{type(model).__name__}: {quantity(_count(params))} parameters, {quantity(size, 'B')}, {kinds}"
    return "\n".join([head, *_parts(params, 1)])


def _parts(params: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, part in params.items():
        if not isinstance(part, Mapping):
            yield f"{'  ' * depth}{name}: {' x '.join(map(str, part.shape))}"
            continue
        layers = [child for word, child in part.items() if word.isdigit()]
        told = f"{_alike(layers)}, " if layers else ""
        yield f"{'  ' * depth}{name}: {told}{quantity(_count(part))}"
        if not layers and depth < DEEPEST and any(isinstance(child, Mapping) for child in part.values()):
            yield from _parts(part, depth + 1)


def _alike(layers: list[Any]) -> str:
    kinds = {str(jax.tree.map(lambda leaf: leaf.shape, layer)) for layer in layers}
    return f"{len(layers)} {'alike' if len(kinds) == 1 else 'layers'}"


def _count(tree: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
