"""Tensors that sit in a model under several names, and putting tensors into their places."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


def ties(model: nn.Module) -> list[list[str]]:
    """Groups of names under which one and the same parameter or buffer sits in the model."""
    groups: dict[int, list[str]] = {}
    for name, tensor in (*model.named_parameters(remove_duplicate=False), *model.named_buffers(remove_duplicate=False)):
        groups.setdefault(id(tensor), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


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
