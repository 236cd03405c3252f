"""Rows of ids from whatever holds them: lists, arrays of any framework, tensors on an accelerator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..kept_arguments import short
from ..tensors import is_foreign, on_host

if TYPE_CHECKING:
    import numpy as np

ARGMAX = "If these are logits, take the best id of each frame first: logits.argmax(-1)."
BATCH = "Use batch_decode for several."


@dataclass(frozen=True)
class Rows:
    """A batch of rows, one after the other: row i is `ids[bounds[i] : bounds[i + 1]]`, int64."""

    ids: np.ndarray
    bounds: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[np.ndarray]) -> Rows:
        import numpy as np

        return cls(
            rows[0] if len(rows) == 1 else np.concatenate([np.empty(0, np.int64), *rows]),
            np.cumsum([0, *map(len, rows)]),
        )


def read_rows(where: str, sequences: Any) -> Rows:
    """A batch: a two-dimensional array, or an iterable of rows. A single id among them is a row of one."""
    import numpy as np

    array = hasattr(sequences, "__array__")
    if isinstance(sequences, (str, bytes, Mapping)) or not (array or isinstance(sequences, Iterable)):
        raise InputError(where, f"expected rows of ids, got {type(sequences).__name__} {short(sequences)}")
    if array:
        sequences = _array(where, sequences)
        if sequences.ndim != 1:
            table = _as_ids(where, sequences, 2)
            return Rows(table.reshape(-1), np.arange(len(table) + 1) * table.shape[1])
    return Rows.of([read_row(f"{where}, row {i}", row) for i, row in enumerate(sequences)])


def read_row(where: str, ids: Any) -> np.ndarray:
    """One row of ids as int64; a single id is a row of one."""
    if isinstance(ids, (str, bytes, Mapping)):
        raise InputError(where, f"expected ids, got {type(ids).__name__} {short(ids)}")
    if isinstance(ids, Iterable) and not hasattr(ids, "__array__"):
        ids = ids if isinstance(ids, Sequence) else list(ids)
    array = _array(where, ids)
    return _as_ids(where, array.reshape(1) if array.ndim == 0 else array, 1)


def _array(where: str, value: Any) -> np.ndarray:
    """A numpy array; of objects where the values are of different kinds."""
    import numpy as np

    if is_foreign(value):
        return on_host(where, value)  # type: ignore[no-any-return]
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):  # rows of different lengths; tensors on an accelerator
        out = np.empty(len(value), object)
        out[:] = [item.tolist() if hasattr(item, "tolist") else item for item in value]
        return out


def _as_ids(where: str, array: np.ndarray, axes: int) -> np.ndarray:
    import numpy as np

    if array.dtype == object:
        wrong = [item for item in array.flat if isinstance(item, bool) or not isinstance(item, int)]
        if wrong and isinstance(wrong[0], (list, tuple)):
            raise InputError(where, "expected one row of ids, got rows", hint=BATCH)
        problem = f"{short(wrong[0])} is a {type(wrong[0]).__name__}" if wrong else "one is beyond 64 bits"
        raise InputError(where, f"expected ids, which are integers, and {problem}")
    if array.size and array.dtype.kind not in "iu":
        hint = ARGMAX if array.dtype.kind == "f" else ""
        raise InputError(where, f"expected ids, got {array.dtype} of shape {array.shape}", hint=hint)
    if array.ndim != axes:
        expected, hint = ("one row of ids", BATCH) if axes == 1 else ("rows of ids", "")
        raise InputError(where, f"expected {expected}, got an array of shape {array.shape}", hint=hint)
    return array.astype(np.int64, copy=False)
