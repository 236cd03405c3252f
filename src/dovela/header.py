"""The header of a safetensors file, read without any framework and believed only after it was checked.

The format (github.com/huggingface/safetensors): 8 bytes, little-endian, give the header's length; the header is JSON,
`{name: {"dtype", "shape", "data_offsets": [begin, end]}, "__metadata__": {str: str}}`; the rest is data, which the
tensors must cover without gap or overlap. Whoever maps the file may therefore trust every entry.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .disk import reason
from .errors import CheckpointError

MAX_HEADER = 100_000_000  # bytes, the format's own limit
BITS = {  # of one element, by the format's name of the dtype
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of a file: `dtype` as safetensors spells it ("F32"), `nbytes` of data at byte `start` of the file."""

    file: Path
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    start: int


def read_header(path: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    """(entries by tensor name, metadata) of the safetensors file `path`; CheckpointError if anything in it is false."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(8)
            length = int.from_bytes(head, "little")
            if len(head) < 8 or length > min(size - 8, MAX_HEADER):
                raise _no_safetensors(
                    path, head, f"{size} bytes cannot hold the header of {length} bytes that it announces"
                )
            text = file.read(length)
    except OSError as error:
        raise CheckpointError(str(path), f"cannot be read ({reason(error)})") from error
    if not text.startswith(b"{"):
        raise _no_safetensors(path, head, "the header is not a JSON object")
    try:
        header = json.loads(text.decode(), object_pairs_hook=no_duplicates)
    except (ValueError, RecursionError) as error:
        raise _no_safetensors(path, head, f"the header is not valid JSON ({error})") from error
    metadata = header.pop("__metadata__", {})
    problems = []
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        problems.append("__metadata__ is not a mapping of text to text")
    entries: dict[str, Entry] = {}
    for name, stated in header.items():
        entry = _entry(path, stated, 8 + length)
        if isinstance(entry, str):
            problems.append(f"tensor {name!r}: {entry}")
        else:
            entries[name] = entry
    if not problems:
        problems = _gaps(entries, 8 + length, size)
    if problems:
        raise CheckpointError(
            str(path),
            *problems[:20],
            hint="The file is damaged or was made to deceive; fetch it again from its source.",
        )
    return entries, metadata


def _entry(path: Path, stated: Any, data: int) -> Entry | str:
    """The entry, or what is wrong with it. `data` is where the data begins."""
    if not isinstance(stated, dict) or stated.keys() != {"dtype", "shape", "data_offsets"}:
        return "expected the keys dtype, shape and data_offsets"
    dtype, shape, offsets = stated["dtype"], stated["shape"], stated["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS:
        return f"unknown dtype {dtype!r}"
    if not _naturals(shape):
        return f"shape {shape!r} is not a list of sizes"
    if not _naturals(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        return f"data_offsets {offsets!r} are not [begin, end]"
    nbytes, bits = offsets[1] - offsets[0], math.prod(shape) * BITS[dtype]
    if bits != nbytes * 8:
        return f"{dtype} of shape {shape} takes {bits / 8:g} bytes, but data_offsets {offsets} hold {nbytes}"
    return Entry(path, tuple(shape), dtype, nbytes, data + offsets[0])


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**63 for item in value)


def _gaps(entries: dict[str, Entry], data: int, size: int) -> list[str]:
    """Where the tensors do not cover the data exactly: byte `data` to byte `size` of the file."""
    problems, end, last = [], data, "the header"
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].nbytes)):
        if entry.start != end:
            fault = f"overlaps {last}" if entry.start < end else f"leaves {entry.start - end} bytes unused after {last}"
            problems.append(f"tensor {name!r}: {fault}")
        end, last = max(end, entry.start + entry.nbytes), repr(name)
    if end > size:
        problems.append(f"the file is cut short: {size} bytes, of which the tensors need {end}")
    elif end < size:
        problems.append(f"{size - end} bytes after the last tensor belong to none")
    return problems


def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For `json.loads`: a name that an object gives twice is an error, as nobody can say which one counts."""
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice")
    return result


def _no_safetensors(path: Path, head: bytes, problem: str) -> CheckpointError:
    if head == b"version ":
        return CheckpointError(str(path), "is a Git LFS pointer and not the weights", hint="Run: git lfs pull")
    return CheckpointError(
        str(path),
        f"is not a whole safetensors file: {problem}",
        hint="Fetch it again, or write it with save_pretrained.",
    )
