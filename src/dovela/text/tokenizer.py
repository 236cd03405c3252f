"""The Python engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any

from ..errors import InputError
from .added_tokens import AddedTokens, Searches
from .assembly import Assembly
from .base import PreTrainedTokenizerBase
from .deferred import DeferredTokens
from .pipeline import Pipeline
from .rows import Detail, Offset, Place, Tokens
from .special_tokens import AddedToken
from .surface import find_surface, words_of
from .truncation import Truncation
from .vocabulary import read_vocabulary, write_vocabulary


class PreTrainedTokenizer(PreTrainedTokenizerBase, register=False):
    """A tokenizer in Python. One of your own needs a vocabulary and `_tokenize`:

        class WhitespaceTokenizer(PreTrainedTokenizer):
            def _tokenize(self, text):
                return text.split()

        tokenizer = WhitespaceTokenizer("vocab.txt", unk_token="<unk>")

    It can do at once what every tokenizer can, and AutoTokenizer knows it. Other hooks, each optional:
    `build_inputs_with_special_tokens`, `convert_tokens_to_string`, `_normalize` and, for tokens that are not found in
    the text by name, `_find` (one at a time) or `_located` (all at once).
    """

    def __init__(self, vocab_file: str | PathLike[str] | Mapping[str, int] | None = None, **options: Any) -> None:
        """`vocab_file`: a file with one token a line, a JSON file or a mapping from token to id."""
        self.vocab = read_vocabulary(type(self).__name__, vocab_file)
        self._tokens_by_id = {index: token for token, index in self.vocab.items()}
        self._last_id = max(self._tokens_by_id)
        self._added = AddedTokens(lambda text: self._normal_form(text))
        self._pipeline: Pipeline | None = None
        super().__init__(**options)

    # Hooks

    def _tokenize(self, text: str) -> list[str]:
        """Cut a text, in which there is no added token, into tokens."""
        raise NotImplementedError(f"{type(self).__name__} must define _tokenize(self, text) -> list of tokens")

    def _normalize(self, text: str) -> tuple[str, Sequence[int]]:
        """What added tokens with `normalized=True` are looked for in, and for each character its index in `text`."""
        return text, range(len(text))

    def _normal_form(self, text: str) -> str:
        return self._normalize(text)[0]

    def _find(self, token: str, text: str, start: int) -> Offset | None:
        """Where `token` lies in `text`, at or after `start`; for offsets."""
        return find_surface(token, text, start)

    # The vocabulary

    @property
    def vocab_size(self) -> int:
        return len(self.vocab)

    def get_vocab(self) -> dict[str, int]:
        return self.vocab | self._added.ids

    def __len__(self) -> int:
        return len(self.vocab) + sum(token not in self.vocab for token in self._added.ids)

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        return dict(sorted(self._added.by_id.items()))

    def _token_to_id(self, token: str) -> int | None:
        index = self.vocab.get(token)
        return self._added.ids.get(token) if index is None else index

    def _id_to_token(self, index: int) -> str | None:
        token = self._tokens_by_id.get(index)
        return self._added.by_id[index].content if token is None and index in self._added.by_id else token

    def _added_token(self, content: str) -> AddedToken | None:
        return self._added.named(content)

    def _add(self, tokens: list[AddedToken]) -> int:
        fresh = [token for token in tokens if self._added.named(token.content) != token]
        if all(token.content in self.vocab for token in fresh):
            for token in fresh:
                self._added.put(token, self.vocab[token.content])
            return 0
        first = free = max([self._last_id, *self._added.by_id]) + 1
        for token in fresh:
            index = self._token_to_id(token.content)
            if index is None:
                index, free = free, free + 1
            self._added.put(token, index)
        return free - first

    def _restore(self, tokens: Mapping[int, AddedToken]) -> None:
        if isinstance(tokens, DeferredTokens):
            self._added.defer(tokens, self._check_restored)
            return
        self._check_restored(tokens)
        for index, token in tokens.items():
            self._added.put(token, index)

    def _check_restored(self, tokens: Mapping[int, AddedToken]) -> None:
        vocab, known = self.vocab, self._tokens_by_id
        for index, token in tokens.items():
            content = token.content
            if (index in known or content in vocab) and known.get(index) != content:
                raise InputError(
                    getattr(tokens, "where", f"{type(self).__name__}.added_tokens_decoder"),
                    f"id {index} is {content!r} there, and {known.get(index, content)!r} in the vocabulary",
                    hint="The vocabulary and the tokenizer's other files are of two different tokenizers.",
                )

    def _vocabulary_files(self) -> dict[str, bytes]:
        name = self.vocab_files_names["vocab_file"]
        return {
            name: write_vocabulary(f"{type(self).__name__}.save_vocabulary", self.vocab, as_json=name.endswith(".json"))
        }

    # From texts to rows

    def _assembly(self, special: bool, truncation: Truncation | None, where: str) -> Assembly:
        return Assembly(
            self._current_pipeline(),
            partial(self._template, special=special),
            self._names,
            truncation,
            self.num_special_tokens_to_add,
            where,
        )

    def _current_pipeline(self) -> Pipeline:
        searches, keep = self._added.searches, not self.split_special_tokens
        made = self._pipeline
        if made is None or made.searches is not searches or made.keep_special != keep:
            made = self._pipeline = self._new_pipeline(searches, keep)
        return made

    def _new_pipeline(self, searches: Searches, keep_special: bool) -> Pipeline:
        return Pipeline(searches, keep_special, self._normalize, self._fragment)

    def _roles_changed(self) -> None:
        self._pipeline = None  # it may know the id of unk_token

    def _template(self, pair: bool, special: bool) -> list[Place]:
        """What a row consists of, learnt from the two hooks that build one."""
        if not special:
            return [(~0, 0), (~1, 1)][: 1 + pair]
        marks = [~0], [~1] if pair else None
        ids = self.build_inputs_with_special_tokens(*marks)
        types = self.create_token_type_ids_from_sequences(*marks)
        if len(ids) != len(types):
            raise InputError(
                type(self).__name__,
                f"build_inputs_with_special_tokens gives {len(ids)} ids for sequences of one token, and "
                f"create_token_type_ids_from_sequences {len(types)} type ids",
            )
        return list(zip(ids, types, strict=True))

    def _fragment(self, text: str, normalized: bool) -> Tokens:
        """The tokens of a text without added tokens; `normalized` says that `_normalize` has been there."""
        tokens = self._tokenize(text)
        return Tokens(self.convert_tokens_to_ids(tokens), text, lambda _: self._located(text, tokens))

    def _located(self, text: str, tokens: list[str]) -> Detail:
        """Offsets by looking for each token in turn; a word reaches from whitespace to whitespace."""
        offsets: list[Offset] = []
        at = 0
        for token in tokens:
            found = self._find(token, text, at)
            if found is None:
                raise InputError(
                    f"{type(self).__name__}",
                    f"token {token!r} is not in {text[at : at + 40]!r}, so its offset is not known",
                    hint="Override _find(token, text, start) -> (start, stop).",
                )
            offsets.append(found)
            at = found[1]
        return offsets, words_of(text, offsets)

    def __getstate__(self) -> dict[str, Any]:
        added = dict(self._added.by_id)
        return self.__dict__ | {"_added": added, "_pipeline": None, "_skipped": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._added = AddedTokens(lambda text: self._normal_form(text))
        self._added.put_all(state["_added"])
