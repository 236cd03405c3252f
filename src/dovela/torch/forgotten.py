"""What a constructor forgot: parameters that no module knows of, and parts of the head that are not there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from ..errors import ConfigError, suggest

_TORCHS = frozenset(vars(nn.Module()))  # what every module keeps for itself


def check_registered(model: nn.Module) -> None:
    """Raise ConfigError if an attribute holds something to train that torch would neither train, move nor save.

    A frozen module in a list, as a teacher that is not to be saved, is left alone: that is how one hides it.
    """
    known: set[int] | None = None
    problems: list[str] = []
    for path, module in model.named_modules():
        if type(module).__module__.startswith(("torch.", "dovela.")):
            continue
        for name, value in vars(module).items():
            if name in _TORCHS or not isinstance(value, (Tensor, nn.Module, list, tuple, dict, set)):
                continue
            held = list(_held(value, set()))
            if held and known is None:  # made when first needed: most models have nothing to ask about
                known = {id(t) for t in model.parameters()} | {id(m) for m in model.modules()}
            if lost := [thing for thing in held if not _ids(thing) <= (known or set())]:
                place = f" (at {path})" if path else ""
                problems.append(f"{type(module).__name__}.{name}{place} {_told(value, lost)}")
    if problems:
        raise ConfigError(
            type(model).__name__,
            *problems,
            hint="What is not registered is neither trained, moved to a device nor saved. To hide a module on purpose, "
            "freeze it with requires_grad_(False).",
        )


def check_head_parts(model: Any) -> None:
    """Raise ConfigError if `head_parts` of somebody's own class names what the model has not."""
    owner = next(cls for cls in type(model).__mro__ if "head_parts" in vars(cls))
    if owner.__module__.startswith("dovela."):  # of which some are for parts that not every configuration has
        return
    given, where = model.head_parts, f"{type(model).__name__}.head_parts"
    if not isinstance(given, Mapping):
        raise ConfigError(where, f"expected a dict {{attribute: what it tells apart}}, got {given!r}")
    there = [*model._modules, *model._parameters, *model._buffers]
    problems = [
        f"names {name!r}, which the model has not{suggest(name, there)}" for name in given if not hasattr(model, name)
    ]
    if problems:
        raise ConfigError(where, *problems, hint="It names the attributes that are the head.")


def _ids(thing: Tensor | nn.Module) -> set[int]:
    """Of what must be registered: a tensor, or a module's tensors to train and its dropouts."""
    if isinstance(thing, Tensor):
        return {id(thing)}
    tensors, modules = thing.parameters(), thing.modules()
    return {id(p) for p in tensors if p.requires_grad} | {id(m) for m in modules if isinstance(m, _DropoutNd)}


def _held(value: Any, seen: set[int]) -> Iterator[Tensor | nn.Module]:
    """The tensors to train, and the modules, that a value is or contains."""
    if isinstance(value, Tensor):
        if value.requires_grad and value.is_leaf:
            yield value
    elif isinstance(value, nn.Module):
        yield value
    elif isinstance(value, (list, tuple, dict, set)) and id(value) not in seen:
        seen.add(id(value))
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _held(inner, seen)


def _told(value: Any, lost: Iterable[Tensor | nn.Module]) -> str:
    """What the attribute holds, and what to write instead."""
    modules = all(isinstance(thing, nn.Module) for thing in lost)
    what = "module" if modules else "parameter"
    if isinstance(value, Tensor):
        return "is a tensor to train that is not registered: write nn.Parameter(…), or register_buffer for one to keep"
    if isinstance(value, nn.Module):
        return "is a module that is not registered: assign it as an attribute of the module"
    kind = ("Module" if modules else "Parameter") + ("Dict" if isinstance(value, dict) else "List")
    return f"is a plain {type(value).__name__} that holds a {what}: write nn.{kind}(…)"
