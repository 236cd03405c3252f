"""What a model class has to say about itself, and where it is then found, the same in every framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .config import PretrainedConfig
from .errors import ConfigError, RegistryError
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
