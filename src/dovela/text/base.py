"""What every tokenizer can be asked, whichever engine does the work.

An engine provides the vocabulary (`_token_to_id`, `_id_to_token`, `_add`, `_restore`, `get_vocab`, `vocab_size`,
`added_tokens_decoder`) and `_rows`, which turns texts into rows. Everything else is here and in the classes above.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import repeat
from typing import Any, ClassVar

from ..errors import InputError
from ..notices import notice
from ..registry import Registry
from .arguments import (
    UNBOUNDED,
    Input,
    Text,
    check_flags,
    check_settings,
    read_id,
    read_inputs,
    read_lengths,
    refuse_unknown,
)
from .assembly import Assembly
from .columns import RowBatch, TextBatch, plain_texts
from .conversion import Conversion
from .deferred import DeferredTokens
from .encoding import BatchEncoding
from .files import TokenizerFiles
from .former_names import FormerNames
from .padding import Padding, Side, as_columns
from .rows import Row
from .settings import NO_LENGTH, Settings
from .special_tokens import ROLES, AddedToken
from .template import RowTemplate
from .tensors import check_kind
from .truncation import Truncation

TOKENIZERS: Registry[type[PreTrainedTokenizerBase]] = Registry(
    "tokenizer",
    {
        "PreTrainedTokenizerFast": "dovela.text.fast:PreTrainedTokenizerFast",
        "BertTokenizer": "dovela.models.bert.tokenizer:BertTokenizer",
        "BertTokenizerFast": "dovela.models.bert.tokenizer:BertTokenizerFast",
        "DistilBertTokenizer": "dovela.models.distilbert.tokenizer:DistilBertTokenizer",
        "DistilBertTokenizerFast": "dovela.models.distilbert.tokenizer:DistilBertTokenizerFast",
        "Wav2Vec2CTCTokenizer": "dovela.models.wav2vec2.tokenizer:Wav2Vec2CTCTokenizer",
        "Wav2Vec2Tokenizer": "dovela.models.wav2vec2.tokenizer:Wav2Vec2CTCTokenizer",  # its name in the oldest files
    },
)
MODEL_TOKENIZERS: Registry[str] = Registry("tokenizer of the model type")  # model type -> name in TOKENIZERS
MODEL_TOKENIZERS.register("bert", "BertTokenizer")
MODEL_TOKENIZERS.register("distilbert", "DistilBertTokenizer")
MODEL_TOKENIZERS.register("wav2vec2", "Wav2Vec2CTCTokenizer")


class PreTrainedTokenizerBase(Settings, TokenizerFiles, RowTemplate, Conversion, FormerNames):
    """A tokenizer of either engine; `PreTrainedTokenizer` and `PreTrainedTokenizerFast` are the two.

    A subclass keeps each argument of its constructor under the argument's own name: that is how it is saved.
    """

    model_input_names: Sequence[str] = ("input_ids", "token_type_ids", "attention_mask")
    model_max_length: int
    is_fast: ClassVar[bool] = False

    def __init_subclass__(cls, *, register: bool = True, model_type: str | None = None, **kwargs: Any) -> None:
        """Defining a tokenizer registers it by name, and as that of `model_type`, for AutoTokenizer."""
        super().__init_subclass__(**kwargs)
        if register:
            TOKENIZERS.register(cls.__name__, cls)
        if model_type is not None:
            MODEL_TOKENIZERS.register(model_type, cls.__name__.removesuffix("Fast"))

    def __init__(
        self,
        *,
        bos_token: str | AddedToken | None = None,
        eos_token: str | AddedToken | None = None,
        unk_token: str | AddedToken | None = None,
        sep_token: str | AddedToken | None = None,
        pad_token: str | AddedToken | None = None,
        cls_token: str | AddedToken | None = None,
        mask_token: str | AddedToken | None = None,
        additional_special_tokens: Sequence[str | AddedToken] | None = None,
        added_tokens_decoder: Mapping[int, Any] | None = None,
        model_max_length: int | None = None,
        padding_side: Side = "right",
        truncation_side: Side = "right",
        pad_token_type_id: int = 0,
        clean_up_tokenization_spaces: bool = False,
        split_special_tokens: bool = False,
        model_input_names: Sequence[str] | None = None,
        name_or_path: str = "",
        **unknown: Any,
    ) -> None:
        """The engine's vocabulary must be in place before this is called.

        `model_max_length`: what truncation=True cuts to. `added_tokens_decoder`: id -> token, as files have it.
        `split_special_tokens`: treat special tokens found in a text as ordinary text.
        """
        where = type(self).__name__
        refuse_unknown(where, unknown, self.known_arguments())
        check_settings(
            where,
            additional_special_tokens=() if additional_special_tokens is None else additional_special_tokens,
            added_tokens_decoder={} if added_tokens_decoder is None else added_tokens_decoder,
        )
        self.padding_side, self.truncation_side = padding_side, truncation_side
        self.pad_token_type_id = pad_token_type_id
        self.model_max_length = NO_LENGTH if model_max_length is None else model_max_length
        self.clean_up_tokenization_spaces = clean_up_tokenization_spaces
        self.split_special_tokens = split_special_tokens
        self.name_or_path = name_or_path
        if model_input_names is not None:
            self.model_input_names = model_input_names
        self.extra: dict[str, Any] = {}  # what a file said that is not ours; written back
        self._roles, self._additional = {}, []
        place = f"{where}.added_tokens_decoder"
        if isinstance(added_tokens_decoder, DeferredTokens):
            self._restore(added_tokens_decoder)
        else:
            tokens = (added_tokens_decoder or {}).items()
            self._restore({read_id(place, index): AddedToken.of(token) for index, token in tokens})
        given = (bos_token, eos_token, unk_token, sep_token, pad_token, cls_token, mask_token)
        roles = {
            name: self._added_token(str(token)) or token
            for name, token in zip(ROLES, given, strict=True)
            if token is not None
        }
        more = [self._added_token(str(token)) or token for token in additional_special_tokens or ()]
        self.add_special_tokens(roles | {"additional_special_tokens": more})
        self._built = True

    @classmethod
    @cache
    def known_arguments(cls) -> frozenset[str]:
        """The names that the constructor takes, of this class and those above it."""
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        owners = [vars(owner)["__init__"] for owner in cls.__mro__ if "__init__" in vars(owner) and owner is not object]
        parameters = [p for init in owners for p in inspect.signature(init).parameters.values()]
        return frozenset(p.name for p in parameters if p.kind in named) - {"self"}

    # What an engine provides

    def _rows(
        self, inputs: list[Input], special: bool, truncation: Truncation | None, words: bool, where: str
    ) -> Sequence[Sequence[Row]]:
        """For each input its row, and after it a row for each window over what was cut."""
        assembly = self._assembly(special, truncation, where)
        if assembly is None:
            raise NotImplementedError
        return assembly.all_rows(inputs)

    def _assembly(self, special: bool, truncation: Truncation | None, where: str) -> Assembly | None:
        """How the Python engine makes rows; None where another engine does."""
        raise NotImplementedError

    def _restore(self, tokens: Mapping[int, AddedToken]) -> None:
        """Put added tokens of a saved tokenizer back at their ids. Those that are deferred should not be read yet."""
        raise NotImplementedError

    def _added_token(self, content: str) -> AddedToken | None:
        """The added token of that name, if there is one."""
        raise NotImplementedError

    @property
    def vocab_size(self) -> int:
        """The number of tokens without added ones; `len(tokenizer)` counts them all."""
        raise NotImplementedError

    # Calling

    def __call__(
        self,
        text: Any,
        text_pair: Any = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        **unknown: Any,
    ) -> BatchEncoding:
        """Texts -> ids and masks for a model.

        `text` is a string, a list of strings, or a list of pairs; with `is_split_into_words`, a list of words takes a
        string's place. Offsets are [start, stop) in characters of the text as given (of the word, for split words).

        `padding`: True (to the longest row), "max_length" or False. `truncation`: True or "longest_first",
        "only_first", "only_second", False. `return_overflowing_tokens` gives what was cut as further rows, `stride`
        tokens of each repeated in the next, and the column overflow_to_sample_mapping. `return_tensors`: "np", "pt",
        "jax" or "tf"; lists otherwise.
        """
        where = f"{type(self).__name__}()"
        refuse_unknown(where, unknown, _arguments(PreTrainedTokenizerBase.__call__))
        check_kind(where, return_tensors)
        check_flags(
            where,
            {"return_token_type_ids": return_token_type_ids, "return_attention_mask": return_attention_mask},
            add_special_tokens=add_special_tokens,
            is_split_into_words=is_split_into_words,
            return_overflowing_tokens=return_overflowing_tokens,
            return_special_tokens_mask=return_special_tokens_mask,
            return_offsets_mapping=return_offsets_mapping,
            return_length=return_length,
        )
        _check_side(where, padding_side)
        texts = None if is_split_into_words or text_pair is not None else plain_texts(text)
        inputs, batched = (
            ([], not isinstance(text, str)) if texts else read_inputs(where, text, text_pair, is_split_into_words)
        )
        lengths = read_lengths(
            where, padding, truncation, max_length, stride, pad_to_multiple_of, self.model_max_length
        )
        cut = None
        if lengths.truncate is not None:
            cut = Truncation(lengths.max_length, lengths.truncate, stride, self.truncation_side)  # type: ignore[arg-type]
        filling = None
        if lengths.pad:
            filling = self._padding(where, padding_side, lengths.pad_length, pad_to_multiple_of)
        batch: TextBatch | RowBatch | None = None
        if texts and not return_overflowing_tokens:
            batch = TextBatch.of(texts, self._assembly(add_special_tokens, cut, where))
        samples: list[int] = []
        if batch is None:
            inputs = inputs or [(text, None) for text in texts or ()]
            windows = self._rows(inputs, add_special_tokens, cut, is_split_into_words, where)
            batch = RowBatch([row for rows in windows for row in (rows if return_overflowing_tokens else rows[:1])])
            samples = [i for i, rows in enumerate(windows) for _ in rows]
        else:
            inputs = list(zip(texts or (), repeat(None)))
        wanted = {
            "input_ids": True,
            "token_type_ids": self._wants("token_type_ids", return_token_type_ids),
            "attention_mask": self._wants("attention_mask", return_attention_mask),
            "special_tokens_mask": return_special_tokens_mask,
            "offset_mapping": return_offsets_mapping,
        }
        names = [name for name, wants in wanted.items() if wants]
        data = batch.arrays(names, filling) if return_tensors is not None else None
        if data is None:
            data = batch.columns(names, filling)
        if lengths.truncate is None and max_length is None:
            self._tell_if_too_long(data["input_ids"])
        if return_length:
            data["length"] = list(map(len, data["input_ids"]))
        if return_overflowing_tokens:
            data["overflow_to_sample_mapping"] = samples
        elif not batched and return_tensors is None:
            data = {name: column if name == "length" else column[0] for name, column in data.items()}
        return BatchEncoding(data, batch.rows, return_tensors, is_fast=self.is_fast, texts=inputs)

    def encode(self, text: Any, text_pair: Any = None, **options: Any) -> Any:
        """The ids of one text or pair; options as in calling. A list, or a (1, L) tensor with `return_tensors`."""
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(
        self, text: Text, pair: Text | None = None, add_special_tokens: bool = False, **options: Any
    ) -> list[str]:
        """The tokens of one text or pair, as strings."""
        if isinstance(text, (list, tuple)) and not options.get("is_split_into_words"):
            raise InputError(
                f"{type(self).__name__}.tokenize",
                f"expected one text, got a {type(text).__name__} of {len(text)}",
                hint="For a batch, call tokenizer(texts); its tokens(i) are those of row i.",
            )
        return self._names(self(text, pair, add_special_tokens=add_special_tokens, **options)[0].ids)

    def pad(
        self,
        encoded_inputs: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: Side | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        **unknown: Any,
    ) -> BatchEncoding:
        """Bring rows that were made without padding to one length, as a collate function does.

        Takes a mapping of columns, or a list of mappings (rows). Columns of other names than ours stay as they are.
        Arrays come back as arrays of their framework, unless `return_tensors` names another.
        """
        where = f"{type(self).__name__}.pad"
        refuse_unknown(where, unknown, _arguments(PreTrainedTokenizerBase.pad))
        check_kind(where, return_tensors)
        check_flags(where, {"return_attention_mask": return_attention_mask})
        _check_side(where, padding_side)
        columns, batched, kind = as_columns(where, encoded_inputs)
        if "attention_mask" not in columns and self._wants("attention_mask", return_attention_mask):
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        lengths = read_lengths(where, padding, False, max_length, 0, pad_to_multiple_of, self.model_max_length)
        if lengths.pad:
            columns = self._padding(where, padding_side, lengths.pad_length, pad_to_multiple_of).columns(columns)
        elif len(set(map(len, columns["input_ids"]))) > 1:
            kind = None  # nobody asked for one array of rows that make none
        if not batched:
            columns = {name: column[0] for name, column in columns.items()}
        return BatchEncoding(columns, tensor_type=return_tensors or kind, is_fast=self.is_fast)

    def _tell_if_too_long(self, ids: Sequence[Sequence[int]]) -> None:
        most = self.model_max_length
        if most < UNBOUNDED and max(map(len, ids), default=0) > most:
            notice(
                f"{type(self).__name__}: a row is longer than the {most} tokens that the model takes "
                "(model_max_length); pass truncation=True to cut such rows"
            )

    def _wants(self, column: str, asked: bool | None) -> bool:
        return column in self.model_input_names if asked is None else asked

    def _padding(self, where: str, side: Side | None, length: int | None, multiple: int | None) -> Padding:
        pad_id, pad_token = self.pad_token_id, self.pad_token
        if pad_id is None or pad_token is None:
            raise InputError(
                where,
                "padding needs a padding token, and there is none",
                hint='Set one: tokenizer.pad_token = …, or tokenizer.add_special_tokens({"pad_token": "[PAD]"}).',
            )
        side = self.padding_side if side is None else side
        return Padding(side, pad_id, pad_token, self.pad_token_type_id, length, multiple)

    def __len__(self) -> int:
        return len(self.get_vocab())

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        roles = ", ".join(f"{role}={token!r}" for role, token in self.special_tokens_map.items())
        return f"{type(self).__name__}(vocab_size={self.vocab_size}, padding_side={self.padding_side!r}, {roles})"


def _check_side(where: str, side: Any) -> None:
    if side not in (None, "left", "right"):
        raise InputError(where, f"padding_side must be 'left' or 'right', got {side!r}")


@cache
def _arguments(method: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(method).parameters) - {"self", "unknown"}
