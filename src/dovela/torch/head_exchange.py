"""Another head on a model that is there: the backbone is shared, and nothing is loaded or copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from ..config_links import head_fields, link
from ..errors import ConfigError, InputError
from ..notices import notice
from ..parts import HEADS
from .building import sharing
from .model_classes import BASE, is_builtin, model_class, no_model, with_backbone

if TYPE_CHECKING:
    from .model import PreTrainedModel


def with_head(model: PreTrainedModel, head: Any, changes: Mapping[str, Any]) -> PreTrainedModel:
    """See `PreTrainedModel.with_head`."""
    backbone = _backbone(model)
    cls = _class_for(backbone, head)
    expected = getattr(cls, "backbone_class", None)
    if expected not in (None, type(backbone)) and isinstance(backbone, expected):  # derived from it, and not registered
        cls = with_backbone(cls, cast(Any, type(backbone)), cls.task)
    config = model.config.replace(**changes)
    _check_changes(model, config)

    def complete(backbone: nn.Module, build: Callable[[], nn.Module]) -> None:
        _complete(backbone, build, f"{cls.__name__} on {type(backbone).__name__}")

    with sharing(cls, backbone, complete), torch.device(backbone.device):
        new = cls(config)
    _follow(new, backbone)
    link(backbone.config, new.config)
    own = head_fields(type(config))
    new.config.update({name: getattr(config, name) for name in _differing(model.config, config) - own})
    return new  # type: ignore[no-any-return]


def _backbone(model: PreTrainedModel) -> Any:
    """The model without a head that `model` keeps or is."""
    from .model import PreTrainedModel

    if model.task == BASE:
        return model
    backbone = getattr(model, "backbone", None)
    if not isinstance(backbone, PreTrainedModel):
        raise InputError(
            f"{type(model).__name__}.with_head",
            "the model keeps none without a head as its `backbone`, so there is none to share",
            hint="Write a base model (a class with config=… and no task) and derive the head from "
            "dovela.torch.HeadedModel.",
        )
    return backbone


def _class_for(backbone: PreTrainedModel, head: Any) -> Any:
    """The model class of a task, of a head class or a model class, for this backbone."""
    from .heads import HeadedModel
    from .model import PreTrainedModel

    config, where = type(backbone.config), f"{type(backbone).__name__}.with_head"
    if head == BASE:
        raise InputError(where, "the task 'base' has no head", hint="model.base_model is the model without one.")
    if isinstance(head, str):
        cls = model_class(config, head)
        registered = HEADS.get(head) if cls is None and head in HEADS else None
        if cls is None and (registered is None or is_builtin(registered)):
            raise no_model("with_head", config, head, advice="Or give a head class of your own.")
        if cls is not None:
            return cls
        head = registered  # of the user's own, so that it goes on built-in models too
    if not isinstance(head, type) or not issubclass(head, PreTrainedModel):
        raise InputError(where, f"expected a task, as 'sequence-classification', or a head class, got {head!r}")
    if issubclass(head, HeadedModel) and not hasattr(head, "backbone_class"):
        if head.main_input_name != backbone.main_input_name:
            given, read = head.main_input_name, backbone.main_input_name
            raise InputError(where, f"{head.__name__} passes {given} on, and {type(backbone).__name__} reads {read}")
        registered = model_class(config, head.task)
        shaped = registered is not None and issubclass(registered, head)  # as the architecture shapes this head
        return registered if shaped else with_backbone(head, type(backbone), head.task)
    if not isinstance(backbone.config, head.config_class):
        expected, got = head.config_class.__name__, config.__name__
        raise InputError(where, f"{head.__name__} is built from a {expected}, and this model has a {got}")
    return head


def _differing(old: Any, new: Any) -> set[str]:
    return {f.name for f in fields(old) if getattr(old, f.name) != getattr(new, f.name)}


def _check_changes(model: PreTrainedModel, config: Any) -> None:
    """Refuse what shapes the backbone, which is there already."""
    cls = type(config)
    runtime = {field.name for field in fields(config) if "runtime" in field.metadata}
    fixed = _differing(model.config, config) - head_fields(cls) - runtime
    if fixed:
        raise ConfigError(
            f"{type(model).__name__}.with_head",
            *(
                f"{name}: the backbone is built with {getattr(model.config, name)!r} and shared"
                for name in sorted(fixed)
            ),
            hint="Build another one with model.config.replace(…), or change this one with change_parts(…). A field "
            f"that your head alone reads is named in {cls.__name__}.head_fields.",
        )


def _complete(backbone: nn.Module, build: Callable[[], nn.Module], where: str) -> None:
    """Give the backbone the parts that the new class would have built it with, and that it was built without."""
    try:
        with torch.device("meta"):
            wanted = build()
    except Exception:  # its constructor needs values
        wanted = build()
    parts = {name.partition(".")[0] for name in wanted.state_dict().keys() - backbone.state_dict().keys()}
    absent = sorted(part for part in parts if getattr(backbone, part, None) is None)
    if other := sorted(parts - {*absent}):
        raise ConfigError(where, f"the backbone is built otherwise in {', '.join(other)}")
    if absent:
        real = build()
        for part in absent:
            setattr(backbone, part, _moved(getattr(real, part), backbone))
        are = "is" if len(absent) == 1 else "are"
        notice(f"{where}: {', '.join(absent)} of the backbone {are} new and untrained")


def _follow(new: PreTrainedModel, backbone: PreTrainedModel) -> None:
    """The head's device, dtype and mode are the backbone's; the backbone is left as it is."""
    kept = {id(tensor) for tensor in (*backbone.parameters(), *backbone.buffers())}
    inside = {id(module) for module in backbone.modules()}
    for module in new.modules():
        if id(module) not in inside:
            module._apply(  # type: ignore[no-untyped-call]
                lambda t: t if id(t) in kept else _like(t, backbone), recurse=False
            )
            module.training = backbone.training


def _moved(part: Any, backbone: Any) -> Any:
    """A module or a parameter, as the backbone is."""
    if isinstance(part, nn.Module):
        return part.to(backbone.device, backbone.dtype).train(backbone.training)
    return nn.Parameter(_like(part.detach(), backbone)) if isinstance(part, nn.Parameter) else _like(part, backbone)


def _like(tensor: Tensor, backbone: Any) -> Tensor:
    return tensor.to(backbone.device, backbone.dtype if tensor.is_floating_point() else tensor.dtype)
