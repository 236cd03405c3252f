"""Tensors that sit in a model under several names, and putting tensors into their places."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from torch import Tensor, nn


def ties(model: nn.Module) -> list[list[str]]:
    """Groups of names under which one and the same parameter or buffer sits in the model; what files have comes first.

    One and the same is what lies in the same memory: `b.weight = nn.Parameter(a.weight.data)` shares it too.
    """
    groups: dict[Hashable, list[str]] = {}
    for name, tensor in (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)):
        groups.setdefault(_memory(tensor), []).append(name)
    found = [names for names in groups.values() if len(names) > 1]
    saved = model.state_dict(keep_vars=True).keys() if found else ()
    return [sorted(names, key=lambda name: name not in saved) for names in found]


def _memory(tensor: Tensor) -> Hashable:
    """Which memory, seen in which way; on the meta device too, where no address tells it."""
    try:
        storage = tensor.untyped_storage()._cdata
        seen = tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype
    except (NotImplementedError, RuntimeError, ValueError):  # sharded, or without a shape before the first call
        return id(tensor)
    return storage, seen, isinstance(tensor, nn.Parameter), tensor.requires_grad


def modules_of(model: nn.Module) -> dict[str, nn.Module]:
    return dict(model.named_modules(remove_duplicate=False))


def tensor_at(modules: Mapping[str, nn.Module], name: str) -> Tensor:
    owner, _, leaf = name.rpartition(".")
    return getattr(modules[owner], leaf)  # type: ignore[no-any-return]


def place(modules: Mapping[str, nn.Module], name: str, tensor: Tensor) -> None:
    """Put a tensor where `name` says; a parameter stays one, and trains if the old one did."""
    owner, _, leaf = name.rpartition(".")
    module = modules[owner]
    if leaf in module._buffers:
        module._buffers[leaf] = tensor
    elif leaf not in module._parameters:
        setattr(module, leaf, tensor)
    elif isinstance(tensor, nn.Parameter):
        module._parameters[leaf] = tensor
    else:
        old = module._parameters[leaf]
        module._parameters[leaf] = nn.Parameter(tensor, requires_grad=old is not None and old.requires_grad)
