"""A batch as columns. Of single texts they are made at once, without an object for each row; of all else, from rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from .assembly import Assembly
from .memory import no_collection
from .padding import Padding
from .rows import Encoding, Offset, Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# The columns of a row, in the order of the result, and what a row calls them.
COLUMNS = {
    "input_ids": "ids",
    "token_type_ids": "type_ids",
    "attention_mask": "attention_mask",
    "special_tokens_mask": "special_tokens_mask",
    "offset_mapping": "offsets",
}


def plain_texts(value: Any) -> Sequence[str] | None:
    """The texts, where `value` is one or a list of them and each is well-formed; None for all else."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, (list, tuple)) or not set(map(type, texts)) <= {str}:
        return None
    try:
        "\n".join(texts).encode()  # which a lone surrogate stops
    except UnicodeEncodeError:
        return None
    return texts


class RowBatch:
    """Rows that exist already."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def columns(self, names: list[str], padding: Padding | None) -> dict[str, Any]:
        if padding is not None:
            padding.rows(self.rows)
        return {name: [getattr(row, COLUMNS[name]) for row in self.rows] for name in names}

    def arrays(self, names: list[str], padding: Padding | None) -> dict[str, Any] | None:
        return None


class TextBatch:
    """Single texts, each one row."""

    @classmethod
    def of(cls, texts: Sequence[str], assembly: Assembly | None) -> TextBatch | None:
        """None where rows need to be made one by one."""
        if assembly is None or (assembly.truncation is not None and assembly.truncation.strategy == "only_second"):
            return None
        return cls(texts, assembly) if sum(index < 0 for index, _ in assembly.template(False)) == 1 else None

    def __init__(self, texts: Sequence[str], assembly: Assembly) -> None:
        self._texts, self._assembly = texts, assembly
        template = assembly.template(False)
        middle = next(i for i, (index, _) in enumerate(template) if index < 0)
        self._before, self._after = template[:middle], template[middle + 1 :]
        self._type = template[middle][1]
        self._room = slice(None)
        cut = assembly.truncation
        if cut is not None:
            room = max(cut.max_length - len(template) + 1, 0)
            self._room = slice(-room, None) if cut.side == "left" and room else slice(None, room)
        self.rows = TextRows(texts, assembly)

    def columns(self, names: list[str], padding: Padding | None) -> dict[str, Any]:
        """Lists, padded if so wished."""
        with no_collection():
            before, after = ([index for index, _ in places] for places in (self._before, self._after))
            columns: dict[str, list[Any]] = {}
            if "offset_mapping" in names:
                columns["input_ids"], columns["offset_mapping"] = self._with_offsets(before, after)
            else:
                columns["input_ids"] = self._assembly.pipeline.ids(self._texts, before, after, self._room)
            sizes = list(map(len, columns["input_ids"]))
            if padding is not None:
                width = padding.target(max(sizes, default=0))
                self.rows.pad_to(padding, width)
                columns = padding.columns(columns, width)
            for name in {"token_type_ids", "attention_mask", "special_tokens_mask"}.intersection(names):
                row = {size: self._constant(name, size) for size in set(sizes)}
                if padding is not None:
                    row = {size: padding.columns({name: [it]}, width)[name][0] for size, it in row.items()}
                columns[name] = [row[size].copy() for size in sizes]
        return {name: columns[name] for name in names}

    def _with_offsets(self, before: list[int], after: list[int]) -> tuple[list[list[int]], list[list[Offset]]]:
        room, ids, offsets = self._room, [], []
        start, stop = self._edges((0, 0))
        for row, places in self._assembly.pipeline.with_offsets(self._texts):
            ids.append([*before, *row[room], *after])
            offsets.append([*start, *places[room], *stop])
        return ids, offsets

    def arrays(self, names: list[str], padding: Padding | None) -> dict[str, Any] | None:
        """int64 arrays of shape (texts, length), without an object for each token; None where that cannot be."""
        types = {type_id for _, type_id in self._assembly.template(False)}
        if len(types) > 1 or not {"input_ids", "token_type_ids", "attention_mask"}.issuperset(names):
            return None
        import numpy as np

        flat, sizes = self.flat()
        longest = int(sizes.max(initial=0))
        if padding is None and not (sizes == longest).all():
            return None
        width = longest if padding is None else padding.target(longest)
        if padding is None or (sizes == width).all():
            real = np.ones((len(sizes), width), bool)
        elif padding.side == "right":
            real = np.arange(width) < sizes[:, None]
        else:
            real = np.arange(width) >= width - sizes[:, None]
        ids = np.full(real.shape, 0 if padding is None else padding.pad_id, np.int64)
        ids[real] = flat
        out = {"input_ids": ids}
        if "token_type_ids" in names:
            out["token_type_ids"] = np.where(real, types.pop(), 0 if padding is None else padding.pad_type_id)
        if "attention_mask" in names:
            out["attention_mask"] = real.astype(np.int64)
        if padding is not None:
            self.rows.pad_to(padding, width)
        return {name: out[name] for name in names}

    def flat(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids of all rows one after another, (T,), and each row's length, (texts,)."""
        import numpy as np

        before, after = (np.array([i for i, _ in p], np.int64).tobytes() for p in (self._before, self._after))
        rows = [before + row + after for row in self._assembly.pipeline.packed(self._texts, self._room)]
        sizes = np.fromiter(map(len, rows), np.int64, len(rows)) // np.dtype(np.int64).itemsize
        return np.frombuffer(b"".join(rows), np.int64), sizes

    def _edges(self, value: Any) -> tuple[list[Any], list[Any]]:
        return [value] * len(self._before), [value] * len(self._after)

    def _constant(self, name: str, size: int) -> list[int]:
        """A row's part of a column that its length determines."""
        if name == "attention_mask":
            return [1] * size
        (start, stop), inner = self._edges(1), 0
        if name == "token_type_ids":
            start, stop = ([type_id for _, type_id in places] for places in (self._before, self._after))
            inner = self._type
        return [*start, *[inner] * (size - len(start) - len(stop)), *stop]


class TextRows(Sequence[Row]):
    """The rows of single texts, each made when it is asked for."""

    def __init__(self, texts: Sequence[str], assembly: Assembly) -> None:
        self._texts, self._assembly = texts, assembly
        self._made: dict[int, Encoding] = {}
        self._pad: Any = None

    def pad_to(self, padding: Padding, length: int) -> None:
        self._pad = partial(padding.row, length=length)

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        index = range(len(self))[index]
        row = self._made.get(index)
        if row is None:
            row = self._assembly.rows(self._texts[index])[0]
            if self._pad is not None:
                self._pad(row)
            self._made[index] = row
        return row

    def __iter__(self) -> Iterator[Row]:
        return map(self.__getitem__, range(len(self)))

    def __reduce__(self) -> tuple[object, ...]:
        return list, (list(self),)
