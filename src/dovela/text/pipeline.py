"""From texts to ids: added tokens first, then what lies between them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain, islice

from .added_tokens import Search, Searches
from .crossing import Crossing, Suspicion
from .memory import MOST_KEYS, Memory
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
    """What a pipeline remembers of stretches."""

    def __init__(self, pipeline: BertPipeline) -> None:
        self.suspects: dict[str, Suspicion] = {}  # stretches in which a token that crosses whitespace may begin
        self.ids = Memory(lambda stretch: pipeline.stretch_ids(stretch, self.suspects))
        self.packed = Memory(lambda stretch: array("q", pipeline.stretch_ids(stretch, self.suspects)).tobytes())
        self.steps = Memory(lambda stretch: pipeline.stretch_steps(stretch, self.suspects))


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
        found = [search for search in searches if search is not None]
        self._wide = {index for search in found for index, t in search.tokens.values() if t.lstrip or t.rstrip}
        self._crossing = Crossing(searches, self._splitter, engine.normalizer)
        self._remembered = _Known(self)

    def ids(self, texts: Sequence[str], before: Sequence[int], after: Sequence[int], room: slice) -> list[list[int]]:
        if self._crossing.anywhere:
            return super().ids(texts, before, after, room)
        split, memory, flat = self._split_for(texts), self._known(), chain.from_iterable
        known = memory.ids.__getitem__
        if not self._crossing.none:
            return [[*before, *self._careful(text, split, memory)[room], *after] for text in texts]
        if room == slice(None):
            return [[*before, *flat(map(known, split(text))), *after] for text in texts]
        if room.start is None:
            return [[*before, *islice(flat(map(known, split(text))), room.stop), *after] for text in texts]
        return [[*before, *list(flat(map(known, split(text))))[room], *after] for text in texts]

    def packed(self, texts: Sequence[str], room: slice) -> list[bytes]:
        if self._crossing.anywhere:
            return super().packed(texts, room)
        split, memory = self._split_for(texts), self._known()
        if not self._crossing.none:
            return [array("q", self._careful(text, split, memory)[room]).tobytes() for text in texts]
        known = memory.packed.__getitem__
        whole = [b"".join(map(known, split(text))) for text in texts]
        if room == slice(None):
            return whole
        start, stop = (None if place is None else place * ITEM for place in (room.start, room.stop))
        return [row[start:stop] for row in whole]

    def _split_for(self, texts: Sequence[str]) -> Callable[[str], list[str]]:
        """`str.split` where it does."""
        return str.split if self._splitter.is_plain("\n".join(texts)) else self._splitter.split

    def _known(self) -> _Known:
        """What is remembered. The suspects are let go with all that was found beside them, so a caller keeps to one."""
        if len(self._remembered.suspects) > MOST_KEYS:
            self._remembered = _Known(self)
        return self._remembered

    def _careful(self, text: str, split: Callable[[str], list[str]], memory: _Known) -> list[int]:
        stretches = split(text)
        ids = list(chain.from_iterable(map(memory.ids.__getitem__, stretches)))
        return self.tokens(text).ids if self._crosses(stretches, memory) else ids

    def _crosses(self, stretches: Sequence[str], memory: _Known) -> bool:
        suspects = memory.suspects
        return not suspects.keys().isdisjoint(stretches) and self._crossing.within(stretches, suspects)

    def stretch_ids(self, stretch: str, suspects: dict[str, Suspicion]) -> tuple[int, ...]:
        raw, normal = self.searches
        text = self._engine.normalizer.normalize(stretch)
        if not self._crossing.none:
            self._crossing.suspect(stretch, text, suspects)
        if (raw is None or raw.find(stretch) is None) and (normal is None or normal.find(text) is None):
            return tuple(self._engine.ids(text))
        return tuple(self.tokens(stretch).ids)

    # Offsets. A stretch's are remembered as steps: from the end of what came before, one space earlier, to the first
    # token's start, from there to its end, to the second's start, … So a text's are the running sum of its stretches'
    # steps. The sum is right if each space is single and each stretch ends with a token, and only then does it come
    # out at the text's length, since all else makes it fall short.

    def with_offsets(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[Offset]]]:
        split, memory, plain = self._split_for(texts), self._known(), True
        known, flat, certain = memory.steps.__getitem__, chain.from_iterable, self._crossing.none
        plain = split is str.split
        if self._crossing.anywhere:
            yield from super().with_offsets(texts)
            return
        for text in texts:
            stretches = split(text)
            if not stretches:
                yield [], []
                continue
            ids, steps = zip(*map(known, stretches), strict=True)
            if not certain and self._crosses(stretches, memory):
                yield from super().with_offsets([text])
                continue
            sums = accumulate(flat(steps), initial=-1)
            next(sums)
            offsets = list(zip(sums, sums, strict=False))
            if not plain or not offsets or (offsets[-1][1] != len(text) and offsets[-1][1] != len(text.rstrip())):
                yield (list(flat(ids)), self._by_stretch(text, stretches, steps))
            else:
                yield list(flat(ids)), offsets

    def _by_stretch(self, text: str, stretches: Sequence[str], steps: Sequence[tuple[int, ...]]) -> list[Offset]:
        """Offsets where there is more than a space between stretches, or more in a stretch than its tokens."""
        if NO_TOKENS in steps:
            return self.tokens(text).detail[0]
        offsets: list[Offset] = []
        at = 0
        for stretch, found in zip(stretches, steps, strict=True):
            start = text.index(stretch, at)  # what lies before it is whitespace
            sums = islice(accumulate(found, initial=start - 1), 1, None)
            offsets += zip(sums, sums, strict=False)
            at = start + len(stretch)
        return offsets

    def stretch_steps(self, stretch: str, suspects: dict[str, Suspicion]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Its ids and its steps."""
        if not self._crossing.none:
            self._crossing.suspect(stretch, self._engine.normalizer.normalize(stretch), suspects)
        tokens = self.tokens(stretch)
        if not self._wide.isdisjoint(tokens.ids):
            return tuple(tokens.ids), NO_TOKENS  # such a token's offset depends on the whitespace around
        steps, last = [], -1
        for start, stop in tokens.detail[0]:
            steps += [start - last, stop - start]
            last = stop
        return tuple(tokens.ids), tuple(steps)

    def __reduce__(self) -> tuple[object, ...]:  # what it remembers can be worked out again
        return BertPipeline, (self.searches, self.keep_special, self._engine)


def _one(index: int, length: int) -> Tokens:
    """An added token, `length` characters long."""
    return Tokens([index], "", lambda _: ([(0, length)], [0]))
