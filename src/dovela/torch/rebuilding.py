"""A model made out of another: built from a configuration as opening a checkpoint builds it, with the other's weights.

So what a surgery returns is what its own checkpoint will give back. Hooks on the old model are not carried over.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..errors import InputError
from .loading import assign, build_empty
from .model import PreTrainedModel
from .sharing import modules_of, ties
from .surgery_report import SurgeryReport

AGAIN = "A surgery builds the model anew from its configuration: do it first, and exchange parts after."


@dataclass
class Made:
    """What a tensor of the new model is if it has this one's shape, and what to report."""

    how: Literal["cut", "interpolated", "merged", "fresh"]
    tensor: Tensor
    detail: str


def same_name(name: str) -> str | None:
    return name


def rebuild(
    where: str,
    model: PreTrainedModel,
    config: Any,
    *,
    cls: type[PreTrainedModel] | None = None,
    origin: Callable[[str], str | None] = same_name,
    made: Mapping[str, Made] | None = None,
    chosen: frozenset[str] = frozenset(),
) -> tuple[Any, SurgeryReport]:
    """A `cls` (by default the model's own class) of `config`, and the report; the model stays as it is.

    A tensor is as in `made`, or else a copy of the one that `origin` names, if that has its shape, or else drawn.
    `chosen`: optional parts that are as `config` says, and not there or absent as in the model.
    """
    cls, made = cls or type(model), made or {}
    before = _as_built(where, model)
    new = _like(_built(where, cls, config), model, chosen)
    old, state = model.state_dict(keep_vars=True), new.state_dict(keep_vars=True)
    follows = {name: group[0] for group in ties(new) for name in group[1:]}
    report, tensors = SurgeryReport(changed=_changed(model.config, new.config)), dict[str, Tensor]()
    used: set[str | None] = set()
    for name, slot in state.items():
        source = origin(name)
        what = made.get(name)
        if what is not None and what.tensor.shape == slot.shape:
            getattr(report, what.how)[source or name if what.how == "cut" else name] = what.detail
            tensors[name] = what.tensor.detach()
            used.add(source)
        elif source is not None and source in old and old[source].shape == slot.shape:
            report.kept[name] = source
            used.add(source)
            if follows.get(name) not in tensors:
                tensors[name] = old[source].detach().clone()
        else:
            report.fresh[name] = ""
    report.cut |= {name: "" for name in old if name not in used}

    def build() -> nn.Module:
        with torch.device(model.device):
            return _like(cls(config), model, chosen)

    assign(new, tensors, ties(new), build)
    _take_modes(model, new, before, origin)
    return new, report


def check_model(where: str, model: Any) -> None:
    """A surgery is for a dovela model whose weights have values."""
    if not isinstance(model, PreTrainedModel):
        got = model.__name__ if isinstance(model, type) else type(model).__name__
        raise InputError(where, f"expected a model of dovela.PreTrainedModel, got {got}")
    if empty := [name for name, tensor in model.state_dict(keep_vars=True).items() if tensor.is_meta]:
        raise InputError(where, f"{empty[0]} and {len(empty) - 1} more have no values (they are on the meta device)")


def _built(where: str, cls: type[PreTrainedModel], config: Any) -> PreTrainedModel:
    """The model without memory for its weights."""
    asked = list(inspect.signature(cls.__init__).parameters.values())[2:]  # after self, config
    if needed := [p.name for p in asked if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]:
        problem = f"{cls.__name__} cannot be built from a configuration alone: it asks for {', '.join(needed)} too"
        raise InputError(where, problem, hint="Give them defaults, or make them fields of the configuration.")
    return build_empty(cls, config, {})


def _like(new: PreTrainedModel, old: PreTrainedModel, chosen: frozenset[str]) -> PreTrainedModel:
    """Optional parts, which a constructor's arguments decide, are there or not as in `old`."""
    body, own = new.base_model, old.base_model
    for part in set(type(old).optional_parts) - chosen:
        theirs = getattr(own, part, None)
        if hasattr(body, part) and (theirs is None or getattr(body, part) is None):
            setattr(body, part, copy.deepcopy(theirs))
    return new


def _as_built(where: str, model: PreTrainedModel) -> dict[str, Tensor]:
    """What the model's own class makes of its configuration, without values; raises if the model is not like that."""
    twin = _like(_built(where, type(model), model.config.replace()), model, frozenset())
    state, made = model.state_dict(keep_vars=True), twin.state_dict(keep_vars=True)
    kinds = {path: type(module).__name__ for path, module in modules_of(model).items()}
    built = {path: type(module).__name__ for path, module in modules_of(twin).items()}
    problems = [
        f"{path} is {_a(kinds.get(path))}, and its constructor makes {_a(built.get(path))}"
        for path in dict.fromkeys([*kinds, *built])
        if kinds.get(path) != built.get(path)
    ] or [
        f"{name} is {_shape(state.get(name))}, and its constructor makes {_shape(made.get(name))}"
        for name in dict.fromkeys([*state, *made])
        if _shape(state.get(name)) != _shape(made.get(name))
    ]
    if not problems and ties(model) != ties(twin):
        odd = next(
            group for group in (*ties(model), *ties(twin)) if group not in ties(model) or group not in ties(twin)
        )
        problems = [f"{' and '.join(odd)} are one tensor in it or as its constructor makes them, and not in both"]
    if problems:
        more = f" ({len(problems) - 1} more such places)" if len(problems) > 1 else ""
        raise InputError(where, f"the model is not as its class builds it: {problems[0]}{more}", hint=AGAIN)
    return made


def _a(kind: str | None) -> str:
    return "nothing" if kind is None else f"a {kind}"


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else f"of the shape {list(tensor.shape)}"


def _changed(old: Any, new: Any) -> dict[str, tuple[Any, Any]]:
    """Words of the configurations that both have, with values that differ."""
    silent = {"extra", "architectures", "dtype", "torch_dtype", "name_or_path", "id2label"}
    words = {f.name for f in fields(new)} | (set() if type(old) is type(new) else {*new.aliases()})
    found = {w: (getattr(old, w), getattr(new, w)) for w in sorted(words - silent) if hasattr(old, w)}
    return {word: pair for word, pair in found.items() if pair[0] != pair[1]}


def _take_modes(
    old: PreTrainedModel, new: PreTrainedModel, built: Mapping[str, Tensor], origin: Callable[[str], str | None]
) -> None:
    """What trains, is in evaluation mode or is checkpointed, as before; a new module as what is around it."""
    there, here = modules_of(old), modules_of(new)
    for path, module in here.items():
        before = there.get(origin(path) or path)
        module.training = (before or here[path.rpartition(".")[0]]).training
        if (options := getattr(before, "checkpointing", None)) is not None:
            module.checkpointing = copy.copy(options)
    state = old.state_dict(keep_vars=True)
    for name, parameter in new.named_parameters():
        source = origin(name)
        if source in state and state[source].requires_grad != built[source].requires_grad:  # a choice of the user's
            parameter.requires_grad_(state[source].requires_grad)
