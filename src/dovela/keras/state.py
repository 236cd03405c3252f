"""A model's weights by torch's state names."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigError
from ..leaves import KERAS_LEAVES

Path = tuple[str, ...]


def state(model: Any) -> dict[str, tuple[Path, Any]]:
    """State name -> the words of the path, the model itself left out, and the variable."""
    found: dict[str, tuple[Path, Any]] = {}
    for variable in model.weights:
        path = tuple(variable.path.split("/")[1:])
        name = KERAS_LEAVES.name(path)
        if name in found:
            problem = f"two weights are called {name!r}, so that no file could tell them apart"
            raise ConfigError(type(model).__name__, problem, hint="Keep each layer under an attribute of its own.")
        found[name] = path, variable
    return found
