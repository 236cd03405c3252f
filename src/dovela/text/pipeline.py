"""From texts to ids: added tokens first, then what lies between them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar

from .added_tokens import Search, Searches
from .crossing import Crossing, Suspicion
from .memory import MOST_KEYS, Memory
from .offsets import by_piece, packed_steps, summed
from .rows import Detail, Offset, Tokens
from .wordpiece import BertEngine, Splitter

ITEM = array("q").itemsize
BATCH = 256  # texts that are summed at once
Value = TypeVar("Value")


class Pipeline:
    """What turns a text into tokens, as a tokenizer has it at one time: it does not see what is added later."""

    def __init__(
        self,
        searches: Searches,
        keep_special: bool,
        normalize: Callable[[str], tuple[str, Sequence[int]]],
        fragment: Callable[[str, bool], Tokens],
    ) -> None:
        """`searches`: for added tokens, in raw and in normalised text. `keep_special`: whether special ones are tokens.
        `fragment(text, normalized)`: the tokens of a text that has no added tokens."""
        self.searches, self.keep_special = searches, keep_special
        self._normalize, self._fragment = normalize, fragment

    def ids(self, texts: Sequence[str], before: Sequence[int], after: Sequence[int], room: slice) -> list[list[int]]:
        """A row for each text: `before`, the part `room` of its ids, `after`."""
        return [[*before, *self.tokens(text).ids[room], *after] for text in texts]

    def packed(self, texts: Sequence[str], room: slice) -> list[bytes]:
        """The part `room` of each text's ids, as the bytes of 64-bit integers."""
        return [array("q", self.tokens(text).ids[room]).tobytes() for text in texts]

    def with_offsets(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[Offset]]]:
        """The ids of each text, and [start, stop) of each of its tokens."""
        for text in texts:
            tokens = self.tokens(text)
            yield tokens.ids, tokens.detail[0]

    def tokens(self, text: str) -> Tokens:
        raw, normal = self.searches
        segments = [(None, 0, len(text))] if raw is None else raw.split(text, self.keep_special)
        if len(segments) == 1 and segments[0][0] is None:
            return self._between(text, normal)
        return Tokens.joined(
            [(a, self._between(text[a:b], normal) if index is None else _one(index, b - a)) for index, a, b in segments]
        )

    def _between(self, text: str, search: Search | None) -> Tokens:
        """The tokens of a text in which added tokens are yet to be looked for after normalising."""
        if search is None:
            return self._fragment(text, False)
        normal, origin = self._normalize(text)
        segments = search.split(normal, self.keep_special)
        if len(segments) == 1 and segments[0][0] is None:
            return self._fragment(text, False)
        joined = Tokens.joined(
            [(a, self._fragment(normal[a:b], True) if i is None else _one(i, b - a)) for i, a, b in segments]
        )

        def locate(_: str) -> Detail:
            offsets, words = joined.detail
            return [(origin[a], origin[b - 1] + 1) for a, b in offsets], words

        return Tokens(joined.ids, text, locate)


class _Known:
    """What a pipeline remembers of pieces of text."""

    def __init__(self, pipeline: BertPipeline) -> None:
        crossing = pipeline.crossing
        self.suspects: dict[str, Suspicion] = {}  # stretches in which a token that crosses whitespace may begin
        self.joins = Memory(lambda pair: crossing.joins(pair, self.suspects))
        self.ids = Memory(lambda piece: pipeline.piece_ids(piece, self.suspects))
        self.packed = Memory(lambda piece: array("q", pipeline.piece_ids(piece, self.suspects)).tobytes())
        self.steps = Memory(lambda piece: pipeline.piece_steps(piece, self.suspects))


class BertPipeline(Pipeline):
    """A pipeline that remembers what it made of each stretch between whitespace.

    Nothing in BERT's normalising and splitting looks across whitespace, nor does an added token that has none in it, so
    what a stretch gave once it gives always; and natural text repeats most. Stretches that an added token with
    whitespace may join are looked at together, as one piece.
    """

    def __init__(self, searches: Searches, keep_special: bool, engine: BertEngine) -> None:
        align, tokens = engine.normalizer.align, engine.tokens
        super().__init__(searches, keep_special, align, lambda text, normalized: tokens(text, normalized=normalized))
        self._engine, self._splitter = engine, Splitter(engine.normalizer)
        found = [search for search in searches if search is not None]
        self._wide = {index for search in found for index, t in search.tokens.values() if t.lstrip or t.rstrip}
        self.crossing = Crossing(searches, self._splitter, engine.normalizer)
        self._remembered = _Known(self)

    def ids(self, texts: Sequence[str], before: Sequence[int], after: Sequence[int], room: slice) -> list[list[int]]:
        known, flat = self._known(), chain.from_iterable
        rows = self._remembered_of(texts, known.ids, known)
        if room == slice(None):
            return [[*before, *flat(row), *after] for row in rows]
        if room.start is None:
            return [[*before, *islice(flat(row), room.stop), *after] for row in rows]
        return [[*before, *list(flat(row))[room], *after] for row in rows]

    def packed(self, texts: Sequence[str], room: slice) -> list[bytes]:
        known = self._known()
        whole = [b"".join(row) for row in self._remembered_of(texts, known.packed, known)]
        if room == slice(None):
            return whole
        start, stop = (None if place is None else place * ITEM for place in (room.start, room.stop))
        return [row[start:stop] for row in whole]

    def with_offsets(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[Offset]]]:
        known = self._known()
        for at in range(0, len(texts), BATCH):
            batch = texts[at : at + BATCH]
            split = self._split_for(batch)
            rows = [b"".join(row) for row in self._remembered_of(batch, known.steps, known)]
            for text, (ids, offsets, end) in zip(batch, summed(rows), strict=True):
                if end != len(text) and (split is not str.split or end != len(text.rstrip())):
                    stretches = split(text)
                    pieces = stretches.copy()
                    for run, piece in self._joined(text, stretches, known):
                        pieces[run] = [piece]
                    offsets = by_piece(text, pieces, known.steps.__getitem__) or self.tokens(text).detail[0]
                yield ids, offsets

    def _known(self) -> _Known:
        """What is remembered. The suspects are let go with all that was found beside them, so a caller keeps to one."""
        if len(self._remembered.suspects) > MOST_KEYS:
            self._remembered = _Known(self)
        return self._remembered

    def _split_for(self, texts: Sequence[str]) -> Callable[[str], list[str]]:
        """`str.split` where it does."""
        if self.crossing.anywhere:
            return _whole
        return str.split if self._splitter.is_plain("\n".join(texts)) else self._splitter.split

    def _remembered_of(self, texts: Sequence[str], memory: Memory[Value], known: _Known) -> Iterator[Iterable[Value]]:
        """For each text what is in `memory`, one of those in `known`, for each of its pieces."""
        split, look_up = self._split_for(texts), memory.__getitem__
        if self.crossing.none:
            return (map(look_up, split(text)) for text in texts)
        return (self._careful(text, split(text), look_up, known) for text in texts)

    def _careful(
        self, text: str, stretches: list[str], look_up: Callable[[str], Value], known: _Known
    ) -> Iterable[Value]:
        values = list(map(look_up, stretches))  # which finds the suspects
        for run, piece in self._joined(text, stretches, known):
            values[run] = [look_up(piece)]
        return values

    def _joined(self, text: str, stretches: list[str], known: _Known) -> list[tuple[slice, str]]:
        if known.suspects.keys().isdisjoint(stretches):
            return []
        return self.crossing.joined(text, stretches, known.suspects, known.joins)

    def piece_ids(self, piece: str, suspects: dict[str, Suspicion]) -> tuple[int, ...]:
        raw, normal = self.searches
        text = self._engine.normalizer.normalize(piece)
        if not self.crossing.none:
            self.crossing.suspect(piece, text, suspects)
        if (raw is None or raw.find(piece) is None) and (normal is None or normal.find(text) is None):
            return tuple(self._engine.ids(text))
        return tuple(self.tokens(piece).ids)

    def piece_steps(self, piece: str, suspects: dict[str, Suspicion]) -> bytes:
        if not self.crossing.none:
            self.crossing.suspect(piece, self._engine.normalizer.normalize(piece), suspects)
        tokens = self.tokens(piece)
        return packed_steps(tokens, certain=self._wide.isdisjoint(tokens.ids))

    def __reduce__(self) -> tuple[object, ...]:  # what it remembers can be worked out again
        return BertPipeline, (self.searches, self.keep_special, self._engine)


def _whole(text: str) -> list[str]:
    return [text]


def _one(index: int, length: int) -> Tokens:
    """An added token, `length` characters long."""
    return Tokens([index], "", lambda _: ([(0, length)], [0]))
