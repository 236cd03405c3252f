"""What calling a feature extractor or a processor returns: arrays by name."""

from __future__ import annotations

import sys
from collections import UserDict
from collections.abc import Mapping
from typing import Any, Self

from .errors import InputError
from .tensors import as_array, check_kind, from_array, is_tensor


class BatchFeature(UserDict[str, Any]):
    """Columns by name: `batch["pixel_values"]`, `batch.pixel_values`; a model takes it as `model(**batch)`."""

    def __init__(self, data: Mapping[str, Any] | None = None, tensor_type: str | None = None) -> None:
        """`tensor_type`: turn every column into a tensor at once, as `convert_to_tensors` does."""
        super().__init__()
        if data is not None and not isinstance(data, Mapping):
            raise InputError(type(self).__name__, f"expected columns by name, got {type(data).__name__}")
        self.data = dict(data or {})
        self.convert_to_tensors(tensor_type)

    def __getitem__(self, name: str) -> Any:
        if isinstance(name, str) and name in self.data:
            return self.data[name]
        raise KeyError(f"{name!r} is not in this {type(self).__name__}, which has {', '.join(self.data) or 'nothing'}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "data" or name not in self.data:  # "data": while it is being unpickled
            raise AttributeError(f"{type(self).__name__} has no attribute or column {name!r}")
        return self.data[name]

    def __repr__(self) -> str:
        return repr(self.data)

    def convert_to_tensors(self, tensor_type: str | None = None) -> Self:
        """Turn every column into a tensor: "np", "pt", "jax" or "tf". In place, and returned.

        Arrays keep their dtype; Python's floats become float32 and its integers int64. What makes no tensor, as rows
        of unequal length, is an InputError that names the column.
        """
        check_kind(type(self).__name__, tensor_type)
        if tensor_type is not None:
            where = type(self).__name__
            made = {
                name: column
                if is_tensor(column, tensor_type)
                else from_array(as_array(column, f"{where}[{name!r}]"), tensor_type)
                for name, column in self.data.items()
            }
            self.data = made
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move every torch tensor, and cast those of floats. In place, and returned.

        Takes what `torch.Tensor.to` takes: a device, a dtype, both, `non_blocking`. Integers and booleans (labels,
        masks) are moved and never cast; what is no tensor stays as it is.
        """
        torch = sys.modules.get("torch")
        if torch is None or not any(isinstance(part, torch.Tensor) for part in _parts(self.data)):
            raise InputError(
                f"{type(self).__name__}.to", "there is no torch tensor to move", hint='Ask for return_tensors="pt".'
            )
        # Without the dtype: for tensors that are not of floats.
        device_args = tuple(arg for arg in args if not isinstance(arg, torch.dtype))
        device_kwargs = {name: value for name, value in kwargs.items() if name != "dtype"}

        def moved(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                if value.is_floating_point() or value.is_complex():
                    return value.to(*args, **kwargs)
                return value.to(*device_args, **device_kwargs) if device_args or device_kwargs else value
            return type(value)(map(moved, value)) if type(value) in (list, tuple) else value

        self.data = {name: moved(value) for name, value in self.data.items()}
        return self


def _parts(data: Mapping[str, Any]) -> list[Any]:
    """The columns, and what lists of tensors hold."""
    found: list[Any] = []
    waiting = list(data.values())
    while waiting:
        value = waiting.pop()
        if isinstance(value, (list, tuple)):
            waiting.extend(value)
        else:
            found.append(value)
    return found
