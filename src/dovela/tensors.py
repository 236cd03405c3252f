"""Numbers as arrays of the framework that was asked for, which is imported then and not before."""

from __future__ import annotations

import importlib
from typing import Any

from .errors import InputError, MissingBackend, suggest

KINDS = {"np": "numpy", "pt": "torch", "jax": "jax", "tf": "tensorflow"}


def check_kind(where: str, kind: Any) -> None:
    """An InputError where `kind` (return_tensors) is neither None nor a key of KINDS."""
    if kind is not None and not (isinstance(kind, str) and kind in KINDS):
        raise InputError(
            where,
            f"return_tensors={kind!r} is not known{suggest(str(kind), KINDS)}",
            hint=f"Choose from {', '.join(map(repr, KINDS))}, or leave it out for lists.",
        )


def is_tensor(value: Any, kind: str) -> bool:
    """Whether `value` is an array of the framework `kind`, which it does not import."""
    package = type(value).__module__.partition(".")[0]
    return hasattr(value, "shape") and package in {KINDS[kind], "jaxlib" if kind == "jax" else KINDS[kind]}


def as_array(values: Any, where: str) -> Any:
    """`values` as one numpy array that keeps the dtype of arrays; Python's floats become float32, its integers int64.

    Rows of unequal shapes and what is no number are an InputError.
    """
    import numpy as np

    try:
        array = values if isinstance(values, np.ndarray) else np.asarray(_on_host(where, values))
    except (ValueError, TypeError, OverflowError) as error:
        shapes = sorted({np.shape(row) for row in values}) if _is_list(values) and _all_arrays(values) else []
        if len(shapes) < 2:
            lengths = sorted({len(row) for row in values if hasattr(row, "__len__")}) if _is_list(values) else []
            shapes = [(length,) for length in lengths]
        if len(shapes) > 1:
            raise InputError(
                where,
                f"rows of shapes {shapes[0]} to {shapes[-1]} make no tensor",
                hint="Bring them to one shape first (padding=True, or a size), or leave return_tensors out.",
            ) from error
        raise InputError(where, f"makes no tensor ({error})") from error
    if array.dtype.kind not in "biufc":
        raise InputError(where, f"holds {_described(values)}, of which there are no tensors")
    if array.dtype == np.float64 and not _has_dtype(values):
        array = array.astype(np.float32)
    return array


def is_foreign(value: Any) -> bool:
    """Whether `value` is an array of a framework, torch, jax or tensorflow, on any device."""
    return hasattr(value, "shape") and any(is_tensor(value, kind) for kind in ("pt", "jax", "tf"))


def on_host(where: str, array: Any) -> Any:
    """A framework's array as a numpy array, which shares memory with it where it can; bfloat16 as float32.

    InputError for what no array can hold: a tensor on the device "meta", a sparse one, one that is only traced, ….
    """
    import numpy as np

    if is_tensor(array, "pt"):
        return _from_torch(where, array)
    try:
        values = np.asarray(array)
    except Exception as error:  # jax's and tensorflow's own, which are not imported here
        kind, why = type(array).__name__, str(error).partition("\n")[0]
        hint = "Within jax.jit, jax.grad or tf.function there are no values yet: do this before."
        raise InputError(where, f"{kind} cannot be read as an array ({why})", hint=hint) from error
    return values.astype(np.float32) if values.dtype.name == "bfloat16" else values  # numpy has none of its own


def _from_torch(where: str, tensor: Any) -> Any:
    tensor = tensor.detach()
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    try:
        return tensor.cpu().numpy()
    except (RuntimeError, TypeError) as error:
        kind = f"{tensor.dtype}, {tensor.layout}, on {str(tensor.device)!r}"
        raise InputError(where, f"a tensor ({kind}) cannot be read as an array ({error})") from error


def from_array(array: Any, kind: str) -> Any:
    """A numpy array as a tensor of `kind`; torch shares its memory.

    jax has 32 bits unless told otherwise, and TensorFlow's whole numbers are int32, which exported graphs insist on.
    """
    if kind == "np":
        return array
    package = KINDS[kind]
    try:
        if kind == "pt":
            torch = importlib.import_module(package)
            return torch.from_numpy(array if array.flags.writeable and _goes_forward(array) else array.copy())
        if kind == "jax":
            short = {"int64": "int32", "uint64": "uint32", "float64": "float32"}.get(array.dtype.name)
            return importlib.import_module("jax.numpy").asarray(array.astype(short) if short else array)
        return importlib.import_module(package).constant(
            array.astype("int32") if array.dtype.name == "int64" else array
        )
    except ModuleNotFoundError as error:
        how = 'pip install "dovela[torch]"' if kind == "pt" else f"pip install {package}"
        raise MissingBackend(
            f"return_tensors={kind!r}", f"needs the package {package!r}, which is not installed", hint=f"Run: {how}"
        ) from error


def _goes_forward(array: Any) -> bool:
    return all(stride >= 0 for stride in array.strides)  # torch knows no other strides


def _is_list(values: Any) -> bool:
    return isinstance(values, (list, tuple))


def _all_arrays(values: Any) -> bool:
    return all(hasattr(row, "shape") for row in values)


def _has_dtype(values: Any) -> bool:
    """Whether the dtype was somebody's choice: of an array, or of the arrays in a list."""
    while _is_list(values) and values:
        values = values[0]
    return hasattr(values, "dtype")


def _on_host(where: str, values: Any) -> Any:
    """A framework's arrays, inside of lists too, as numpy's, which would refuse some."""
    if _is_list(values):
        return [_on_host(where, value) for value in values]
    return on_host(where, values) if is_foreign(values) else values


def _described(values: Any) -> str:
    while _is_list(values) and values:
        values = values[0]
    return f"{type(values).__name__} ({values!r})" if not hasattr(values, "dtype") else f"values of {values.dtype}"
