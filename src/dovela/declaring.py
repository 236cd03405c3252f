"""What a model class has to say about itself, and where it is then found, the same in every framework."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from .config import PretrainedConfig
from .errors import ConfigError, RegistryError, suggest
from .registry import Registry


def register_model(cls: Any, models: Registry[Any]) -> None:
    """Let Auto find the class by its configuration's type and its task."""
    config: Any = cls.config_class
    if not isinstance(config, type) or not issubclass(config, PretrainedConfig) or config is PretrainedConfig:
        got = config.__name__ if isinstance(config, type) else f"an instance of {type(config).__name__}"
        problem = "names no configuration class"
        problem += "" if config is PretrainedConfig else f": config is {got}"
        raise ConfigError(cls.__name__, problem, hint=f"Write: class {cls.__name__}(…, config=YourConfig)")
    if not vars(config).get("model_type"):
        hint = f'Write: class {config.__name__}(…, model_type="a-new-name")'
        raise ConfigError(cls.__name__, f"its configuration {config.__name__} has no model type of its own", hint=hint)
    try:
        models.register(f"{config.model_type}/{cls.task}", cls)
    except RegistryError as error:
        raise RegistryError(
            error.where,
            *error.problems,
            hint=f"Each model type has one class for a task. Give {cls.__name__} another task=…, or a configuration "
            "with a model_type of its own. To derive a class without registering it, leave config, task, backbone out.",
        ) from None


def check_config(cls: Any, config: Any) -> None:
    """A ConfigError where a model class is built from anything but a configuration of its own class."""
    expected = cls.config_class
    if expected is PretrainedConfig:
        needed = "backbone=YourModel" if hasattr(cls, "backbone_options") else "config=YourConfig"
        hint = f"Write: class {cls.__name__}(…, {needed})"
        raise ConfigError(cls.__name__, "names no configuration class", hint=hint)
    if isinstance(config, expected):
        return
    hint = f"{cls.__name__}.from_pretrained opens a checkpoint." if isinstance(config, (str, Path)) else ""
    if type(config).__name__ == expected.__name__:
        hint = f"{expected.__name__} was defined again since: define {cls.__name__} again too."
    got = type(config).__name__
    if isinstance(config, type):
        got, hint = f"the class {config.__name__}", f"Call it first: {cls.__name__}({config.__name__}())."
    raise ConfigError(f"{cls.__name__}(config)", f"expected a {expected.__name__}, got {got}", hint=hint)


def put_on(cls: Any, backbone: Any, base: type, arguments: dict[str, Any], *, called: str, hint: str) -> dict[str, Any]:
    """What `class …(backbone=…)` of a head means: it takes after the backbone. The class arguments to go on with.

    base: what a backbone is derived from; called: how messages name that; hint: how a class gets a task
    """
    if not isinstance(backbone, type) or not issubclass(backbone, base):
        got = backbone.__name__ if isinstance(backbone, type) else repr(backbone)
        raise ConfigError(cls.__name__, f"backbone={got} is no {called}", hint=f"It is derived from {base.__name__}.")
    given: Any = backbone
    cls.backbone_class, cls.weight_map = given, given.weight_map
    cls.optional_parts, cls.main_input_name = given.optional_parts, given.main_input_name
    task = arguments.get("task", cls.task)
    if not task:
        raise ConfigError(cls.__name__, "has no task, which tells a model with a head from the one without", hint=hint)
    return {**arguments, "config": given.config_class, "task": task}


def check_arguments(cls: Any, kwargs: Any, seeding: str) -> None:
    """A ConfigError for what a constructor does not take. `seeding`: how weights are drawn from a seed of one's own."""
    parameters = inspect.signature(cls.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    known = [name for name in parameters if name not in ("self", "config", "parent")]
    for name in kwargs:
        if name not in known:
            takes = f"It takes {', '.join(['the configuration', *known])}."
            problem = f"there is no argument {name!r}{suggest(name, known)}"
            raise ConfigError(f"{cls.__name__}(config, …)", problem, hint=seeding if name == "seed" else takes)


def no_field(cls: type, config: Any, name: str) -> ConfigError:
    """The error for a constructor that reads a field that the configuration has not."""
    problem = f"reads {name!r}, which {type(config).__name__} has not"
    problem += suggest(name, [*config.field_names(), *dir(type(config))])
    hint = "Give the configuration a field of that name, or an Alias of another one."
    return ConfigError(f"{cls.__name__}(config)", problem, hint=hint)
