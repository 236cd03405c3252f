"""Lists of integers as arrays of the framework that was asked for, which is imported then and not before."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import InputError, MissingBackend, suggest

KINDS = {"np": "numpy", "pt": "torch", "jax": "jax", "tf": "tensorflow"}


def check_kind(where: str, kind: str | None) -> None:
    if kind is not None and kind not in KINDS:
        raise InputError(
            where,
            f"return_tensors={kind!r} is not known{suggest(str(kind), KINDS)}",
            hint=f"Choose from {', '.join(map(repr, KINDS))}, or leave it out for lists.",
        )


def to_tensor(values: Any, kind: str, name: str = "column") -> Any:
    """`values`, an integer, a list or rows of equal length, as an int64 array (int32 for jax)."""
    import numpy as np

    check_kind("BatchEncoding", kind)
    try:
        array = np.asarray(values, dtype=np.int64)
    except (ValueError, TypeError, OverflowError) as error:
        lengths = sorted({len(row) for row in values if hasattr(row, "__len__")}) if hasattr(values, "__iter__") else []
        why = f"rows of lengths {lengths[0]} to {lengths[-1]} make no tensor" if len(lengths) > 1 else str(error)
        hint = "Call with padding=True (and truncation=True for a maximum)." if len(lengths) > 1 else ""
        raise InputError(f"BatchEncoding[{name!r}]", why, hint=hint) from error
    if kind == "np":
        return array
    package = KINDS[kind]
    try:
        if kind == "pt":
            return importlib.import_module(package).from_numpy(array)
        if kind == "jax":  # whose integers have 32 bits unless told otherwise
            return importlib.import_module("jax.numpy").asarray(array.astype(np.int32))
        return importlib.import_module(package).constant(array)
    except ModuleNotFoundError as error:
        how = 'pip install "dovela[torch]"' if kind == "pt" else f"pip install {package}"
        raise MissingBackend(
            f"return_tensors={kind!r}", f"needs the package {package!r}, which is not installed", hint=f"Run: {how}"
        ) from error
