"""A model's weights by torch's state names."""

from __future__ import annotations

from typing import Any

from ..leaves import KERAS_LEAVES

Path = tuple[str, ...]


def state(model: Any) -> dict[str, tuple[Path, Any]]:
    """State name -> the words of the path, the model itself left out, and the variable."""
    paths = [tuple(variable.path.split("/")[1:]) for variable in model.weights]
    names = KERAS_LEAVES.by_name(paths, type(model).__name__)
    return {name: (path, variable) for (name, path), variable in zip(names.items(), model.weights, strict=True)}
