"""What calling a tokenizer returns: columns for the model, and rows that can be asked about words and characters."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import InputError
from .arguments import Input
from .rows import Row
from .tensors import to_tensor


class CharSpan(NamedTuple):
    """Characters [start, end) of a text."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens [start, end) of a row."""

    start: int
    end: int


class BatchEncoding(UserDict[str, Any]):
    """Columns by name (`batch["input_ids"]`, `batch.input_ids`) and rows by number (`batch[0]`).

    The methods that look something up in a row take it as first argument and may leave it out when there is one row:
    `batch.char_to_token(5)` is `batch.char_to_token(0, 5)`. They return None where nothing is found.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        encodings: Sequence[Row] | None = None,
        tensor_type: str | None = None,
        prepend_batch_axis: bool = False,
        is_fast: bool = False,
        texts: Sequence[Input] | None = None,
    ) -> None:
        """`texts` are the inputs that the rows were made from; they are shown, and need not be known."""
        super().__init__()
        self._texts = texts
        self.data = dict(data or {})
        self._rows = encodings
        self.is_fast = is_fast
        self.convert_to_tensors(tensor_type, prepend_batch_axis)

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, str):
            return self.data[item]
        if isinstance(item, int):
            return self._row(item)
        if isinstance(item, slice):
            return {name: column[item] for name, column in self.data.items()}
        raise InputError("BatchEncoding", f"expected a column's name, a row's number or a slice, got {item!r}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "data" or name not in self.data:
            raise AttributeError(f"BatchEncoding has no attribute or column {name!r}")
        return self.data[name]

    def __repr__(self) -> str:
        return repr(self.data)

    def _repr_html_(self) -> str:
        from .display import as_html

        return as_html(self)

    def __rich__(self) -> Any:
        from .display import as_rich

        return as_rich(self)

    def convert_to_tensors(self, tensor_type: str | None = None, prepend_batch_axis: bool = False) -> BatchEncoding:
        """Turn every column into a tensor: "np", "pt", "jax" or "tf". In place, and returned."""
        if tensor_type is not None:
            for name, column in self.data.items():
                self.data[name] = to_tensor([column] if prepend_batch_axis else column, tensor_type, name)
        return self

    def to(self, device: Any, *, non_blocking: bool = False) -> BatchEncoding:
        """Move every torch tensor to `device` (or cast it, given a dtype). In place, and returned."""
        moved = {name: v.to(device, non_blocking=non_blocking) for name, v in self.data.items() if hasattr(v, "to")}
        if not moved:
            raise InputError(
                "BatchEncoding.to", "there is no torch tensor to move", hint='Ask for return_tensors="pt".'
            )
        self.data.update(moved)
        return self

    @property
    def encodings(self) -> list[Row] | None:
        return None if self._rows is None else list(self._rows)

    @property
    def n_sequences(self) -> int | None:
        """1 for single texts, 2 for pairs."""
        return 1 + max((s or 0 for row in self._rows for s in row.sequence_ids), default=0) if self._rows else None

    def tokens(self, batch_index: int = 0) -> list[str]:
        return self._row(batch_index).tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """Per token: 0 or 1, the sequence of a pair that it is of; None for special tokens and padding."""
        return self._row(batch_index).sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """Per token: the index of its word; None for special tokens and padding."""
        return self._row(batch_index).word_ids

    words = word_ids

    def token_to_sequence(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        row, token = self._at(batch_or_token_index, token_index)
        return row.sequence_ids[token]

    def token_to_word(self, batch_or_token_index: int, token_index: int | None = None) -> int | None:
        row, token = self._at(batch_or_token_index, token_index)
        return row.word_ids[token]

    def token_to_chars(self, batch_or_token_index: int, token_index: int | None = None) -> CharSpan | None:
        row, token = self._at(batch_or_token_index, token_index)
        return None if row.sequence_ids[token] is None else CharSpan(*row.offsets[token])

    def word_to_tokens(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> TokenSpan | None:
        row, word = self._pick(batch_or_word_index, word_index)
        found = _tokens_of_word(row, word, sequence_index)
        return TokenSpan(found[0], found[-1] + 1) if found else None

    def word_to_chars(
        self, batch_or_word_index: int, word_index: int | None = None, sequence_index: int = 0
    ) -> CharSpan | None:
        row, word = self._pick(batch_or_word_index, word_index)
        found = _tokens_of_word(row, word, sequence_index)
        return CharSpan(row.offsets[found[0]][0], row.offsets[found[-1]][1]) if found else None

    def char_to_token(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        row, char = self._pick(batch_or_char_index, char_index)
        places = enumerate(zip(row.offsets, row.sequence_ids, strict=True))
        return next((i for i, ((a, b), s) in places if s == sequence_index and a <= char < b), None)

    def char_to_word(
        self, batch_or_char_index: int, char_index: int | None = None, sequence_index: int = 0
    ) -> int | None:
        row, char = self._pick(batch_or_char_index, char_index)
        places = zip(row.offsets, row.sequence_ids, row.word_ids, strict=True)
        return next((w for (a, b), s, w in places if s == sequence_index and a <= char < b), None)

    def _row(self, index: int) -> Row:
        if self._rows is None:
            raise InputError("BatchEncoding", "has columns only: it was not made by calling a tokenizer")
        if not -len(self._rows) <= index < len(self._rows):
            raise InputError("BatchEncoding", f"row {index} is out of range, there are {len(self._rows)} rows")
        return self._rows[index]

    def _pick(self, first: int, second: int | None) -> tuple[Row, int]:
        for number in (first, second):
            if number is not None and (isinstance(number, bool) or not hasattr(number, "__index__")):
                what = f"expected the number of a row, token, word or character, got {number!r}"
                raise InputError("BatchEncoding", what)
        return (self._row(0), first) if second is None else (self._row(first), second)

    def _at(self, first: int, second: int | None) -> tuple[Row, int]:
        row, token = self._pick(first, second)
        if not -len(row.ids) <= token < len(row.ids):
            raise InputError("BatchEncoding", f"token {token} is out of range, the row has {len(row.ids)} tokens")
        return row, token


def _tokens_of_word(row: Row, word: int, sequence: int) -> list[int]:
    places = enumerate(zip(row.word_ids, row.sequence_ids, strict=True))
    return [i for i, (w, s) in places if w == word and s == sequence]
