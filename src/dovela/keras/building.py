"""What happens when a model is built, around its constructor.

The outermost model gets a locked copy of the configuration, which the models inside it share, and the dtype policy that
it was asked for, which every layer inside it takes. Then all weights are made at once, under paths that follow torch's
names: a file can be read, or written, before anything is computed.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from ..declaring import check_arguments, check_config, no_field
from ..errors import ConfigError, InputError

_building = threading.local()  # config: of the model being built


class Building(type(keras.Model)):  # type: ignore[misc]
    """The type of every model class."""

    def __call__(cls, config: Any, *args: Any, dtype: Any = None, name: str | None = None, **kwargs: Any) -> Any:
        check_config(cls, config)
        check_arguments(cls, kwargs, "Call keras.utils.set_random_seed(seed) before.")
        outer = getattr(_building, "config", None)
        if config is outer:  # a model inside another, which builds it
            return _construct(cls, config, args, kwargs)
        _building.config = config = config.locked()
        try:
            with policy(dtype):
                model = _construct(cls, config, args, kwargs)
                model.arguments = _arguments(cls, args, kwargs)
                if name is not None:
                    model.name = name
                model.build()
        finally:
            _building.config = outer
        return model


@contextmanager
def policy(dtype: Any) -> Iterator[None]:
    """Within it layers take this dtype policy where they are given none; None: the one that is set for all."""
    before = keras.config.dtype_policy()
    if dtype is not None:
        try:
            keras.config.set_dtype_policy(dtype)
        except (ValueError, TypeError) as error:
            problem = f"expected a dtype policy of Keras or its name, got {dtype!r}"
            raise InputError("dtype", problem, hint='As "float32", "mixed_float16" or "mixed_bfloat16".') from error
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _construct(cls: Any, config: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The model, or an error that says so if its constructor does not call the one above it with the configuration."""
    try:
        model = type.__call__(cls, config, *args, **kwargs)
    except AttributeError as error:  # of the configuration's
        if error.obj is not config or error.name is None:
            raise
        raise no_field(cls, config, error.name) from error
    if "config" not in vars(model):
        raise ConfigError(
            f"{cls.__name__}.__init__",
            "does not call the constructor above it with the configuration",
            hint="Begin it with: super().__init__(config)",
        )
    return model


def _arguments(cls: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What the constructor was given beside the configuration: a `.keras` file needs it to make the model again."""
    bound = inspect.signature(cls.__init__).bind(None, None, *args, **kwargs).arguments
    return dict(list(bound.items())[2:])
