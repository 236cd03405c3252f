"""The Rust library's tokenizer behind Fast, with its added tokens."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, InputError
from .deferred import DeferredTokens, find_table
from .diagnosis import check_ids, inconsistent, unreadable
from .memory import no_collection
from .special_tokens import AddedToken
from .vocabulary import as_text, parse_json, read_bytes


class Library:
    """A `tokenizers.Tokenizer` and what it knows of added tokens.

    It takes the library half a second to take in 50,000 added tokens, and where the Python engine does the work nobody
    needs it to. So those of a file may be deferred: `bare` is the library's tokenizer without them, `full` with them,
    and the questions that can be answered without it are.
    """

    def __init__(self, where: str, bare: Any, deferred: DeferredTokens | None = None) -> None:
        """`where`: the name of the class, for messages."""
        self.bare = bare
        self._where = where
        self._deferred = [] if deferred is None else [deferred]  # all say the same, or `_sound` finds out
        self._added: dict[int, AddedToken] | None = None
        self._ids: dict[str, int] | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, where: str, path: Path) -> Library:
        """From a tokenizer.json. What is wrong in it is a CheckpointError that names the place."""
        from tokenizers import Tokenizer

        data = read_bytes(path)
        place = find_table(data, "added_tokens", "[]")
        if place is not None:
            start, stop = place
            try:
                bare = Tokenizer.from_str((data[:start] + b"[]" + data[stop:]).decode())
                if not bare.get_added_tokens_decoder() and not inconsistent(bare):
                    return cls(where, bare, DeferredTokens(str(path), data, start, stop))
            except Exception:  # the library raises nothing narrower; the whole file will tell why
                pass
        text = as_text(path, data)
        try:
            backend = Tokenizer.from_str(text)
        except Exception as error:  # the library raises nothing narrower
            raise CheckpointError(str(path), *unreadable(parse_json(path, text), error)) from error
        problems = inconsistent(backend)
        if problems:
            raise CheckpointError(str(path), *problems)
        return cls(where, backend)

    @classmethod
    def copy_of(cls, where: str, backend: Any) -> Library:
        from tokenizers import Tokenizer

        if not isinstance(backend, Tokenizer):
            raise InputError(
                f"{where}.tokenizer_object", f"expected a tokenizers.Tokenizer, got {type(backend).__name__}"
            )
        return cls(where, Tokenizer.from_str(backend.to_str()))

    @property
    def full(self) -> Any:
        """The library's tokenizer with all its added tokens."""
        if self._deferred:
            with self._lock:
                if self._deferred:
                    first, *others = self._deferred
                    self._take_in(first.read().values())
                    for tokens in others:
                        self._put_back(tokens)
                    self._deferred = []
        return self.bare

    # Questions

    def added(self, *, fresh: bool = False) -> dict[int, AddedToken]:
        """The added tokens by id. `fresh`: the library may have been changed from outside."""
        if self._added is None or fresh:
            with no_collection():
                found = self._sound()
            if found is None:
                library = sorted(self.full.get_added_tokens_decoder().items(), key=itemgetter(0))
                found = {index: AddedToken.of(token) for index, token in library}
            self._added, self._ids = found, None
        return self._added

    def _sound(self) -> dict[int, AddedToken] | None:
        """The deferred tokens, if the library would have them so; None where it must be asked."""
        if not self._deferred:
            return None
        first, *others = self._deferred
        tokens, id_of = first.read(), self.bare.token_to_id
        free = self.bare.get_vocab_size(with_added_tokens=False)
        for index, token in tokens.items():
            known = id_of(token.content)
            if index != (free if known is None else known):
                return None
            free += known is None
        for other in others:
            if any(tokens.get(index) != token for index, token in other.items()):
                return None
        return dict(sorted(tokens.items(), key=itemgetter(0)))

    def named(self, content: str) -> AddedToken | None:
        """The added token of that content. Those that are deferred are not read for it."""
        found = [pair for tokens in self._deferred if (pair := tokens.named(content)) is not None]
        if found or self._deferred:
            return found[-1][1] if found else None
        return next((token for token in self.added().values() if token.content == content), None)

    def id_of(self, token: str) -> int | None:
        index: int | None = self.bare.token_to_id(token)
        return self._deferred_ids().get(token) if index is None and self._deferred else index

    def vocab(self) -> dict[str, int]:
        vocab: dict[str, int] = self.bare.get_vocab(with_added_tokens=True)
        return vocab | self._deferred_ids() if self._deferred else vocab

    def size(self) -> int:
        return len(self.vocab()) if self._deferred else int(self.bare.get_vocab_size(with_added_tokens=True))

    def _deferred_ids(self) -> dict[str, int]:
        added = self.added()
        if self._ids is None:
            self._ids = {token.content: index for index, token in added.items()}
        return self._ids

    # Changes

    def add(self, tokens: list[AddedToken]) -> int:
        """Put tokens in, or give them other properties; how many are new."""
        fresh = [token for token in tokens if self.named(token.content) != token]
        if not fresh:
            return 0
        self.full  # noqa: B018
        before = self.size()
        self._take_in(fresh)
        check_ids(self._where, self.bare, fresh)
        return self.size() - before

    def restore(self, tokens: Mapping[int, AddedToken]) -> None:
        """Put the added tokens of a saved tokenizer back at their ids."""
        if isinstance(tokens, DeferredTokens) and (self._deferred or not self.bare.get_added_tokens_decoder()):
            self._deferred.append(tokens)
        else:
            self.full  # noqa: B018
            self._put_back(tokens)

    def _put_back(self, tokens: Mapping[int, AddedToken]) -> None:
        has = {index: AddedToken.of(token) for index, token in self.bare.get_added_tokens_decoder().items()}
        fresh = [tokens[index] for index in sorted(tokens) if has.get(index) != tokens[index]]
        self._take_in(fresh)
        check_ids(self._where, self.bare, fresh)
        for index, token in tokens.items():
            if (known := self.bare.token_to_id(token.content)) != index:
                raise InputError(
                    getattr(tokens, "where", f"{self._where}.added_tokens_decoder"),
                    f"{token.content!r} has id {index} there, and {known} in the vocabulary",
                    hint="The vocabulary and the tokenizer's other files are of two different tokenizers.",
                )

    def _take_in(self, tokens: Iterable[AddedToken]) -> None:
        from tokenizers import AddedToken as Rust

        for special, group in groupby(tokens, key=lambda token: token.special):  # ids follow the order given
            add = self.bare.add_special_tokens if special else self.bare.add_tokens
            add([Rust(**vars(token)) for token in group])
        self._added = self._ids = None

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_lock"}
        return state | {"_added": None, "_ids": None}  # which can be asked for again

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
