"""Columns as arrays of the framework that was asked for."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from ..tensors import KINDS, as_array, from_array, is_tensor
from ..tensors import check_kind as check_kind


def to_tensor(values: Any, kind: str, name: str = "column") -> Any:
    """`values`, a number, a list or rows of equal length, as one array: integers int64 (int32 for jax), floats float32.

    What is an array of that framework already stays as it is.
    """
    import numpy as np

    where = f"BatchEncoding[{name!r}]"
    check_kind(where, kind)
    if is_tensor(values, kind):
        return values
    if isinstance(_leaf(values), int):  # the usual case, and the fast one
        try:
            array = np.asarray(values)
        except ValueError:
            array = np.array(None)
        if array.dtype.kind in "bi":
            return from_array(array, kind)
    lengths = sorted({len(row) for row in values if hasattr(row, "__len__")}) if isinstance(values, list) else []
    if len(lengths) > 1:
        raise InputError(
            where,
            f"rows of lengths {lengths[0]} to {lengths[-1]} make no tensor",
            hint="Call with padding=True (and truncation=True for a maximum).",
        )
    array = as_array(values, where)
    if not array.size or (np.can_cast(array.dtype, np.int64) and array.dtype != bool):
        array = array.astype(np.int64)
    return from_array(array, kind)


def kind_of(values: Any) -> str | None:
    """The framework whose arrays `values` is, or is a list of; None for Python's own numbers."""
    leaf = _leaf(values)
    return next((kind for kind in KINDS if is_tensor(leaf, kind)), None)


def _leaf(values: Any) -> Any:
    while isinstance(values, (list, tuple)) and values:
        values = values[0]
    return values
