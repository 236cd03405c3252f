"""One text's tokens, one row of a batch, and what a row can be asked: which word, which characters, which sequence.

`Encoding` has the attribute names of the Rust library's `tokenizers.Encoding`, so rows of both engines are read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Offset = tuple[int, int]  # [start, stop) in characters of the text as it was given
Detail = tuple[list[Offset], list[int]]  # per token: its offset, and the index of its word


class Tokens:
    """One text's tokens before any special token: ids at once, offsets and words when somebody asks."""

    __slots__ = ("_detail", "ids")

    def __init__(self, ids: list[int], detail: Callable[[], Detail] | Detail) -> None:
        self.ids = ids
        self._detail = detail

    @property
    def detail(self) -> Detail:
        if callable(self._detail):
            self._detail = self._detail()
        return self._detail

    @classmethod
    def joined(cls, parts: Sequence[tuple[int, Tokens]]) -> Tokens:
        """The tokens of consecutive parts of one text, each with the index at which it starts."""

        def detail() -> Detail:
            offsets: list[Offset] = []
            words: list[int] = []
            for start, tokens in parts:
                first = words[-1] + 1 if words else 0
                part_offsets, part_words = tokens.detail
                offsets += [(a + start, b + start) for a, b in part_offsets]
                words += [w + first for w in part_words]
            return offsets, words

        return cls([index for _, tokens in parts for index in tokens.ids], detail)

    @classmethod
    def of_words(cls, parts: Sequence[Tokens]) -> Tokens:
        """The tokens of a text given as words: offsets are within each word."""

        def detail() -> Detail:
            return [o for t in parts for o in t.detail[0]], [i for i, t in enumerate(parts) for _ in t.ids]

        return cls([index for tokens in parts for index in tokens.ids], detail)

    def __getstate__(self) -> tuple[list[int], Detail]:
        return self.ids, self.detail

    def __setstate__(self, state: tuple[list[int], Detail]) -> None:
        self.ids, self._detail = state


class Row(Protocol):
    """What a batch needs of a row, of either engine. All are lists of the row's length."""

    @property
    def ids(self) -> list[int]: ...
    @property
    def type_ids(self) -> list[int]: ...
    @property
    def tokens(self) -> list[str]: ...
    @property
    def offsets(self) -> list[Offset]: ...
    @property
    def word_ids(self) -> list[int | None]: ...
    @property
    def sequence_ids(self) -> list[int | None]: ...
    @property
    def special_tokens_mask(self) -> list[int]: ...
    @property
    def attention_mask(self) -> list[int]: ...
    def pad(self, length: int, *, direction: str, pad_id: int, pad_type_id: int, pad_token: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a row: tokens [start, stop) of a sequence (0 or 1), or one special token (`sequence` None)."""

    ids: list[int]
    type_id: int
    sequence: int | None = None
    tokens: Tokens | None = None
    start: int = 0


class Encoding:
    """A row made by the Python engine."""

    __slots__ = ("_left", "_names", "_parts", "_right", "ids", "type_ids")

    def __init__(self, parts: list[Part], names: Callable[[list[int]], list[str]]) -> None:
        """`names` turns ids into tokens."""
        self._parts, self._names, self._left, self._right = parts, names, 0, 0
        self.ids = [index for part in parts for index in part.ids]
        self.type_ids = [part.type_id for part in parts for _ in part.ids]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Encoding({len(self.ids)} tokens)"

    @property
    def tokens(self) -> list[str]:
        return self._names(self.ids)

    @property
    def offsets(self) -> list[Offset]:
        return self._spread((0, 0), lambda part, tokens: tokens.detail[0][part.start : part.start + len(part.ids)])

    @property
    def word_ids(self) -> list[int | None]:
        return self._spread(None, lambda part, tokens: tokens.detail[1][part.start : part.start + len(part.ids)])

    @property
    def sequence_ids(self) -> list[int | None]:
        return self._spread(None, lambda part, _: [part.sequence] * len(part.ids))

    @property
    def special_tokens_mask(self) -> list[int]:
        return self._spread(1, lambda part, _: [0] * len(part.ids))

    @property
    def attention_mask(self) -> list[int]:
        return [0] * self._left + [1] * (len(self.ids) - self._left - self._right) + [0] * self._right

    def pad(self, length: int, *, direction: str, pad_id: int, pad_type_id: int, pad_token: str) -> None:
        """Lengthen the row to `length` on the side `direction`."""
        more = length - len(self.ids)
        if more > 0 and direction == "left":
            self._left += more
            self.ids, self.type_ids = [pad_id] * more + self.ids, [pad_type_id] * more + self.type_ids
        elif more > 0:
            self._right += more
            self.ids, self.type_ids = self.ids + [pad_id] * more, self.type_ids + [pad_type_id] * more

    def _spread(self, special: Any, of: Callable[[Part, Tokens], Sequence[Any]]) -> list[Any]:
        """A value for each place of the row: `special` for padding and special tokens, else by `of`."""
        out = [special] * self._left
        for part in self._parts:
            out += [special] * len(part.ids) if part.tokens is None else of(part, part.tokens)
        return out + [special] * self._right

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in self.__slots__ if name != "_names"}
        return state | {"known": dict(zip(self.ids, self.tokens, strict=True))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        known = state.pop("known")
        self._names = lambda ids: [known[index] for index in ids]
        for name, value in state.items():
            setattr(self, name, value)
