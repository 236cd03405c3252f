"""The model class for a task: one that is registered, or a head on the base model, where either is one's own."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ..config import PretrainedConfig
from ..errors import RegistryError, suggest
from ..parts import HEADS, MODELS

BASE = "base"  # the task of a model without a head
_BUILT_IN = frozenset(HEADS.names())  # the others come by `register_head`, whose module imports this one


def model_class(config: type[PretrainedConfig], task: str) -> Any:
    """The class that does `task` for the models of a configuration's type, or None.

    A class that somebody defined counts before one that is made of the base model and a head. None is made of two that
    are built in: those model types have the heads that they have.
    """
    name = f"{config.model_type}/{task}"
    if name in MODELS:
        return MODELS.get(name)
    base = _base(config)
    if base is None:  # a configuration of one's own needs no class: those of the type it is derived from take it
        above: Any = next((cls for cls in config.__mro__[1:] if vars(cls).get("model_type")), None)
        return None if above is None else model_class(above, task)
    if task not in HEADS or (task in _BUILT_IN and is_builtin(base)):
        return None
    head = HEADS.get(task)
    return with_backbone(head, base, task) if head.main_input_name == base.main_input_name else None


def model_classes(config: type[PretrainedConfig]) -> list[Any]:
    """Every class that `model_class` may give."""
    kinds = tuple(f"{kind}/" for cls in config.__mro__ if (kind := vars(cls).get("model_type")))
    tasks = {name.partition("/")[2] for name in MODELS.names() if name.startswith(kinds)} | set(HEADS.names())
    found = (model_class(config, task) for task in sorted(tasks))
    return [cls for cls in found if cls is not None]


def no_model(where: str, config: type[PretrainedConfig], task: str, *, advice: str = "") -> RegistryError:
    """The error for a task that no class does; `advice`: what else to do about it."""
    tasks = [cls.task for cls in model_classes(config)]
    hint = f"It has: {', '.join(tasks) or 'none that is imported'}{suggest(task, tasks)}"
    return RegistryError(
        f"{where} for {config.model_type!r}",
        f"it has no model for the task {task!r}",
        hint=f"{hint}{'' if hint.endswith('?') else '.'} {advice or 'A class of your own must be imported first.'}",
    )


def _base(config: type[PretrainedConfig]) -> Any:
    """The base model of a type, or None."""
    name = f"{config.model_type}/{BASE}"
    return MODELS.get(name) if name in MODELS else None


def is_builtin(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "dovela"


@cache
def with_backbone(head: Any, base: Any, task: str) -> Any:
    """The class of `head` on `base`, named as one would: NearModel and MaskedLM make NearForMaskedLM.

    It is registered nowhere, so that a class which is defined later takes its place without a clash. Its module is
    that of the head, or of the base under a built-in one: whoever imports it has the class again.
    """
    body = {
        "__doc__": f"`{head.__name__}` on `{base.__name__}`.",
        "__module__": (base if is_builtin(head) else head).__module__,
        "__reduce_ex__": lambda model, protocol: (_blank, (head, base, task), model.__dict__),
        "backbone_class": base,
        "config_class": base.config_class,
        "optional_parts": base.optional_parts,
        "task": task,
        "weight_map": base.weight_map,
    }
    does = re.sub(r"^.+For(?=[A-Z])", "", head.__name__)  # of a head that has a backbone already
    return type(head)(f"{base.__name__.removesuffix('Model')}For{does}", (head,), body)


def _blank(head: Any, base: Any, task: str) -> Any:
    """An instance whose attributes come from a pickle or a copy."""
    cls = with_backbone(head, base, task)
    return cls.__new__(cls)
