"""Arrays of NumPy out of safetensors files, by memory map, and out of whatever a caller holds."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import CheckpointError, InputError, MissingBackend
from .header import Entry
from .tensors import is_tensor

if TYPE_CHECKING:
    import numpy as np

DTYPES = {  # the format's name -> NumPy's, or that of `ml_dtypes`
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
EXTENDED = ("bfloat16", "float8_")  # what these begin with, NumPy itself has not


def dtype_named(where: str, name: str) -> np.dtype[Any]:
    """NumPy's dtype of a name; bfloat16 and the floats of 8 bits are those of `ml_dtypes`."""
    import numpy as np

    if not name.startswith(EXTENDED):
        return np.dtype(name)
    try:
        import ml_dtypes
    except ModuleNotFoundError as error:
        problem = f"is {name}, for which NumPy needs the package 'ml_dtypes', which is not installed"
        raise MissingBackend(where, problem, hint="Run: pip install ml_dtypes") from error
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype


def read_arrays(entries: Mapping[str, Entry], sources: Mapping[str, str]) -> dict[str, Any]:
    """Arrays by memory map: pages are read when they are first used, and written to a copy of one's own.

    `sources` says which entry to read under which name.
    """
    maps: dict[Path, mmap.mmap] = {}
    arrays = {}
    for name, source in sources.items():
        entry = entries[source]
        if entry.dtype not in DTYPES:
            raise CheckpointError(f"{entry.file}: {source}", f"NumPy has no dtype {entry.dtype}")
        dtype = dtype_named(f"{entry.file}: {source}", DTYPES[entry.dtype])
        arrays[name] = mapped(maps, entry.file, dtype, entry.shape, entry.start)
    return arrays


def mapped(maps: dict[Path, mmap.mmap], file: Path, dtype: np.dtype[Any], shape: tuple[int, ...], start: int) -> Any:
    """The array at byte `start` of a file; `maps` keeps the files that are mapped already."""
    import numpy as np

    array: Any = np.empty(shape, dtype)
    if not array.size:
        return array
    if file not in maps:
        with file.open("rb") as handle:
            maps[file] = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
    array = np.frombuffer(maps[file], dtype, count=array.size, offset=start).reshape(shape)
    return array if start % dtype.itemsize == 0 else array.copy()


def to_array(name: str, value: Any) -> Any:
    """A tensor of NumPy, torch or JAX as NumPy's, in its own dtype."""
    import numpy as np

    if is_tensor(value, "pt"):
        value = value.detach().cpu()
        kind = str(value.dtype).removeprefix("torch.")
        if not kind.startswith(EXTENDED):
            return value.numpy()
        import torch

        raw = value.contiguous().view(torch.int16 if kind == "bfloat16" else torch.int8)
        return raw.numpy().view(dtype_named(name, kind))
    array = np.asarray(value)
    if array.dtype.kind == "O":
        raise InputError(f"state_dict[{name!r}]", f"expected an array, got {type(value).__name__}")
    return array


def is_floating(array: Any) -> bool:
    return bool(array.dtype.kind == "f" or array.dtype.name.startswith(EXTENDED))


def same(one: Any, other: Any) -> bool:
    """Whether two arrays have the same values."""
    return bool(one.shape == other.shape and (one == other).all())
