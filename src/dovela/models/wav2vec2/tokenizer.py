"""Wav2Vec2's tokenizer: characters as labels for CTC, and text from what a CTC model emits (Baevski et al. 2020)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import Any, ClassVar

from ...errors import InputError
from ...notices import notice
from ...text.arguments import check_flags
from ...text.assembly import Assembly
from ...text.ctc import CTCDecoder
from ...text.ctc_decoding import CTCDecoding
from ...text.encoding import BatchEncoding
from ...text.rows import Detail, Offset, Tokens
from ...text.special_tokens import ROLES, AddedToken
from ...text.surface import words_of
from ...text.tokenizer import PreTrainedTokenizer
from ...text.truncation import Truncation
from .vocabulary import language, read_languages

DEFAULT_ROLES = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class Wav2Vec2CTCTokenizer(CTCDecoding, PreTrainedTokenizer):
    """A token a character; `word_delimiter_token` stands for the space, and `pad_token` is the blank of CTC.

    The delimiter is never a special token. Entries of the vocabulary that have several characters (`<unk>`, `ng`) are
    found in a text before it is cut into characters, and take the spaces around them along.
    """

    model_input_names = ("input_ids", "attention_mask")
    vocab_files_names: ClassVar[Mapping[str, str]] = {"vocab_file": "vocab.json"}
    locked_settings = frozenset({"do_lower_case", "target_lang"})
    word_delimiter_token: str | None

    def __init__(
        self,
        vocab_file: str | PathLike[str] | Mapping[str, Any] | None = None,
        *,
        word_delimiter_token: str | AddedToken | None = "|",
        replace_word_delimiter_char: str = " ",
        do_lower_case: bool = False,
        target_lang: str | None = None,
        added_tokens_decoder: Mapping[int, Any] | None = None,
        **options: Any,
    ) -> None:
        """`vocab_file`: a JSON file or mapping from token to id; a file with one token a line; or, for several
        languages of which `target_lang` is one, a JSON file or mapping from language to vocabulary.

        `do_lower_case`: the vocabulary is in upper case and texts are not, so a text is put in upper case, and what is
        decoded in lower case. `replace_word_delimiter_char`: what the delimiter is in decoded text. `bos_token`,
        `eos_token`, `unk_token`, `pad_token`: "<s>", "</s>", "<unk>", "<pad>"; one that the vocabulary lacks is added.
        """
        where = type(self).__name__
        check_flags(where, {}, do_lower_case=do_lower_case)
        self.word_delimiter_token = word_delimiter_token  # type: ignore[assignment]
        self.replace_word_delimiter_char = replace_word_delimiter_char
        self.do_lower_case, self.target_lang = do_lower_case, target_lang
        self._languages, vocab = read_languages(where, vocab_file, target_lang)
        self._decoder: tuple[object, CTCDecoder] | None = None
        self._missing: set[str] = set()  # characters of this call's texts
        self._told: set[str] = set()
        added = {index: AddedToken.of(token) for index, token in (added_tokens_decoder or {}).items()}
        if special := [index for index, token in added.items() if token.content == self.word_delimiter_token]:
            added[special[0]] = AddedToken(str(self.word_delimiter_token), normalized=False)  # as 5.x's files have it
        foreign = [] if self._languages is None else _taken_out(added, vocab, self._languages)
        super().__init__(vocab, added_tokens_decoder=added, **(DEFAULT_ROLES | options))
        self._add(foreign)
        self._add_long_entries()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "word_delimiter_token" and value is not None:
            value = AddedToken.of(value).content
        elif name == "replace_word_delimiter_char" and not isinstance(value, str):
            raise InputError(f"{type(self).__name__}.{name}", f"expected a string, got {value!r}")
        super().__setattr__(name, value)

    def _add_long_entries(self) -> None:
        special = self._special_ids()
        for token, index in self.vocab.items():
            if len(token) > 1:
                plain = index not in special
                made = AddedToken(token, False, True, True, normalized=self.do_lower_case and plain, special=not plain)
                self._added.put(made, index)

    # The vocabulary

    @property
    def word_delimiter_token_id(self) -> int | None:
        """None where there is no delimiter, or none in the vocabulary."""
        return None if self.word_delimiter_token is None else self._token_to_id(self.word_delimiter_token)

    @word_delimiter_token_id.setter
    def word_delimiter_token_id(self, index: int) -> None:
        token = self._id_to_token(index) if type(index) is int else None
        if token is None:
            raise InputError(f"{type(self).__name__}.word_delimiter_token_id", f"{index!r} is no id of the vocabulary")
        self.word_delimiter_token = token

    def set_target_lang(self, target_lang: str) -> None:
        """Change to another of the vocabulary's languages. Tokens that were added to it get new ids."""
        where = f"{type(self).__name__}.set_target_lang"
        if self._languages is None:
            raise InputError(where, "the vocabulary is not one of several languages")
        vocab = language(where, self._languages, target_lang)
        added = [token for token in self.added_tokens_decoder.values() if token.content not in self.vocab]
        vars(self)["target_lang"] = target_lang
        self.vocab = vocab
        self._tokens_by_id = {index: token for token, index in vocab.items()}
        self._last_id = max(self._tokens_by_id)
        self._added.clear()
        self._told, self._decoder = set(), None
        self.add_special_tokens({role: token for role, token in self.special_tokens_map.items() if role in ROLES})
        self._add(added)
        self._add_long_entries()

    def _vocabulary_files(self) -> dict[str, bytes]:
        whole: Mapping[str, Any] = self.vocab if self._languages is None else self._languages
        return {"vocab.json": (json.dumps(dict(whole), ensure_ascii=False, indent=2) + "\n").encode()}

    def _names(self, ids: list[int]) -> list[str]:
        """An id beyond the vocabulary is the unknown token here: a model may emit it."""
        unknown = self.unk_token_id
        if unknown is not None:
            ids = [unknown if type(i) is int and i >= 0 and self._id_to_token(i) is None else i for i in ids]
        return super()._names(ids)

    # Text -> labels

    def __call__(self, text: Any, text_pair: Any = None, **options: Any) -> BatchEncoding:
        """Texts -> labels; options as of every tokenizer. A notice names the characters that became `unk_token`."""
        self._missing = set()
        batch = super().__call__(text, text_pair, **options)
        if new := self._missing - self._told:
            self._told |= new
            notice(f"{type(self).__name__}: {self._about(new)}, became {self.unk_token}.{self._advice(new)}")
        return batch

    def _normalize(self, text: str) -> tuple[str, Sequence[int]]:
        """Added tokens are looked for in upper case too, where texts are put in it."""
        if not self.do_lower_case:
            return text, range(len(text))
        return text.upper(), [index for index, char in enumerate(text) for _ in char.upper()]

    def _tokenize(self, text: str) -> list[str]:
        text = text.upper() if self.do_lower_case else text
        delimiter = self.word_delimiter_token
        return list(text) if delimiter is None else [delimiter if char == " " else char for char in text]

    def _fragment(self, text: str, normalized: bool) -> Tokens:
        tokens = self._tokenize(text)
        found = list(map(self._token_to_id, tokens))
        if None in found:
            missing = {token for token, index in zip(tokens, found, strict=True) if index is None}
            if self.unk_token_id is None:
                problem = f"{self._about(missing)}, and there is no unk_token for them"
                raise InputError(type(self).__name__, problem, hint=self._advice(missing).strip())
            self._missing |= missing
            found = [self.unk_token_id if index is None else index for index in found]
        return Tokens(found, text, lambda text: self._located(text, tokens))  # type: ignore[arg-type]

    def _about(self, missing: Iterable[str]) -> str:
        listed = sorted(missing)
        more = f" and {len(listed) - 50} more" if len(listed) > 50 else ""
        return f"{', '.join(map(repr, listed[:50]))}{more}, which the vocabulary does not have"

    def _advice(self, missing: set[str]) -> str:
        """What to do about it, where that is plain."""
        letters = [char for char in missing if char.isalpha()]
        advice = ""
        if self.word_delimiter_token in missing:
            advice += " Spaces are word_delimiter_token: set it to what stands between words in the vocabulary."
        if letters and all(char.upper() in self.vocab for char in letters):
            advice += " The vocabulary is in upper case: make the tokenizer with do_lower_case=True."
        elif letters and all(char.lower() in self.vocab for char in letters):
            advice += " The vocabulary is in lower case: so must the text be."
        return advice

    def _located(self, text: str, tokens: list[str]) -> Detail:
        """A character's tokens all lie at it: "ß" is two, in upper case."""
        widths = [len(char.upper()) for char in text] if self.do_lower_case else [1] * len(text)
        if sum(widths) != len(tokens):  # a subclass cuts in another way
            return super()._located(text, tokens)
        offsets = [(i, i + 1) for i, width in enumerate(widths) for _ in range(width)]
        return offsets, words_of(text, offsets)

    def _find(self, token: str, text: str, start: int) -> Offset | None:
        place = text.find(" ", start) if token == self.word_delimiter_token else -1
        return super()._find(token, text, start) if place < 0 else (place, place + 1)

    def _assembly(self, special: bool, truncation: Truncation | None, where: str) -> Assembly:
        template = partial(self._template, special=special)
        most = self.num_special_tokens_to_add
        made = _Spaced(self._current_pipeline(), template, self._names, truncation, most, where)
        made.space = lambda: self._fragment(" ", False).ids
        return made

    # Frames -> text

    def _current_decoder(self) -> CTCDecoder:
        delimiter, blank = self.word_delimiter_token, self.pad_token_id
        space, unknown = self.replace_word_delimiter_char, self.unk_token_id
        state = self._added.searches, delimiter, blank, space, unknown, self.do_lower_case
        if self._decoder is None or self._decoder[0] != state:
            names = {index: token for token, index in self.get_vocab().items()}
            pieces = {index: space if token == delimiter else token for index, token in names.items()}
            made = CTCDecoder(pieces, blank=blank, unknown=unknown, space=space, lower=self.do_lower_case)
            self._decoder = state, made
        return self._decoder[1]

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_decoder": None}


def _taken_out(
    added: dict[int, AddedToken], vocab: Mapping[str, int], languages: Mapping[str, Mapping[str, int]]
) -> list[AddedToken]:
    """A file's added tokens have the ids of the language it was saved with.

    Those that do not fit into `vocab` are taken out of `added`; of them those that no language has itself are returned,
    to be added anew.
    """
    names = {token for words in languages.values() for token in words}
    ids = set(vocab.values())
    odd = [
        index
        for index, token in added.items()
        if vocab.get(token.content) != index and (index in ids or token.content in names)
    ]
    return [token for index in odd if (token := added.pop(index)).content not in names]


class _Spaced(Assembly):
    """A text given as words has the labels of the words with spaces between."""

    space: Callable[[], list[int]]

    def _sequence(self, text: str | list[str]) -> Tokens:
        if isinstance(text, str) or len(text) < 2:
            return super()._sequence(text)
        space = self.space()

        def after_space(word: Tokens) -> Tokens:
            before = [(0, 0)] * len(space), [0] * len(space)
            return Tokens([*space, *word.ids], "", lambda _: (before[0] + word.detail[0], before[1] + word.detail[1]))

        first, *others = map(self.pipeline.tokens, text)
        return Tokens.of_words([first, *map(after_space, others)])
