"""Trees: jax sees the arrays inside an output, and weights have a path each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax

from ..outputs import ModelOutput

Path = tuple[str, ...]


def flat(tree: Any, front: Path = ()) -> dict[Path, Any]:
    """The leaves of nested mappings by their paths."""
    leaves: dict[Path, Any] = {}
    for name, child in tree.items():
        path = (*front, str(name))
        leaves |= flat(child, path) if isinstance(child, Mapping) else {path: child}
    return leaves


def nested(leaves: Mapping[Path, Any]) -> dict[str, Any]:
    """The tree that `flat` took apart."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        branch = tree
        for word in path[:-1]:
            branch = branch.setdefault(word, {})
        branch[path[-1]] = leaf
    return tree


def register_tree(cls: type[ModelOutput]) -> None:
    """Call it once a class of outputs. What is None is no leaf, as in torch."""

    def with_keys(output: ModelOutput) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
        return [(jax.tree_util.GetAttrKey(name), value) for name, value in output.items()], tuple(output.keys())

    def unflatten(names: tuple[str, ...], values: Any) -> ModelOutput:
        output = cls.__new__(cls)  # whatever stands for an array meanwhile is put in unseen
        output.__dict__.update(dict.fromkeys(cls.__dataclass_fields__), **dict(zip(names, values, strict=True)))  # type: ignore[attr-defined]
        return output

    def flatten(output: ModelOutput) -> tuple[list[Any], tuple[str, ...]]:
        return output.values(), tuple(output.keys())

    jax.tree_util.register_pytree_with_keys(cls, with_keys, unflatten, flatten)
