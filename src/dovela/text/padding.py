"""Padding: rows of one call, and columns that were made earlier (`tokenizer.pad`, as a collate function does)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..errors import InputError
from ..tensors import is_tensor
from .rows import Row
from .tensors import kind_of

Side = Literal["left", "right"]
# What each column is filled up with; token ids and type ids have their own value.
FILL: dict[str, Any] = {"attention_mask": 0, "special_tokens_mask": 1, "offset_mapping": (0, 0)}


@dataclass(frozen=True)
class Padding:
    """To `length`, or to the longest row where that is None; then up to a multiple of `multiple`."""

    side: Side
    pad_id: int
    pad_token: str
    pad_type_id: int = 0
    length: int | None = None
    multiple: int | None = None

    def target(self, longest: int) -> int:
        length = longest if self.length is None else max(self.length, 0)
        return length if not self.multiple else -(-length // self.multiple) * self.multiple

    def rows(self, rows: Sequence[Row]) -> None:
        target = self.target(max((len(row.ids) for row in rows), default=0))
        for row in rows:
            self.row(row, target)

    def row(self, row: Row, length: int) -> None:
        row.pad(length, direction=self.side, pad_id=self.pad_id, pad_type_id=self.pad_type_id, pad_token=self.pad_token)

    def columns(self, columns: Mapping[str, list[Any]], width: int | None = None) -> dict[str, list[Any]]:
        """Padded copies, to `width` if given; a column that is not one list of the row's length each (labels, …) is
        left as it is."""
        target = self.target(max(map(len, columns["input_ids"]), default=0)) if width is None else width
        fill = FILL | {"input_ids": self.pad_id, "token_type_ids": self.pad_type_id}
        return {
            name: [self._fill(row, target, fill[name]) for row in column] if name in fill else column
            for name, column in columns.items()
        }

    def _fill(self, row: Sequence[Any], target: int, value: Any) -> list[Any]:
        more = [value] * (target - len(row))
        return [*more, *row] if self.side == "left" else [*row, *more]


def as_columns(where: str, encoded: Any) -> tuple[dict[str, list[Any]], bool, str | None]:
    """Lists by column name from any shape that `pad` takes, whether it was a batch, and the framework of its arrays."""
    if not isinstance(encoded, Mapping):
        if not isinstance(encoded, (list, tuple)) or not all(isinstance(row, Mapping) for row in encoded):
            raise InputError(where, f"expected a mapping or a list of mappings, got {type(encoded).__name__}")
        names = [set(row) for row in encoded]
        if any(name != names[0] for name in names):
            raise InputError(where, f"every row needs the same columns, got {sorted(map(sorted, names))}")
        encoded = {name: [row[name] for row in encoded] for name in (encoded[0] if encoded else {"input_ids": ()})}
    if "input_ids" not in encoded:
        raise InputError(where, f"there is no column 'input_ids', only {sorted(encoded)}")
    columns = {name: _lists(column) for name, column in encoded.items()}
    ids = columns["input_ids"]
    if not isinstance(ids, list):
        raise InputError(
            where, f"input_ids: expected a row of ids, or a list of rows, got {type(ids).__name__} {ids!r}"
        )
    batched = not ids or isinstance(ids[0], list)
    if not batched:
        columns = {name: [column] for name, column in columns.items()}
    wrong = {
        name: len(column) if hasattr(column, "__len__") else column
        for name, column in columns.items()
        if not hasattr(column, "__len__") or len(column) != len(columns["input_ids"])
    }
    if wrong:
        raise InputError(where, f"input_ids has {len(columns['input_ids'])} rows, but {wrong}")
    _check_rows(where, columns)
    return columns, batched, kind_of(encoded["input_ids"])


def _check_rows(where: str, columns: Mapping[str, list[Any]]) -> None:
    """Every row of input_ids must be of integers, and what is filled up with it of its length."""
    for number, row in enumerate(columns["input_ids"]):
        place = f"row {number} of input_ids"
        if not isinstance(row, list):
            raise InputError(where, f"{place}: expected a list of ids, got {type(row).__name__} {row!r}")
        if not set(map(type, row)) <= {int}:
            wrong = next(item for item in row if type(item) is not int)
            deep = isinstance(wrong, list)
            hint = "Rows made with return_tensors have an axis too many: take input_ids[0] of each." if deep else ""
            raise InputError(where, f"{place}: expected ids, which are integers, got {_short(wrong)}", hint=hint)
    for name in ("token_type_ids", *FILL):
        for number, (row, ids) in enumerate(zip(columns.get(name, ()), columns["input_ids"], strict=False)):
            if not isinstance(row, list) or len(row) != len(ids):
                got = f"{len(row)} entries" if isinstance(row, list) else _short(row)
                raise InputError(where, f"row {number} of {name} has {got}, and of input_ids {len(ids)}")


def _short(value: Any) -> str:
    text = f"{type(value).__name__} {value!r}"
    return text if len(text) <= 60 else text[:57] + "…"


def _lists(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if is_tensor(value, "tf"):
        return value.numpy().tolist()
    if not isinstance(value, (list, tuple)) or _is_offset(value):
        return value
    return list(value) if set(map(type, value)) <= {int, float, str} else [_lists(item) for item in value]


def _is_offset(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(item, int) for item in value)
