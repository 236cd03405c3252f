"""Writing a shard of token ids: to temporary files, which get their names when they are whole and on the disk."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..disk import flush
from ..errors import MissingBackend

if TYPE_CHECKING:
    from .corpus_workers import Encoded

TMP = ".tmp"
HEADER = 128  # bytes of an .npy file before its data; fixed, since the number of items is known last


class NpyShard:
    """`ids-00000.npy`, (T,) the ids of all documents in a row, and `offsets-00000.npy`, (D + 1,) int64: document i is
    ids[offsets[i] : offsets[i + 1]]."""

    def __init__(self, folder: Path, number: int, dtype: str) -> None:
        import numpy as np

        self.names = [f"ids-{number:05}.npy", f"offsets-{number:05}.npy"]
        self._dtype, self._tokens, self._documents = np.dtype(dtype), 0, 0
        self._ids, self._offsets = ((folder / (name + TMP)).open("wb") for name in self.names)
        for stream in (self._ids, self._offsets):
            stream.write(bytes(HEADER))
        self._offsets.write(bytes(8))

    def add(self, encoded: Encoded) -> None:
        ends = encoded.lengths.cumsum() + self._tokens
        self._ids.write(encoded.ids.astype(self._dtype.newbyteorder("<"), copy=False).data)
        self._offsets.write(ends.astype("<i8", copy=False).data)
        self._tokens += len(encoded.ids)
        self._documents += len(encoded.lengths)

    def finish(self) -> None:
        for stream, dtype, count in (
            (self._ids, self._dtype.newbyteorder("<").str, self._tokens),
            (self._offsets, "<i8", self._documents + 1),
        ):
            stream.seek(0)
            stream.write(npy_header(dtype, count))
            stream.close()

    def close(self) -> None:
        _close(self._ids, self._offsets)


class ArrowShard:
    """`tokens-00000.arrow`: an Arrow IPC stream, as `datasets` maps it, with one column `input_ids` of lists."""

    def __init__(self, folder: Path, number: int, dtype: str) -> None:
        pa = pyarrow()
        self.names = [f"tokens-{number:05}.arrow"]
        self._schema = pa.schema({"input_ids": pa.list_(pa.type_for_alias(dtype))})
        self._stream = (folder / (self.names[0] + TMP)).open("wb")
        self._writer = pa.ipc.new_stream(self._stream, self._schema)

    def add(self, encoded: Encoded) -> None:
        import numpy as np

        pa = pyarrow()
        offsets = np.concatenate([[0], encoded.lengths.cumsum()]).astype(np.int32)
        rows = pa.ListArray.from_arrays(pa.array(offsets), pa.array(encoded.ids), type=self._schema.field(0).type)
        self._writer.write_batch(pa.record_batch([rows], schema=self._schema))

    def finish(self) -> None:
        self._writer.close()
        self._stream.close()

    def close(self) -> None:
        _close(self._writer, self._stream)


FORMATS: dict[str, type[NpyShard] | type[ArrowShard]] = {"npy": NpyShard, "arrow": ArrowShard}


def npy_header(dtype: str, count: int) -> bytes:
    """The first HEADER bytes of an .npy file of `count` items; NumPy's format 1.0."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({count},), }}".encode()
    return b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little") + text.ljust(HEADER - 11) + b"\n"


def publish(folder: Path, names: list[str]) -> list[int]:
    """Give finished files their names, once they are on the disk; their sizes."""
    for name in names:
        flush(folder / (name + TMP))
    for name in names:
        (folder / (name + TMP)).replace(folder / name)
    flush(folder)
    return [(folder / name).stat().st_size for name in names]


def pyarrow() -> Any:
    """The package, or what to do where it is missing."""
    try:
        importlib.import_module("pyarrow.ipc")
        return importlib.import_module("pyarrow")
    except ModuleNotFoundError as error:
        raise MissingBackend(
            "format='arrow'",
            "needs the package 'pyarrow', which is not installed",
            hint='Run: pip install "dovela[arrow]", or use format="npy".',
        ) from error


def _close(*streams: Any) -> None:
    """Give up: what could not be written, on a full disk, cannot be flushed by closing either."""
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            stream.close()
