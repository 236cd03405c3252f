"""Torch (compile, export, FSDP) sees the tensors inside an output."""

from __future__ import annotations

from typing import Any

import torch

from ..outputs import ModelOutput


def register_tree(cls: type[ModelOutput]) -> None:
    """Call it once a class of outputs."""
    if cls.__dict__.get("_is_tree"):
        return
    cls._is_tree = True  # type: ignore[attr-defined]

    def flatten(output: ModelOutput) -> tuple[list[Any], list[str]]:
        return output.values(), output.keys()

    def unflatten(values: Any, keys: Any) -> ModelOutput:
        return cls(**dict(zip(keys, values, strict=True)))

    def flatten_with_keys(output: ModelOutput) -> tuple[list[Any], list[str]]:
        return [(torch.utils._pytree.MappingKey(k), v) for k, v in output.items()], output.keys()

    torch.utils._pytree.register_pytree_node(
        cls,
        flatten,
        unflatten,
        serialized_type_name=f"{cls.__module__}.{cls.__qualname__}",
        flatten_with_keys_fn=flatten_with_keys,
    )
