"""Added tokens: found in a text before anything else looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from . import unicode_tables as tables
from .normalize import character_class
from .special_tokens import AddedToken

Segment = tuple[int | None, int, int]  # the id of an added token, or None for text between; start and stop


class AddedTokens:
    """The added tokens of a vocabulary, by id, and the search for them.

    Of two that start at one place the longer wins. Those with `normalized=False` are looked for in the text as it
    came, the others in the normalised text between them, where their own normalised form is what counts; of two that
    normalise alike a special one wins, then the one that was added first.
    """

    def __init__(self, normalize: Callable[[str], str]) -> None:
        self.by_id: dict[int, AddedToken] = {}
        self.ids: dict[str, int] = {}
        self._normalize = normalize
        self._searches: tuple[_Search | None, _Search | None] | None = None

    def put(self, token: AddedToken, index: int) -> None:
        self.by_id[index] = token
        self.ids[token.content] = index
        self._searches = None

    def split(self, text: str, *, normalized: bool, keep_special: bool) -> list[Segment]:
        """`text` as added tokens and what lies between them; one segment of id None where there is no added token.

        `keep_special`: whether special tokens are tokens, or (False) ordinary text.
        """
        search = self.searches[normalized]
        return [(None, 0, len(text))] if search is None else search.split(text, keep_special)

    @property
    def searches(self) -> tuple[_Search | None, _Search | None]:
        """For raw text and for normalised text; None where there is nothing to look for."""
        if self._searches is None:
            order = sorted(self.by_id.items(), key=lambda item: not item[1].special)
            raw = [(token.content, index, token) for index, token in order if not token.normalized]
            normal = [(self._normalize(token.content), index, token) for index, token in order if token.normalized]
            self._searches = _search(raw), _search(normal)
        return self._searches

    def __getstate__(self) -> dict[str, object]:  # compiled patterns are made again
        return self.__dict__ | {"_searches": None}


class _Search:
    def __init__(self, tokens: dict[str, tuple[int, AddedToken]]) -> None:
        self.tokens = tokens
        self.find = re.compile(trie_pattern(tokens)).finditer

    def split(self, text: str, keep_special: bool) -> list[Segment]:
        segments: list[Segment] = []
        done = 0
        for match in self.find(text):
            start, stop = match.span()
            index, token = self.tokens[match[0]]
            if token.special and not keep_special:
                continue
            if token.single_word and (_ends_with_word()(text, 0, start) or _starts_with_word()(text, stop)):
                continue
            if token.lstrip:
                while start > done and text[start - 1] in _whitespace():
                    start -= 1
            if token.rstrip:
                while stop < len(text) and text[stop] in _whitespace():
                    stop += 1
            if done < start:
                segments.append((None, done, start))
            segments.append((index, start, stop))
            done = stop
        if done < len(text):
            segments.append((None, done, len(text)))
        return segments


def _search(found: Iterable[tuple[str, int, AddedToken]]) -> _Search | None:
    tokens: dict[str, tuple[int, AddedToken]] = {}
    for text, index, token in found:
        if text:
            tokens.setdefault(text, (index, token))
    return _Search(tokens) if tokens else None


def trie_pattern(words: Iterable[str]) -> str:
    """A regular expression that matches the longest of `words`, written as their trie, so that its cost does not grow
    with their number: `["ab", "ac", "a"]` -> `a(?:[bc])?`."""
    trie: dict[str, dict] = {}  # type: ignore[type-arg]
    for word in words:
        node = trie
        for char in word:
            node = node.setdefault(char, {})
        node[""] = {}
    return _pattern(trie)


def _pattern(trie: dict[str, dict]) -> str:  # type: ignore[type-arg]
    branches, leaves = [], ""
    for char, node in trie.items():
        text = char
        while len(node) == 1 and "" not in node:  # a chain needs no group
            char, node = next(iter(node.items()))
            text += char
        if text and node.keys() - {""}:
            branches.append(re.escape(text) + _pattern(node))
        elif len(text) > 1:
            branches.append(re.escape(text))
        else:
            leaves += re.escape(text)
    branches += [f"[{leaves}]"] if leaves else []
    pattern = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
    return f"(?:{pattern})?" if "" in trie else pattern


@cache
def _starts_with_word() -> Callable[..., re.Match[str] | None]:
    return re.compile(f"[{character_class(tables.WORD)}]").match


@cache
def _ends_with_word() -> Callable[..., bool]:
    match = _starts_with_word()
    return lambda text, _start, stop: stop > 0 and match(text, stop - 1) is not None


@cache
def _whitespace() -> frozenset[str]:
    from .normalize import code_points

    return frozenset(map(chr, code_points(tables.WHITESPACE)))
