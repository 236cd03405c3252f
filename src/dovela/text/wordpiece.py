"""BERT's way from a text to pieces of the vocabulary: split at spaces and punctuation, then the longest piece first.

Reference: Devlin et al. 2018; Wu et al. 2016 ("Google's neural machine translation system") for the pieces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from . import unicode_tables as tables
from .normalize import BertNormalizer, character_class, code_points
from .rows import Detail, Offset, Tokens

LONGEST_WORD = 100  # characters; a longer word is unknown
LONGEST_CHUNK = 64  # characters; a longer stretch without whitespace hardly comes twice
CACHE_SIZE = 1 << 18  # entries; a full cache is emptied


class WordPiece:
    """A vocabulary's pieces: `word("embeddings")` -> ids of em ##bed ##ding ##s, and where each ends in the word."""

    def __init__(self, vocab: Mapping[str, int], unk_id: int, prefix: str = "##") -> None:
        self.unk_id = unk_id
        self.first = dict(vocab)
        self.later = {t.removeprefix(prefix): i for t, i in vocab.items() if t.startswith(prefix)}
        self.longest = max(map(len, vocab), default=0)

    def word(self, word: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        if (index := self.first.get(word)) is not None and len(word) <= LONGEST_WORD:
            return (index,), (len(word),)
        size, start, ids, ends, pieces = len(word), 0, [], [], self.first
        if size > LONGEST_WORD:
            return (self.unk_id,), (size,)
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
    """Text -> tokens, with a memory of every stretch between whitespace and of every word met before.

    Normalising acts within such a stretch, so what a stretch gave once it gives always; natural text repeats most.
    """

    def __init__(self, normalizer: BertNormalizer, pieces: WordPiece) -> None:
        self.normalizer, self.pieces = normalizer, pieces
        space, punctuation = character_class(tables.WHITESPACE), character_class(tables.PUNCTUATION)
        self._words = re.compile(f"[{punctuation}]|[^{space}{punctuation}]+")
        # A control character that cleaning removes does not split, even where Unicode calls it whitespace.
        gone = set(code_points(tables.CLEAN_DROPS)) if normalizer.clean_text else set()
        self._chunks = re.compile(f"[^{''.join(chr(c) for c in code_points(tables.WHITESPACE) if c not in gone)}]+")
        self._seen: dict[str, tuple[int, ...]] = {}
        self._pieces_of: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {}

    def tokens(self, text: str, *, normalized: bool = False) -> Tokens:
        """The tokens of `text`; `normalized` says that the normaliser has been here already."""
        if normalized:
            return Tokens(self._ids(text), text, self._locate_normal)
        ids: list[int] = []
        seen = self._seen
        for chunk in self._chunks.findall(text):
            known = seen.get(chunk)
            if known is None:
                known = tuple(self._ids(self.normalizer.normalize(chunk)))
                if len(chunk) <= LONGEST_CHUNK:
                    if len(seen) >= CACHE_SIZE:
                        seen.clear()
                    seen[chunk] = known
            ids += known
        return Tokens(ids, text, self._locate)

    def _locate(self, text: str) -> Detail:
        return self._detail(*self.normalizer.align(text))

    def _locate_normal(self, text: str) -> Detail:
        return self._detail(text, range(len(text)))

    def _word(self, word: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        known = self._pieces_of.get(word)
        if known is None:
            known = self.pieces.word(word)
            if len(word) <= LONGEST_CHUNK:
                if len(self._pieces_of) >= CACHE_SIZE:
                    self._pieces_of.clear()
                self._pieces_of[word] = known
        return known

    def _ids(self, normal: str) -> list[int]:
        return [index for word in self._words.findall(normal) for index in self._word(word)[0]]

    def _detail(self, normal: str, origin: list[int] | range) -> Detail:
        """Offsets in the original text and word indices. A token reaches from the source of its first character
        through the source of its last."""
        offsets: list[Offset] = []
        words: list[int] = []
        for number, match in enumerate(self._words.finditer(normal)):
            base = start = match.start()
            for end in self._word(match[0])[1]:
                offsets.append((origin[start], origin[base + end - 1] + 1))
                words.append(number)
                start = base + end
        return offsets, words

    def __reduce__(self) -> tuple[object, ...]:
        return BertEngine, (self.normalizer, self.pieces)
