"""Added tokens: found in a text before anything else looks at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Set
from functools import cache

from . import unicode_tables as tables
from .deferred import DeferredTokens
from .memory import no_collection
from .normalize import character_class, code_points
from .special_tokens import AddedToken

Segment = tuple[int | None, int, int]  # the id of an added token, or None for text between; start and stop
HEAD = 4  # characters by which a token may be suspected; the first two say where to look


class AddedTokens:
    """The added tokens of a vocabulary, by id, and the search for them.

    Of two that start at one place the longer wins. Those with `normalized=False` are looked for in the text as it
    came, the others in the normalised text between them, where their own normalised form is what counts; of two that
    normalise alike a special one wins, then the one that was added first.
    """

    def __init__(self, normalize: Callable[[str], str]) -> None:
        self._by_id: dict[int, AddedToken] = {}
        self._ids: dict[str, int] = {}
        self._later: tuple[DeferredTokens, Callable[[Mapping[int, AddedToken]], None]] | None = None
        self._normalize = normalize
        self._searches: Searches | None = None

    @property
    def by_id(self) -> dict[int, AddedToken]:
        self._settle()
        return self._by_id

    @property
    def ids(self) -> dict[str, int]:
        self._settle()
        return self._ids

    def put(self, token: AddedToken, index: int) -> None:
        self._by_id[index] = token
        self._ids[token.content] = index
        self._searches = None

    def put_all(self, tokens: Mapping[int, AddedToken]) -> None:
        self._by_id |= tokens
        self._ids |= {token.content: index for index, token in tokens.items()}
        self._searches = None

    def defer(self, tokens: DeferredTokens, check: Callable[[Mapping[int, AddedToken]], None]) -> None:
        """As `put_all`, when a token is first asked for. `check` raises if the tokens cannot be this vocabulary's."""
        self._settle()
        self._later = tokens, check

    def named(self, content: str) -> AddedToken | None:
        """The token of that content, found without reading those that are deferred."""
        index = self._ids.get(content)
        if index is not None:
            return self._by_id[index]
        found = None if self._later is None else self._later[0].named(content)
        return None if found is None else found[1]

    def clear(self) -> None:
        self._by_id, self._ids, self._later, self._searches = {}, {}, None, None

    def _settle(self) -> None:
        """Two threads may be here at once: both do the same."""
        later = self._later
        if later is not None:
            tokens, check = later
            check(tokens)
            ids = {token.content: index for index, token in tokens.items()}
            self._by_id = {**tokens.read(), **self._by_id}  # what was put meanwhile counts
            self._ids = ids | self._ids
            self._later = None

    @property
    def searches(self) -> Searches:
        """For raw text and for normalised text; None where there is nothing to look for."""
        if self._searches is None or self._later is not None:
            with no_collection():
                self._searches = self._new_searches()
        return self._searches

    def _new_searches(self) -> Searches:
        self._settle()
        order = sorted(self._by_id.items(), key=lambda item: not item[1].special)
        raw = [(token.content, index, token) for index, token in order if not token.normalized]
        normal = [(index, token) for index, token in order if token.normalized]
        forms = [self._normalize(token.content) for _, token in normal]
        return _search(raw), _search((f, *item) for f, item in zip(forms, normal, strict=True))


class AnyOf:
    """The leftmost of many strings in a text; of those that start at one place the longest.

    Where one may start is found by its first characters, and a look-up for each length that such a one can have
    decides: neither building this nor searching takes notably longer for 50,000 strings than for five.
    """

    def __init__(self, strings: Set[str] | Mapping[str, object]) -> None:
        self._strings = strings
        lengths: dict[str, set[int]] = {}
        for string in strings:
            lengths.setdefault(string[:HEAD], set()).add(len(string))
        self._lengths = {head: sorted(found, reverse=True) for head, found in lengths.items()}
        self._heads = sorted(set(map(len, lengths)), reverse=True)
        self._head = re.compile(_any_head({head[:2] for head in lengths})).search

    def find(self, text: str, start: int = 0) -> tuple[int, int] | None:
        """[start, stop) of the first at or after `start`."""
        while (place := self._head(text, start)) is not None:
            start = place.start()
            for head in self._heads:
                for length in self._lengths.get(text[start : start + head], ()):
                    if (found := text[start : start + length]) in self._strings:
                        return start, start + len(found)
            start += 1
        return None


class Search(AnyOf):
    """Added tokens in a text, by the form in which they are looked for."""

    def __init__(self, tokens: Mapping[str, tuple[int, AddedToken]]) -> None:
        super().__init__(tokens)
        self.tokens = tokens

    def split(self, text: str, keep_special: bool) -> list[Segment]:
        segments: list[Segment] = []
        done = at = 0
        while (found := self.find(text, at)) is not None:
            start, stop = found
            at = stop
            index, token = self.tokens[text[start:stop]]
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


Searches = tuple[Search | None, Search | None]  # of raw text, of normalised text


def _search(found: Iterable[tuple[str, int, AddedToken]]) -> Search | None:
    tokens: dict[str, tuple[int, AddedToken]] = {}
    for text, index, token in found:
        if text:
            tokens.setdefault(text, (index, token))
    return Search(tokens) if tokens else None


def _any_head(heads: Iterable[str]) -> str:
    """A regular expression for any of some strings of one or two characters."""
    seconds: dict[str, list[str]] = {}
    for head in sorted(heads, reverse=True):
        seconds.setdefault(head[0], []).append(head[1:])
    branches = []
    for first, rest in seconds.items():
        after = "".join(map(re.escape, rest))
        branches.append(re.escape(first) + (f"[{after}]" if "" not in rest else ""))
    return "|".join(branches)


@cache
def _starts_with_word() -> Callable[..., re.Match[str] | None]:
    return re.compile(f"[{character_class(tables.WORD)}]").match


@cache
def _ends_with_word() -> Callable[..., bool]:
    match = _starts_with_word()
    return lambda text, _start, stop: stop > 0 and match(text, stop - 1) is not None


@cache
def _whitespace() -> frozenset[str]:
    return frozenset(map(chr, code_points(tables.WHITESPACE)))
