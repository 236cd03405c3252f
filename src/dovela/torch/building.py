"""What happens when a model is built, around its constructor.

The outermost model gets a locked copy of the configuration, which the models inside it share; a backbone that another
model has already may be put in the place of a new one; and what a constructor forgot is an error at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from ..declaring import check_arguments, check_config, no_field
from ..errors import ConfigError
from .forgotten import check_head_parts, check_registered

_building = threading.local()  # config: of the model being built; hollow: without memory inside; shared: see `sharing`


class Building(type):
    """The type of every model class."""

    def __call__(cls, config: Any, *args: Any, **kwargs: Any) -> Any:
        check_config(cls, config)
        check_arguments(cls, kwargs, "Call torch.manual_seed(seed) before.")
        outer = getattr(_building, "config", None)
        if config is outer:  # a model inside another
            with torch.device("meta") if getattr(_building, "hollow", False) else nullcontext():
                model = _shared(cls, config, args, kwargs)
                return _construct(cls, config, args, kwargs) if model is None else model
        _building.config = config = config.locked()
        try:
            model = _construct(cls, config, args, kwargs)
        finally:
            _building.config = outer
        check_registered(model)
        check_head_parts(model)
        return model


def _construct(cls: Any, config: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The model, or an error that says so if its constructor does not call the one above it with the configuration."""
    model, why = cls.__new__(cls, config, *args, **kwargs), None
    try:
        model.__init__(config, *args, **kwargs)
    except (AttributeError, TypeError) as error:
        if isinstance(error, AttributeError) and error.obj is config:
            raise no_field(cls, config, str(error.name)) from error
        if "_modules" in vars(model) or "__init__" not in str(error):
            raise
        why = error
    if not vars(model).keys() >= {"_modules", "config"}:
        raise ConfigError(
            f"{cls.__name__}.__init__",
            "does not call the constructor above it with the configuration",
            hint="Begin it with: super().__init__(config)",
        ) from why
    return model


@contextmanager
def hollow() -> Iterator[None]:
    """Within it the models inside a model get no memory: to have the values of what is around them cheaply."""
    _building.hollow = True
    try:
        yield
    finally:
        _building.hollow = False


@contextmanager
def sharing(cls: type, backbone: nn.Module, complete: Callable[[nn.Module, Callable[[], Any]], None]) -> Iterator[None]:
    """Within it the first model that a `cls` builds inside itself, of the backbone's class, is the backbone itself.

    `complete(backbone, build)` may look at what would have been built otherwise. Raises if nothing took it.
    """
    _building.shared = backbone, complete
    try:
        yield
        if _building.shared is not None:
            problem = f"its constructor builds no {type(backbone).__name__} that could be shared"
            hint = "Derive the class from dovela.torch.HeadedModel, or build the base model in its constructor."
            raise ConfigError(f"with_head({cls.__name__})", problem, hint=hint)
    finally:
        _building.shared = None


def _shared(cls: type, config: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The backbone that waits for its place in this model, if there is one of this class."""
    backbone, complete = getattr(_building, "shared", None) or (None, None)
    if complete is None or not isinstance(backbone, cls):
        return None
    _building.shared = None
    complete(backbone, lambda: _construct(cls, config, args, kwargs))
    return backbone
