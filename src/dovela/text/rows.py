"""One text's tokens, one row of a batch, and what a row can be asked: which word, which characters, which sequence.

`Encoding` has the attribute names of the Rust library's `tokenizers.Encoding`, so rows of both engines are read alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

Offset = tuple[int, int]  # [start, stop) in characters of the text as it was given
Detail = tuple[list[Offset], list[int]]  # per token: its offset, and the index of its word
Place = tuple[int, int]  # of a row: a special token's id (or ~0, ~1 for the first and second sequence), and a type id


class Tokens:
    """One text's tokens before any special token: ids at once, offsets and words when somebody asks."""

    __slots__ = ("_locate", "_text", "ids")

    def __init__(self, ids: list[int], text: str, locate: Callable[[str], Detail]) -> None:
        """`locate(text)` gives the offsets and words."""
        self.ids = ids
        self._text: str | Detail = text
        self._locate = locate

    @property
    def detail(self) -> Detail:
        if isinstance(self._text, str):
            self._text = self._locate(self._text)
        return self._text

    @classmethod
    def joined(cls, parts: Sequence[tuple[int, Tokens]]) -> Tokens:
        """The tokens of consecutive parts of one text, each with the index at which it starts."""

        def locate(_: str) -> Detail:
            offsets: list[Offset] = []
            words: list[int] = []
            for start, tokens in parts:
                first = words[-1] + 1 if words else 0
                part_offsets, part_words = tokens.detail
                offsets += [(a + start, b + start) for a, b in part_offsets]
                words += [w + first for w in part_words]
            return offsets, words

        return cls([index for _, tokens in parts for index in tokens.ids], "", locate)

    @classmethod
    def of_words(cls, parts: Sequence[Tokens]) -> Tokens:
        """The tokens of a text given as words: offsets are within each word."""

        def locate(_: str) -> Detail:
            return [o for t in parts for o in t.detail[0]], [i for i, t in enumerate(parts) for _ in t.ids]

        return cls([index for tokens in parts for index in tokens.ids], "", locate)

    def __getstate__(self) -> tuple[list[int], Detail]:
        return self.ids, self.detail

    def __setstate__(self, state: tuple[list[int], Detail]) -> None:
        self.ids, self._text = state


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


class Encoding:
    """A row made by the Python engine: a template whose places are special tokens or (stretches of) sequences.

    Ids are put together at once; all else when it is asked for.
    """

    __slots__ = ("_left", "_names", "_pad_type", "_right", "_sequences", "_spans", "_template", "ids")

    def __init__(
        self,
        template: list[Place],
        sequences: list[Tokens],
        spans: Sequence[tuple[int, int]],
        names: Callable[[list[int]], list[str]],
    ) -> None:
        """`spans` are the stretches, [start, stop) of each sequence's tokens. `names` turns ids into tokens."""
        self._template, self._sequences, self._spans, self._names = template, sequences, spans, names
        self._left = self._right = self._pad_type = 0
        self.ids: list[int] = []
        for index, _ in template:
            if index >= 0:
                self.ids.append(index)
            else:
                start, stop = spans[~index]
                self.ids += sequences[~index].ids[start:stop]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Encoding({len(self.ids)} tokens)"

    def _repr_html_(self) -> str:
        from .display import row_as_html

        return row_as_html(self)

    @property
    def tokens(self) -> list[str]:
        return self._names(self.ids)

    @property
    def type_ids(self) -> list[int]:
        out = [self._pad_type] * self._left
        for index, type_id in self._template:
            out += [type_id] * (1 if index >= 0 else self._spans[~index][1] - self._spans[~index][0])
        return out + [self._pad_type] * self._right

    @property
    def offsets(self) -> list[Offset]:
        return self._spread((0, 0), lambda number, start, stop: self._sequences[number].detail[0][start:stop])

    @property
    def word_ids(self) -> list[int | None]:
        return self._spread(None, lambda number, start, stop: self._sequences[number].detail[1][start:stop])

    @property
    def sequence_ids(self) -> list[int | None]:
        return self._spread(None, lambda number, start, stop: [number] * (stop - start))

    @property
    def special_tokens_mask(self) -> list[int]:
        return self._spread(1, lambda _, start, stop: [0] * (stop - start))

    @property
    def attention_mask(self) -> list[int]:
        return [0] * self._left + [1] * (len(self.ids) - self._left - self._right) + [0] * self._right

    def pad(self, length: int, *, direction: str, pad_id: int, pad_type_id: int, pad_token: str) -> None:
        """Lengthen the row to `length` on the side `direction`."""
        more = length - len(self.ids)
        if more <= 0:
            return
        self._pad_type = pad_type_id
        if direction == "left":
            self._left += more
            self.ids = [pad_id] * more + self.ids
        else:
            self._right += more
            self.ids = self.ids + [pad_id] * more

    def _spread(self, special: Any, of: Callable[[int, int, int], Sequence[Any]]) -> list[Any]:
        """A value for each place of the row: `special` for padding and special tokens, else `of` a stretch."""
        out = [special] * self._left
        for index, _ in self._template:
            if index >= 0:
                out.append(special)
            else:
                out += of(~index, *self._spans[~index])
        return out + [special] * self._right

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in self.__slots__ if name != "_names"}
        return state | {"known": dict(zip(self.ids, self.tokens, strict=True))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        known = state.pop("known")
        self._names = lambda ids: [known[index] for index in ids]
        for name, value in state.items():
            setattr(self, name, value)
