"""Tensors of a checkpoint's files: by memory map, or out of the arrays that another format held."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..arrays import EXTENDED, to_array
from ..checkpoint import WeightFiles
from ..errors import CheckpointError
from ..header import Entry

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "C64": torch.complex64,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def dtype_of(entry: Entry, name: str) -> torch.dtype:
    if entry.dtype not in DTYPES:
        raise CheckpointError(f"{entry.file}: {name}", f"torch has no dtype {entry.dtype}")
    return DTYPES[entry.dtype]


def read_tensors(files: WeightFiles, sources: Mapping[str, str]) -> dict[str, Tensor]:
    """Tensors by memory map: pages are read when they are first used, and written to a copy of one's own."""
    maps: dict[Path, mmap.mmap] = {}
    tensors = {}
    for name, file in sources.items():
        entry = files.entries[file]
        if entry.file not in maps:
            with entry.file.open("rb") as handle:
                maps[entry.file] = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
        tensors[name] = _tensor(maps[entry.file], entry, dtype_of(entry, file))
    return tensors


def _tensor(data: mmap.mmap, entry: Entry, dtype: torch.dtype) -> Tensor:
    if not entry.nbytes:
        return torch.empty(entry.shape, dtype=dtype)
    if entry.start % dtype.itemsize:
        whole = torch.frombuffer(bytearray(data[entry.start : entry.start + entry.nbytes]), dtype=dtype)
    else:
        count = entry.nbytes // dtype.itemsize
        whole = torch.frombuffer(data, dtype=dtype, count=count, offset=entry.start)
    return _straight(whole).view(entry.shape)


def _straight(tensor: Tensor) -> Tensor:
    """A small tensor that lies askew is copied: on the odd address a head would sum in another order."""
    askew = tensor.data_ptr() % 64 and tensor.nbytes <= 65536
    return tensor.clone() if askew else tensor


def as_tensor(name: str, value: Any) -> Tensor:
    """A tensor or an array of NumPy, as a tensor that shares its memory where it can."""
    if isinstance(value, Tensor):
        return value.detach()
    array = to_array(name, value)
    whole = array if array.flags.c_contiguous and array.flags.writeable else array.copy(order="C")
    dtype = array.dtype.name
    if not dtype.startswith(EXTENDED):
        return _straight(torch.from_numpy(whole))
    raw = torch.from_numpy(whole.view("int16" if dtype == "bfloat16" else "int8"))
    return _straight(raw).view(getattr(torch, dtype))
