"""Reading a folder of token ids: a sequence of rows that is mapped into memory and never read as a whole."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, overload

from ..disk import readable, reason
from ..errors import CheckpointError
from .token_shards import pyarrow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Row = NDArray[np.unsignedinteger]

INDEX = "index.json"
FORMAT, VERSION = "dovela-tokens", 1


def open_tokens(folder: str | PathLike[str]) -> TokenRows:
    """The documents that `tokenize_files` or `dovela tokenize` wrote into `folder`, each read when it is used."""
    return TokenRows(folder)


class TokenRows(Sequence["Row"]):
    """`rows[i]`: the ids of document i, a read-only (L,) array of uint16 or uint32 that views the file.

    `header` is what `index.json` says. A slice gives a list of rows. Pickles as its path, so that the workers of a
    DataLoader each open their own. Torch has no arithmetic for such integers: `torch.from_numpy(row.astype("int64"))`.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder).absolute()
        self.header = read_index(self.folder)
        if not self.header["complete"]:
            raise CheckpointError(
                str(folder),
                f"the run that writes it is not finished ({len(self.header['shards'])} shards so far)",
                hint="Start the same run again: it goes on where it was.",
            )
        check_shards(self.folder, self.header)
        self._starts: list[int] = list(accumulate((shard["documents"] for shard in self.header["shards"]), initial=0))
        self._shards: dict[int, _Shard] = {}

    @property
    def dtype(self) -> np.dtype[Any]:
        import numpy as np

        dtype: np.dtype[Any] = np.dtype(self.header["dtype"])
        return dtype

    @property
    def tokens(self) -> int:
        """The number of ids in all documents."""
        return int(self.header["tokens"])

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, item: int) -> Row: ...
    @overload
    def __getitem__(self, item: slice) -> list[Row]: ...
    def __getitem__(self, item: int | slice) -> Row | list[Row]:
        if isinstance(item, slice):
            return [self[i] for i in range(*item.indices(len(self)))]
        place = item + len(self) if item < 0 else item
        if not 0 <= place < len(self):
            raise IndexError(f"TokenRows: row {item} is out of range, there are {len(self)}")
        number = bisect_right(self._starts, place) - 1
        if number not in self._shards:
            self._shards[number] = _open(self.folder, self.header["shards"][number]["files"])
        return self._shards[number].row(place - self._starts[number])

    def __repr__(self) -> str:
        return f"TokenRows({str(self.folder)!r}, documents={len(self)}, tokens={self.tokens})"

    def __reduce__(self) -> tuple[Any, ...]:
        return TokenRows, (self.folder,)


class _Shard(Protocol):
    def row(self, index: int) -> Row: ...


class _Npy:
    def __init__(self, paths: list[Path]) -> None:
        import numpy as np

        self._ids, self._offsets = (np.load(path, mmap_mode="r", allow_pickle=False) for path in paths)

    def row(self, index: int) -> Row:
        import numpy as np

        start, stop = self._offsets[index : index + 2].tolist()
        return self._ids[start:stop].view(np.ndarray)  # type: ignore[no-any-return]


class _Arrow:
    def __init__(self, paths: list[Path]) -> None:
        pa = pyarrow()
        with pa.memory_map(str(paths[0])) as file:
            column = pa.ipc.open_stream(file).read_all().column("input_ids")
        self._parts = [(part.offsets.to_numpy(), part.values.to_numpy()) for part in column.chunks]
        self._starts = list(accumulate((len(part) for part in column.chunks), initial=0))

    def row(self, index: int) -> Row:
        number = bisect_right(self._starts, index) - 1
        offsets, ids = self._parts[number]
        start, stop = offsets[index - self._starts[number] :][:2].tolist()
        return ids[start:stop]  # type: ignore[no-any-return]


def _open(folder: Path, names: list[str]) -> _Shard:
    paths = [folder / name for name in names]
    try:
        return _Arrow(paths) if names[0].endswith(".arrow") else _Npy(paths)
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise CheckpointError(str(paths[0]), f"cannot be read ({reason(error)})") from error


def read_index(folder: Path) -> dict[str, Any]:
    """What a folder's index says; a CheckpointError where there is none, or one of something else."""
    path = folder / INDEX
    try:
        with readable(path):
            index = json.loads(path.read_bytes())
        if index["format"] == FORMAT and index["version"] == VERSION:
            return dict(index)
        what = f"{index['format']}, version {index['version']}"
    except (FileNotFoundError, NotADirectoryError):
        raise CheckpointError(
            str(folder), f"has no {INDEX}, so there are no tokens in it", hint="Write some with `dovela tokenize`."
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        what = "not that of tokens"
    raise CheckpointError(str(path), f"expected the index of {FORMAT}, version {VERSION}; it is {what}")


def check_shards(folder: Path, index: dict[str, Any]) -> None:
    """A CheckpointError for files that are missing or have another size than when they were written."""
    problems = []
    for shard in index["shards"]:
        for name, size in zip(shard["files"], shard["bytes"], strict=True):
            try:
                found = (folder / name).stat().st_size
            except OSError as error:
                problems.append(f"{name} cannot be read ({reason(error)})")
            else:
                if found != size:
                    problems.append(f"{name} has {found} bytes, and was written with {size}")
    if problems:
        hint = "Bring the files back, or write all anew with restart=True (--restart)."
        raise CheckpointError(str(folder), *problems, hint=hint)
