"""Keras, and the backend below it, see the tensors inside an output."""

from __future__ import annotations

from typing import Any

import optree

from ..outputs import ModelOutput, each_output
from .on_tensorflow import TENSORFLOW


def _flatten(output: ModelOutput) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    return tuple(output.values()), tuple(output.keys())


def register_tree(cls: type[ModelOutput]) -> None:
    """Call it once a class of outputs. What is None is left out."""

    def unflatten(keys: Any, values: Any) -> ModelOutput:
        return cls(**dict(zip(keys, values, strict=True)))

    def flatten_for_optree(output: ModelOutput) -> tuple[Any, Any, Any]:
        values, keys = _flatten(output)
        return values, keys, keys

    optree.register_pytree_node(cls, flatten_for_optree, unflatten, namespace="keras")


def register_for_tensorflow(cls: type[ModelOutput]) -> None:
    """TensorFlow asks the class itself; the fields that are there tell one output's structure from another's."""

    def flatten(output: ModelOutput) -> tuple[Any, Any]:
        values, keys = _flatten(output)
        return keys, values

    def unflatten(kind: type[ModelOutput], keys: Any, values: Any) -> ModelOutput:
        return kind(**dict(zip(keys, values, strict=True)))

    cls.__tf_flatten__ = flatten  # type: ignore[attr-defined]
    cls.__tf_unflatten__ = classmethod(unflatten)  # type: ignore[attr-defined]


def register_for_jax(cls: type[ModelOutput]) -> None:
    import jax

    def with_keys(output: ModelOutput) -> tuple[Any, Any]:
        values, keys = _flatten(output)
        return [(jax.tree_util.DictKey(key), value) for key, value in zip(keys, values, strict=True)], keys

    def unflatten(keys: Any, values: Any) -> ModelOutput:
        return cls(**dict(zip(keys, values, strict=True)))

    jax.tree_util.register_pytree_with_keys(cls, with_keys, unflatten, _flatten)


each_output(register_tree, once="keras")
each_output(register_for_tensorflow, once="tensorflow") if TENSORFLOW else each_output(register_for_jax, once="jax")
