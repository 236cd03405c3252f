"""The Python engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any

from ..errors import InputError
from .added_tokens import AddedTokens
from .arguments import Input, Text
from .base import PreTrainedTokenizerBase
from .rows import Detail, Encoding, Offset, Place, Row, Tokens
from .special_tokens import AddedToken
from .truncation import Truncation
from .vocabulary import read_vocabulary, write_vocabulary


class PreTrainedTokenizer(PreTrainedTokenizerBase, register=False):
    """A tokenizer in Python. One of your own needs a vocabulary and `_tokenize`:

        class WhitespaceTokenizer(PreTrainedTokenizer):
            def _tokenize(self, text):
                return text.split()

        tokenizer = WhitespaceTokenizer("vocab.txt", unk_token="<unk>")

    It can do at once what every tokenizer can, and AutoTokenizer knows it. Other hooks, each optional:
    `build_inputs_with_special_tokens`, `convert_tokens_to_string`, `_normalize` and `_find`.
    """

    def __init__(self, vocab_file: str | PathLike[str] | Mapping[str, int] | None = None, **options: Any) -> None:
        """`vocab_file`: a file with one token a line, a JSON file or a mapping from token to id."""
        self.vocab = read_vocabulary(type(self).__name__, vocab_file)
        self._tokens_by_id = {index: token for token, index in self.vocab.items()}
        self._last_id = max(self._tokens_by_id)
        self._added = AddedTokens(lambda text: self._normalize(text)[0])
        super().__init__(**options)

    # Hooks

    def _tokenize(self, text: str) -> list[str]:
        """Cut a text, in which there is no added token, into tokens."""
        raise NotImplementedError(f"{type(self).__name__} must define _tokenize(self, text) -> list of tokens")

    def _normalize(self, text: str) -> tuple[str, Sequence[int]]:
        """What added tokens with `normalized=True` are looked for in, and for each character its index in `text`."""
        return text, range(len(text))

    def _find(self, token: str, text: str, start: int) -> Offset | None:
        """Where `token` lies in `text`, at or after `start`; for offsets."""
        for surface in (token, token.removeprefix("##"), token.lstrip("▁Ġ")):
            if surface and (at := text.find(surface, start)) >= 0:
                return at, at + len(surface)
        return None

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

    def _add(self, tokens: list[AddedToken]) -> int:
        first = free = max([self._last_id, *self._added.by_id]) + 1
        for token in tokens:
            index = self._token_to_id(token.content)
            if index is None:
                index, free = free, free + 1
            self._added.put(token, index)
        return free - first

    def _restore(self, tokens: Mapping[int, AddedToken]) -> None:
        for index, token in tokens.items():
            owner = self._tokens_by_id.get(index, token.content)
            if owner != token.content or self.vocab.get(token.content, index) != index:
                raise InputError(
                    f"{type(self).__name__}.added_tokens_decoder",
                    f"id {index} is {token.content!r} there, and {owner!r} in the vocabulary",
                    hint="The vocabulary and the tokenizer's other files are of two different tokenizers.",
                )
            self._added.put(token, index)

    def _vocabulary_files(self) -> dict[str, bytes]:
        name = self.vocab_files_names["vocab_file"]
        return {
            name: write_vocabulary(f"{type(self).__name__}.save_vocabulary", self.vocab, as_json=name.endswith(".json"))
        }

    # From texts to rows

    def _rows(
        self, inputs: list[Input], special: bool, truncation: Truncation | None, words: bool, where: str
    ) -> Sequence[Sequence[Row]]:
        template: dict[bool, list[Place]] = {}
        out = []
        for first, second in inputs:
            pair = second is not None
            if pair not in template:
                template[pair] = self._template(pair, special)
                if truncation is not None:
                    truncation.check(where, len(template[pair]) - 1 - pair, self.num_special_tokens_to_add(pair))
            sequences = [self._sequence(text) for text in (first, second) if text is not None]
            out.append(self._windows(sequences, template[pair], truncation, where))
        return out

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

    def _sequence(self, text: Text) -> Tokens:
        return self._tokens(text) if isinstance(text, str) else Tokens.of_words([self._tokens(word) for word in text])

    def _tokens(self, text: str) -> Tokens:
        """The tokens of one text: added tokens first, then what lies between."""
        raw, normal = self._added.searches
        keep = not self.split_special_tokens
        segments = [(None, 0, len(text))] if raw is None else raw.split(text, keep)
        if normal is None and len(segments) == 1 and segments[0][0] is None:
            return self._fragment(text)
        parts: list[tuple[int, Tokens]] = []
        for index, start, stop in segments:
            if index is not None:
                parts.append((start, _one(index, stop - start)))
            elif normal is None:
                parts.append((start, self._fragment(text[start:stop])))
            else:
                parts.append((start, self._with_normalized(text[start:stop], normal.split, keep)))
        return Tokens.joined(parts)

    def _with_normalized(self, text: str, split: Callable[[str, bool], Any], keep: bool) -> Tokens:
        """The tokens of a text in which added tokens are to be looked for after normalising."""
        normal, origin = self._normalize(text)
        segments = split(normal, keep)
        if len(segments) == 1 and segments[0][0] is None:
            return self._fragment(text)
        joined = Tokens.joined(
            [
                (
                    start,
                    self._fragment(normal[start:stop], normalized=True) if index is None else _one(index, stop - start),
                )
                for index, start, stop in segments
            ]
        )

        def locate(_: str) -> Detail:
            offsets, words = joined.detail
            return [(origin[a], origin[b - 1] + 1) for a, b in offsets], words

        return Tokens(joined.ids, text, locate)

    def _fragment(self, text: str, *, normalized: bool = False) -> Tokens:
        """The tokens of a text without added tokens; `normalized` says that `_normalize` has been there."""
        tokens = self._tokenize(text)
        return Tokens(self.convert_tokens_to_ids(tokens), text, lambda _: self._located(text, tokens))

    def _located(self, text: str, tokens: list[str]) -> Detail:
        """Offsets by looking for each token in turn; a word reaches from whitespace to whitespace."""
        offsets: list[Offset] = []
        words: list[int] = []
        at = word = 0
        for token in tokens:
            found = self._find(token, text, at)
            if found is None:
                raise InputError(
                    f"{type(self).__name__}",
                    f"token {token!r} is not in {text[at : at + 40]!r}, so its offset is not known",
                    hint="Override _find(token, text, start) -> (start, stop).",
                )
            word += bool(words) and any(char.isspace() for char in text[at : found[0]])
            offsets.append(found)
            words.append(word)
            at = found[1]
        return offsets, words

    def _windows(
        self, sequences: list[Tokens], template: list[Place], truncation: Truncation | None, where: str
    ) -> list[Row]:
        """The row of one input, and one for each combination of windows over what was cut."""
        sizes = [len(sequence.ids) for sequence in sequences]
        if truncation is None:
            return [Encoding(template, sequences, [(0, size) for size in sizes], self._names)]
        special = len(template) - len(sequences)
        keep = truncation.lengths(where, special, sizes[0], sizes[1] if len(sizes) > 1 else None)
        spans = [truncation.windows(where, size, k) for size, k in zip(sizes, keep, strict=False)]
        if len(spans) == 1:
            return [Encoding(template, sequences, [span], self._names) for span in spans[0]]
        first, second = spans
        order = [(first[0], second[0])]  # then, as the Rust library has it: the first's windows before the second's
        order += [(a, b) for a in first[1:] for b in second] + [(first[0], b) for b in second[1:]]
        return [Encoding(template, sequences, spans, self._names) for spans in order]

    def __getstate__(self) -> dict[str, Any]:
        added = dict(self._added.by_id)
        return self.__dict__ | {"_added": added}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._added = AddedTokens(lambda text: self._normalize(text)[0])
        for index, token in state["_added"].items():
            self._added.put(token, index)


def _one(index: int, length: int) -> Tokens:
    """An added token, `length` characters long."""
    return Tokens([index], "", lambda _: ([(0, length)], [0]))
