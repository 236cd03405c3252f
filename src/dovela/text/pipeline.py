"""From texts to ids: added tokens first, then what lies between them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate, chain, islice

from .added_tokens import AnyOf, Search, Searches
from .memory import Memory
from .rows import Detail, Offset, Tokens
from .wordpiece import BertEngine, Splitter

ITEM = array("q").itemsize
NO_TOKENS: tuple[int, ...] = ()


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

    def offsets(self, text: str) -> list[Offset]:
        """[start, stop) of each of the text's tokens."""
        return self.tokens(text).detail[0]

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


class _AcrossWords(Exception):
    """A stretch may be part of an added token that has whitespace in it."""


class BertPipeline(Pipeline):
    """A pipeline that remembers what it made of each stretch between whitespace.

    Nothing in BERT's normalising and splitting looks across whitespace, nor does an added token that has none in it, so
    what a stretch gave once it gives always; and natural text repeats most. Texts in which an added token with
    whitespace may be are the exception: they go the long way, `tokens`.
    """

    def __init__(self, searches: Searches, keep_special: bool, engine: BertEngine) -> None:
        align, tokens = engine.normalizer.align, engine.tokens
        super().__init__(searches, keep_special, align, lambda text, normalized: tokens(text, normalized=normalized))
        self._engine, self._splitter = engine, Splitter(engine.normalizer)
        self._ids = Memory(self._stretch)
        self._packed = Memory(lambda stretch: array("q", self._stretch(stretch)).tobytes())
        self._steps = Memory(self._stretch_steps)
        found = [search for search in searches if search is not None]
        self._wide = {index for search in found for index, t in search.tokens.values() if t.lstrip or t.rstrip}
        # Of the added tokens with whitespace in them, the first part without: where it is, there one may be.
        parts = [self._first_parts(search) for search in searches]
        self._across = None if None in parts else [AnyOf(part) if part else None for part in parts]
        self._certain = self._across == [None, None]  # there is no such token

    def _first_parts(self, search: Search | None) -> set[str] | None:
        """None where a token consists of whitespace: then any text may have it."""
        tokens = () if search is None else search.tokens
        parts = [self._splitter.split(form) for form in tokens if self._splitter.space(form)]
        return {part[0] for part in parts} if all(parts) else None

    def ids(self, texts: Sequence[str], before: Sequence[int], after: Sequence[int], room: slice) -> list[list[int]]:
        split, known, flat = self._split_for(texts), self._ids.__getitem__, chain.from_iterable
        if not self._certain:
            return [[*before, *self._careful(text)[room], *after] for text in texts]
        if room == slice(None):
            return [[*before, *flat(map(known, split(text))), *after] for text in texts]
        if room.start is None:
            return [[*before, *islice(flat(map(known, split(text))), room.stop), *after] for text in texts]
        return [[*before, *list(flat(map(known, split(text))))[room], *after] for text in texts]

    def packed(self, texts: Sequence[str], room: slice) -> list[bytes]:
        if not self._certain:
            return [array("q", self._careful(text)[room]).tobytes() for text in texts]
        split, known = self._split_for(texts), self._packed.__getitem__
        whole = [b"".join(map(known, split(text))) for text in texts]
        if room == slice(None):
            return whole
        start, stop = (None if place is None else place * ITEM for place in (room.start, room.stop))
        return [row[start:stop] for row in whole]

    def _split_for(self, texts: Sequence[str]) -> Callable[[str], list[str]]:
        """`str.split` where it does."""
        return str.split if self._splitter.is_plain("\n".join(texts)) else self._splitter.split

    def _careful(self, text: str) -> list[int]:
        try:
            return list(chain.from_iterable(map(self._ids.__getitem__, self._splitter.split(text))))
        except _AcrossWords:
            return self.tokens(text).ids

    def _stretch(self, stretch: str) -> tuple[int, ...]:
        raw, normal = self.searches
        text = self._engine.normalizer.normalize(stretch)
        if not self._certain:
            self._check(stretch, text)
        if (raw is None or raw.find(stretch) is None) and (normal is None or normal.find(text) is None):
            return tuple(self._engine.ids(text))
        return tuple(self.tokens(stretch).ids)

    def _check(self, stretch: str, normal: str) -> None:
        if self._across is None:
            raise _AcrossWords
        raw = self.searches[0]
        in_raw, in_normal = self._across
        if in_raw is not None and in_raw.find(stretch) is not None:
            raise _AcrossWords
        if in_normal is not None and (in_normal.find(normal) or (raw is not None and raw.find(stretch))):
            raise _AcrossWords

    # Offsets. A stretch's are remembered as steps: from the end of what came before, one space earlier, to the first
    # token's start, from there to its end, to the second's start, … So a text's are the running sum of its stretches'
    # steps. The sum is right if each space is single and each stretch ends with a token, and only then does it come
    # out at the text's length, since all else makes it fall short.

    def offsets(self, text: str) -> list[Offset]:
        splitter = self._splitter
        plain = splitter.is_plain(text)
        words = text.split() if plain else splitter.split(text)
        try:
            steps = list(map(self._steps.__getitem__, words))
        except _AcrossWords:
            return self.tokens(text).detail[0]
        sums = list(accumulate(chain.from_iterable(steps), initial=-1))
        if not plain or sums[-1] != len(text.rstrip()):
            if NO_TOKENS in steps:
                return self.tokens(text).detail[0]
            sums, at = [-1], 0
            for word, found in zip(words, steps, strict=True):
                start = text.index(word, at)  # what lies before it is whitespace
                sums += islice(accumulate(found, initial=start - 1), 1, None)
                at = start + len(word)
        positions = iter(sums)
        next(positions)
        return list(zip(positions, positions, strict=True))

    def _stretch_steps(self, stretch: str) -> tuple[int, ...]:
        if not self._certain:
            self._check(stretch, self._engine.normalizer.normalize(stretch))
        tokens = self.tokens(stretch)
        if not self._wide.isdisjoint(tokens.ids):
            return NO_TOKENS  # such a token's offset depends on the whitespace around
        steps, last = [], -1
        for start, stop in tokens.detail[0]:
            steps += [start - last, stop - start]
            last = stop
        return tuple(steps)

    def __reduce__(self) -> tuple[object, ...]:  # what it remembers can be worked out again
        return BertPipeline, (self.searches, self.keep_special, self._engine)


def _one(index: int, length: int) -> Tokens:
    """An added token, `length` characters long."""
    return Tokens([index], "", lambda _: ([(0, length)], [0]))
