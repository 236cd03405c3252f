"""Tensors of a checkpoint's files: by memory map, or out of a pickle that holds nothing else."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

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
    # A small tensor that lies askew is copied: on the odd address a head would sum in another order.
    askew = whole.data_ptr() % 64 and whole.nbytes <= 65536
    return (whole.clone() if askew else whole).view(entry.shape)


def unpickle(paths: tuple[Path, ...]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for path in paths:
        try:
            state.update(torch.load(path, map_location="cpu", weights_only=True, mmap=True))
        except Exception as error:  # whatever a broken or hostile pickle raises
            raise CheckpointError(str(path), f"is no pickle of tensors alone ({error})") from error
    return state
