"""BERT's way from a text to pieces of the vocabulary: split at spaces and punctuation, then the longest piece first.

Reference: Devlin et al. 2018; Wu et al. 2016 ("Google's neural machine translation system") for the pieces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from itertools import chain

from . import unicode_tables as tables
from .memory import Memory
from .normalize import BertNormalizer, character_class, code_points
from .rows import Detail, Offset, Tokens

LONGEST_WORD = 100  # characters; a longer word is unknown
Pieces = tuple[tuple[int, ...], tuple[int, ...]]  # of a word: ids, and where each ends in the word


class WordPiece:
    """A vocabulary's pieces: `word("embeddings")` -> ids of em ##bed ##ding ##s, and where each ends in the word."""

    def __init__(
        self, vocab: Mapping[str, int], unk_id: int, prefix: str = "##", longest_word: int = LONGEST_WORD
    ) -> None:
        self.unk_id, self.longest_word = unk_id, longest_word
        self.first = dict(vocab)
        self.later = {t.removeprefix(prefix): i for t, i in vocab.items() if t.startswith(prefix)}
        self.longest = max(map(len, vocab), default=0)

    def word(self, word: str) -> Pieces:
        size = len(word)
        if size > self.longest_word:
            return (self.unk_id,), (size,)
        if (index := self.first.get(word)) is not None:
            return (index,), (size,)
        start, ids, ends, pieces = 0, [], [], self.first
        while start < size:
            for stop in range(min(size, start + self.longest), start, -1):
                if (index := pieces.get(word[start:stop])) is not None:
                    break
            else:
                return (self.unk_id,), (size,)
            ids.append(index)
            ends.append(stop)
            start, pieces = stop, self.later
        return tuple(ids), tuple(ends)


class BertEngine:
    """Text without added tokens -> tokens, with a memory of every word met before."""

    def __init__(self, normalizer: BertNormalizer, pieces: WordPiece) -> None:
        self.normalizer, self.pieces = normalizer, pieces
        self._words = _word_pattern()
        self._word_ids = Memory(lambda word: pieces.word(word)[0])
        self._word_ends = Memory(lambda word: pieces.word(word)[1])

    def ids(self, normal: str) -> list[int]:
        """The ids of a text that is normalised already."""
        return list(chain.from_iterable(map(self._word_ids.__getitem__, self._words.findall(normal))))

    def tokens(self, text: str, *, normalized: bool = False) -> Tokens:
        """The tokens of `text`; `normalized` says that the normaliser has been here already."""
        if normalized:
            return Tokens(self.ids(text), text, self._locate_normal)
        return Tokens(self.ids(self.normalizer.normalize(text)), text, self._locate)

    def _locate(self, text: str) -> Detail:
        return self._detail(*self.normalizer.align(text))

    def _locate_normal(self, text: str) -> Detail:
        return self._detail(text, range(len(text)))

    def _detail(self, normal: str, origin: list[int] | range) -> Detail:
        """Offsets in the original text and word indices. A token reaches from the source of its first character
        through the source of its last."""
        offsets: list[Offset] = []
        words: list[int] = []
        for number, match in enumerate(self._words.finditer(normal)):
            base = start = match.start()
            for end in self._word_ends[match[0]]:
                offsets.append((origin[start], origin[base + end - 1] + 1))
                words.append(number)
                start = base + end
        return offsets, words

    def __reduce__(self) -> tuple[object, ...]:  # what it remembers can be worked out again
        return BertEngine, (self.normalizer, self.pieces)


class Splitter:
    """Text -> the stretches between its whitespace. No word, no normalising reaches across one.

    A control character that cleaning removes does not split, even where Unicode calls it whitespace.
    """

    def __init__(self, normalizer: BertNormalizer) -> None:
        gone = set(code_points(tables.CLEAN_DROPS)) if normalizer.clean_text else set()
        spaces = {chr(c) for c in code_points(tables.WHITESPACE) if c not in gone}
        self._stretches = re.compile(f"[^{''.join(sorted(spaces))}]+")
        self.space = re.compile(f"[{''.join(sorted(spaces))}]").search
        # Where `str.split` sees it otherwise: a handful of control characters.
        self._odd = [chr(c) for c in range(0x3001) if chr(c).isspace() != (chr(c) in spaces)]

    def is_plain(self, text: str) -> bool:
        """Whether `text.split()` gives the same as `split(text)`."""
        return not any(char in text for char in self._odd)

    def split(self, text: str) -> list[str]:
        return self._stretches.findall(text)


@cache
def _word_pattern() -> re.Pattern[str]:
    space, punctuation = character_class(tables.WHITESPACE), character_class(tables.PUNCTUATION)
    return re.compile(f"[{punctuation}]|[^{space}{punctuation}]+")
