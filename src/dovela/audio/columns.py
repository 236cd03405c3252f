"""What `pad` is given: columns of rows, in any of the shapes that a batch or a collate function has them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, suggest
from ..tensors import as_array, is_tensor

Array = np.ndarray[Any, np.dtype[Any]]


def read_columns(where: str, features: Any, name: str) -> dict[str, Any]:
    """Columns by name, `name` among them, with one entry a row each."""
    if not isinstance(features, Mapping):
        if not isinstance(features, (list, tuple)) or not all(isinstance(row, Mapping) for row in features):
            raise InputError(
                where, f"expected a dictionary of rows or a list of dictionaries, got {type(features).__name__}"
            )
        if not features:
            raise InputError(where, "there are no rows in an empty list")
        names = {frozenset(row) for row in features}
        if len(names) > 1:
            raise InputError(where, f"every row needs the same columns, got {sorted(map(sorted, names))}")
        features = {column: [row[column] for row in features] for column in features[0]}
    if name not in features:
        hint = f"There are {', '.join(map(repr, features)) or 'none'}."
        raise InputError(where, f"there is no column {name!r}{suggest(name, features)}", hint=hint)
    columns = dict(features)
    if not hasattr(columns[name], "__len__") or not len(columns[name]):
        raise InputError(where, f"there are no rows in {name!r}")
    count = len(columns[name])
    wrong = {n: len(column) if hasattr(column, "__len__") else column for n, column in columns.items()}
    wrong = {n: length for n, length in wrong.items() if length != count}
    if wrong:
        raise InputError(where, f"{name} has {count} rows, but {wrong}")
    return columns


def read_rows(where: str, name: str, column: Sequence[Any], feature_size: int) -> list[Array]:
    """The rows as arrays (t,) or (t, F), all of the same F; none is empty."""
    rows = [as_array(row, f"{where}, row {i}") for i, row in enumerate(column)]
    for i, row in enumerate(rows):
        place = f"{where}, row {i} of {name!r}"
        if row.ndim == 0:
            raise InputError(
                place, f"expected a row of values, got one ({row})", hint=f"For a single row give {{{name!r}: [row]}}."
            )
        if row.ndim > 2 or (feature_size == 1 and row.ndim == 2 and row.shape[1] != 1):
            hint = f"A call returns a batch: give its rows, batch[{name!r}][0]." if len(row) == 1 else ""
            expected = "(t,)" if feature_size == 1 else "(t,) or (t, F)"
            raise InputError(place, f"expected the shape {expected}, got {row.shape}", hint=hint)
        if row.shape[1:] != rows[0].shape[1:]:
            raise InputError(place, f"has values of shape {row.shape[1:]}, but row 0 of {rows[0].shape[1:]}")
        if not len(row):
            raise InputError(place, "is empty")
    return rows


def read_masks(where: str, column: Sequence[Any], rows: Sequence[Array]) -> list[Array]:
    """Masks that came along with `rows`."""
    masks = [as_array(mask, f"{where}, row {i}") for i, mask in enumerate(column)]
    for i, (mask, row) in enumerate(zip(masks, rows, strict=True)):
        if mask.shape != (len(row),) or mask.dtype.kind not in "biu":
            raise InputError(
                f"{where}, row {i} of 'attention_mask'",
                f"expected {len(row)} integers, one a step, got {mask.dtype} of shape {mask.shape}",
            )
    return masks


def common_dtype(rows: Sequence[Array], fill: float) -> Any:
    """That of the rows: float32 for float64, and for integers where the fill is none."""
    found = np.result_type(*rows)
    if found == np.float64 or (found.kind not in "fc" and fill % 1):
        return np.dtype(np.float32)
    return found


def in_torch(column: Sequence[Any]) -> bool:
    return is_tensor(column, "pt") or is_tensor(column[0], "pt")
