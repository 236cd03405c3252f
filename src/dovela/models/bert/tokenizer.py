"""BERT's tokenizers: WordPiece with `[CLS]` before, `[SEP]` after each sequence (Devlin et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import CheckpointError, InputError
from ...text.added_tokens import Searches
from ...text.arguments import check_tokens
from ...text.fast import PreTrainedTokenizerFast
from ...text.normalize import BertNormalizer
from ...text.pipeline import BertPipeline, Pipeline
from ...text.tokenizer import PreTrainedTokenizer
from ...text.training import WordPieceTraining
from ...text.vocabulary import read_json, read_vocabulary
from ...text.wordpiece import LONGEST_WORD, BertEngine, WordPiece

if TYPE_CHECKING:
    from ...hub import Source

ROLES = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]"}
# Our arguments, and the names that tokenizer.json has for them.
NORMALIZER = {
    "clean_text": "clean_text",
    "tokenize_chinese_chars": "handle_chinese_chars",
    "strip_accents": "strip_accents",
    "do_lower_case": "lowercase",
}


class _Bert(WordPieceTraining, register=False):
    """What both engines' classes share."""

    inert_settings: ClassVar[Mapping[str, Sequence[Any]]] = {
        "do_basic_tokenize": (True, None),
        "never_split": (None, []),
    }
    locked_settings: ClassVar[frozenset[str]] = frozenset(NORMALIZER)
    do_lower_case: bool
    tokenize_chinese_chars: bool
    strip_accents: bool | None
    clean_text: bool

    def _set_normalizer(self, where: str, **options: Any) -> None:
        for name, value in options.items():
            if not isinstance(value, bool) and not (name == "strip_accents" and value is None):
                raise InputError(f"{where}.{name}", f"expected True or False, got {value!r}")
            setattr(self, name, value)

    def _normalizer_options(self) -> dict[str, Any]:
        return {theirs: getattr(self, ours) for ours, theirs in NORMALIZER.items()}

    def _normalizer_of_words(self) -> BertNormalizer:
        return BertNormalizer(**self._normalizer_options())

    @classmethod
    def _default_roles(cls) -> Mapping[str, str]:
        return ROLES

    def _check_role(self, role: str, token: str | None) -> None:
        if role == "unk_token" and (token is None or not self._has_piece(token)):
            raise _no_unknown(type(self).__name__, token)

    def _has_piece(self, token: str) -> bool:
        """Whether it is in the vocabulary itself, added tokens aside."""
        raise NotImplementedError

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """[CLS] A [SEP], or [CLS] A [SEP] B [SEP]. A role that has no token is left out."""
        cls, sep = ([] if index is None else [index] for index in (self.cls_token_id, self.sep_token_id))
        row = [*cls, *token_ids_0, *sep]
        return row if token_ids_1 is None else [*row, *token_ids_1, *sep]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """0 through the first [SEP], 1 after it."""
        first = len(self.build_inputs_with_special_tokens(token_ids_0))
        whole = len(self.build_inputs_with_special_tokens(token_ids_0, token_ids_1))
        return [0] * first + [1] * (whole - first)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Pieces joined to words, words by spaces."""
        check_tokens(f"{type(self).__name__}.convert_tokens_to_string", tokens)
        return "".join(t.removeprefix("##") if t.startswith("##") and i else f" {t}" for i, t in enumerate(tokens))[1:]


class BertTokenizer(_Bert, PreTrainedTokenizer):
    """BERT's tokenizer in Python."""

    def __init__(
        self,
        vocab_file: str | PathLike[str] | Mapping[str, int] | None = None,
        *,
        do_lower_case: bool = True,
        tokenize_chinese_chars: bool = True,
        strip_accents: bool | None = None,
        clean_text: bool = True,
        clean_up_tokenization_spaces: bool = True,
        **options: Any,
    ) -> None:
        """`strip_accents=None`: as `do_lower_case`. `tokenize_chinese_chars`: each ideograph is a word.
        `clean_text`: control characters go, every whitespace is a space."""
        self._set_normalizer(
            type(self).__name__,
            do_lower_case=do_lower_case,
            tokenize_chinese_chars=tokenize_chinese_chars,
            strip_accents=strip_accents,
            clean_text=clean_text,
        )
        self._normalizer = BertNormalizer(**self._normalizer_options())
        options = ROLES | options
        vocab = bert_vocabulary(type(self).__name__, vocab_file, options["unk_token"])
        super().__init__(vocab, clean_up_tokenization_spaces=clean_up_tokenization_spaces, **options)

    def _has_piece(self, token: str) -> bool:
        return token in self.vocab

    def _tokenize(self, text: str) -> list[str]:
        return self._names(self._current_pipeline().tokens(text).ids)

    def _normalize(self, text: str) -> tuple[str, Sequence[int]]:
        return self._normalizer.align(text)

    def _normal_form(self, text: str) -> str:
        return self._normalizer.normalize(text)

    def _new_pipeline(self, searches: Searches, keep_special: bool) -> Pipeline:
        pieces = WordPiece(self.vocab, self.convert_tokens_to_ids(self.unk_token or ""))
        return BertPipeline(searches, keep_special, BertEngine(self._normalizer, pieces))

    @classmethod
    def _vocabulary_arguments(cls, src: Source, settings: Mapping[str, Any]) -> dict[str, Any]:
        path = src.find(cls.vocab_files_names["vocab_file"])
        if path is not None:
            return {"vocab_file": path}
        whole = src.find("tokenizer.json")
        return whole_file(whole, settings) if whole else {"vocab_file": src.require("vocab.txt")}


class BertTokenizerFast(_Bert, PreTrainedTokenizerFast):
    """BERT's tokenizer on the Rust library `tokenizers`."""

    def __init__(
        self,
        vocab_file: str | PathLike[str] | Mapping[str, int] | None = None,
        *,
        tokenizer_file: str | PathLike[str] | None = None,
        tokenizer_object: Any = None,
        do_lower_case: bool | None = None,
        tokenize_chinese_chars: bool | None = None,
        strip_accents: bool | None = None,
        clean_text: bool | None = None,
        clean_up_tokenization_spaces: bool = True,
        **options: Any,
    ) -> None:
        """As `BertTokenizer`; the normaliser's options (default: True) override those of a `tokenizer_file`."""
        options = ROLES | options
        given = {
            "do_lower_case": do_lower_case,
            "tokenize_chinese_chars": tokenize_chinese_chars,
            "strip_accents": strip_accents,
            "clean_text": clean_text,
        }
        given = {name: value for name, value in given.items() if value is not None}
        self._set_normalizer(
            type(self).__name__,
            **(
                {"strip_accents": None}
                | dict.fromkeys(("do_lower_case", "tokenize_chinese_chars", "clean_text"), True)
                | given
            ),
        )
        if tokenizer_file is None and tokenizer_object is None:
            vocab = bert_vocabulary(type(self).__name__, vocab_file, options["unk_token"])
            tokenizer_object = bert_backend(vocab, str(options["unk_token"]))
        super().__init__(
            tokenizer_file=tokenizer_file,
            tokenizer_object=tokenizer_object,
            clean_up_tokenization_spaces=clean_up_tokenization_spaces,
            **options,
        )
        self._finish(given)

    def _has_piece(self, token: str) -> bool:
        return self._bare.model.token_to_id(token) is not None

    def _finish(self, given: Mapping[str, Any]) -> None:
        """Put our normaliser into the backend, which may come from a file; what is not `given` stays as it is there."""
        import json

        from tokenizers import normalizers

        present = self._bare.normalizer
        known = {} if present is None else json.loads(present.__getstate__())
        if known.get("type") == "BertNormalizer":
            for ours, theirs in NORMALIZER.items():
                if ours not in given:
                    vars(self)[ours] = known[theirs]
        wanted = {"type": "BertNormalizer", **self._normalizer_options()}
        if (
            known.get("type", "BertNormalizer") == "BertNormalizer" and known != wanted
        ):  # it normalises every added token
            self._bare.normalizer = normalizers.BertNormalizer(**self._normalizer_options())

    def _roles_changed(self) -> None:
        """Special tokens are part of the backend: its template, and what stands for the unknown."""
        from tokenizers import processors

        super()._roles_changed()
        if self.unk_token is not None and hasattr(self._bare.model, "unk_token"):
            self._bare.model.unk_token = self.unk_token

        tokens = {role: token for role, token in (("cls", self.cls_token), ("sep", self.sep_token)) if token}
        odd = any(set("$:") & set(token) for token in tokens.values())  # these mean something in a template
        names = {role: role if odd else token for role, token in tokens.items()}
        cls, sep = ([names[role]] if role in names else [] for role in ("cls", "sep"))
        self._bare.post_processor = processors.TemplateProcessing(
            single=[*cls, "$A:0", *sep],
            pair=[*cls, "$A:0", *sep, "$B:1", *(f"{name}:1" for name in sep)],
            special_tokens=[
                {"id": names[role], "ids": [self._token_to_id(token)], "tokens": [token]}
                for role, token in tokens.items()
            ],
        )


def bert_vocabulary(where: str, vocab_file: Any, unk_token: Any) -> dict[str, int]:
    """The vocabulary, in which the unknown token must be."""
    if unk_token is None:
        raise _no_unknown(where, None)
    vocab = read_vocabulary(where, vocab_file)
    unk_token = str(unk_token)
    if unk_token not in vocab:
        raise CheckpointError(
            where if isinstance(vocab_file, Mapping) else str(vocab_file),
            f"has no {unk_token!r} among its {len(vocab)} tokens, which stands for words that no pieces make up",
            hint="Add a line for it, or give unk_token=….",
        )
    return vocab


def _no_unknown(where: str, token: str | None) -> InputError:
    return InputError(
        f"{where}.unk_token",
        f"expected a token of the vocabulary for words that no pieces make up, got {token!r}",
        hint=f"Leave unk_token out for {ROLES['unk_token']!r}, or name a token of the vocabulary.",
    )


def bert_backend(vocab: Mapping[str, int], unk_token: str) -> Any:
    """A `tokenizers.Tokenizer` that does what BERT does, but for the normaliser and the special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    backend = Tokenizer(models.WordPiece(dict(vocab), unk_token=unk_token, max_input_chars_per_word=LONGEST_WORD))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    return backend


def whole_file(path: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A Python tokenizer's arguments from a tokenizer.json."""
    whole = read_json(path)
    model, normalizer = whole.get("model") or {}, whole.get("normalizer") or {}
    if model.get("type") != "WordPiece" or normalizer.get("type", "BertNormalizer") != "BertNormalizer":
        raise CheckpointError(
            str(path),
            f"holds a {model.get('type')} model with the normaliser {normalizer.get('type')}, not BERT's WordPiece",
            hint="Open it with PreTrainedTokenizerFast.",
        )
    options = {
        ours: normalizer[theirs] for ours, theirs in NORMALIZER.items() if theirs in normalizer and ours not in settings
    }
    added = {token["id"]: {k: v for k, v in token.items() if k != "id"} for token in whole.get("added_tokens") or []}
    return {
        "vocab_file": model["vocab"],
        **options,
        "added_tokens_decoder": settings.get("added_tokens_decoder") or added,
    }
