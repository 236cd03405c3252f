"""The engine on the Rust library `tokenizers`: opens any tokenizer.json."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..errors import InputError
from .arguments import Input, check_flags, check_tokens
from .assembly import Assembly
from .backend import bert_pipeline
from .files import WHOLE
from .library import Library
from .pipeline import BertPipeline
from .retraining import Retraining
from .rows import Place, Row
from .special_tokens import AddedToken
from .truncation import Truncation
from .vocabulary import write_vocabulary

if TYPE_CHECKING:
    from ..hub import Source


class PreTrainedTokenizerFast(Retraining):
    """A tokenizer that is described by a `tokenizers.Tokenizer`.

    Where its pipeline is BERT's, the Python engine does the same work faster and so does the work; everything else runs
    in Rust. `backend_tokenizer` is the library's own object. It can be changed from outside, so once it has been asked
    for, all runs in Rust.
    """

    is_fast: ClassVar[bool] = True

    def __init__(
        self, *, tokenizer_file: str | PathLike[str] | None = None, tokenizer_object: Any = None, **options: Any
    ) -> None:
        """From a tokenizer.json, or from a `tokenizers.Tokenizer`, of which a copy is taken."""
        where = type(self).__name__
        if (tokenizer_file is None) == (tokenizer_object is None):
            raise InputError(where, "expected either tokenizer_file or tokenizer_object")
        if tokenizer_file is not None:
            self._library = Library.open(where, Path(tokenizer_file))
        else:
            self._library = Library.copy_of(where, tokenizer_object)
        self._lock = threading.Lock()
        self._templates: dict[tuple[bool, bool], list[Place]] = {}
        self._lent = False
        self._pipeline: BertPipeline | Literal["unread"] | None = "unread"
        bare = self._bare
        padding, truncation = bare.padding, bare.truncation  # a file's settings become our defaults
        if padding is not None:
            options = {"padding_side": padding["direction"], "pad_token": padding["pad_token"]} | options
        if truncation is not None:
            options = {"truncation_side": truncation["direction"]} | options
        bare.no_padding()
        bare.no_truncation()
        if bare.post_processor is None:
            bare.post_processor = _bare_rows()
        super().__init__(**options)

    @property
    def backend_tokenizer(self) -> Any:
        self._lent = True
        return self._backend

    # The vocabulary

    @property
    def _bare(self) -> Any:
        """The library's tokenizer, which may lack added tokens that are deferred: for all that is not about these."""
        return self._library.bare

    @property
    def _backend(self) -> Any:
        return self._library.full

    @property
    def vocab_size(self) -> int:
        return int(self._bare.get_vocab_size(with_added_tokens=False))

    def get_vocab(self) -> dict[str, int]:
        return self._library.vocab()

    def __len__(self) -> int:
        return self._library.size()

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        return dict(self._library.added(fresh=self._lent))

    def _added_token(self, content: str) -> AddedToken | None:
        return self._library.named(content)

    def _token_to_id(self, token: str) -> int | None:
        return self._library.id_of(token)

    def _id_to_token(self, index: int) -> str | None:
        added = self._library.added().get(index)
        if added is not None:  # for an added token the library has its normalised form, which is no token
            return added.content
        token: str | None = self._bare.id_to_token(index) if index < 1 << 32 else None
        return token

    def _roles_changed(self) -> None:
        self._forget()

    def _setting_changed(self, name: str) -> None:
        if name == "split_special_tokens":
            self._bare.encode_special_tokens = self.split_special_tokens
            self._forget()

    def _forget(self) -> None:
        """The library's tokenizer is about to be another."""
        self._pipeline = "unread"
        self._templates.clear()

    def _add(self, tokens: list[AddedToken]) -> int:
        if self._lent:
            self._library.added(fresh=True)
        new = self._library.add(tokens)
        self._forget()
        return new

    def _restore(self, tokens: Mapping[int, AddedToken]) -> None:
        self._library.restore(tokens)
        self._forget()

    @classmethod
    def _vocabulary_arguments(cls, src: Source, settings: Mapping[str, Any]) -> dict[str, Any]:
        path = src.find(WHOLE)
        if path is not None:
            return {"tokenizer_file": path}
        if "vocab_file" not in cls.known_arguments():
            return {"tokenizer_file": src.require(WHOLE)}
        return super()._vocabulary_arguments(src, settings)

    def _vocabulary_files(self) -> dict[str, bytes]:
        files = {WHOLE: self._backend.to_str(pretty=True).encode()}
        if type(self._backend.model).__name__ == "WordPiece":
            where = f"{type(self).__name__}.save_vocabulary"
            files["vocab.txt"] = write_vocabulary(where, self._backend.get_vocab(with_added_tokens=False))
        return files

    # From texts to rows

    def _assembly(self, special: bool, truncation: Truncation | None, where: str) -> Assembly | None:
        if self._lent:
            return None
        if self._pipeline == "unread":
            self._pipeline = bert_pipeline(self._bare, self._library.added())
        if self._pipeline is None:
            return None
        template = partial(self._known_template, special)
        return Assembly(self._pipeline, template, self._names, truncation, self.num_special_tokens_to_add, where)

    def _rows(
        self, inputs: list[Input], special: bool, truncation: Truncation | None, words: bool, where: str
    ) -> Sequence[Sequence[Row]]:
        assembly = self._assembly(special, truncation, where)
        if assembly is not None:
            return assembly.all_rows(inputs)
        return self._rust_rows(inputs, special, truncation, words, where)

    def _rust_rows(
        self, inputs: list[Input], special: bool, truncation: Truncation | None, words: bool, where: str
    ) -> Sequence[Sequence[Row]]:
        batch = [first if second is None else (first, second) for first, second in inputs]
        if truncation is not None:
            for pair in {second is not None for _, second in inputs}:
                most = self.num_special_tokens_to_add(pair)
                truncation.check(where, most if special else 0, most)
            if truncation.stride and any(second is not None for _, second in inputs):
                self._check_strides(inputs, special, truncation, words, where)
        backend = self._backend
        with self._lock:  # truncation is a setting of the backend
            _set_truncation(backend, truncation)
            try:
                rows = backend.encode_batch(batch, add_special_tokens=special, is_pretokenized=words)
            except BaseException as error:  # the library raises Exception itself, and panics with one of its own
                if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                    raise _explained(error, inputs, truncation, where) from error
                raise
            finally:
                _set_truncation(backend, None)
        return [[row, *row.overflowing] for row in rows]

    def _check_strides(
        self, inputs: list[Input], special: bool, truncation: Truncation, words: bool, where: str
    ) -> None:
        """The library panics, aloud, where a window of a pair is no longer than the stride."""
        pairs = [pair for pair in inputs if pair[1] is not None]
        most = self.num_special_tokens_to_add(pair=True) if special else 0
        for [row] in self._rust_rows(pairs, False, None, words, where):
            second = row.sequence_ids.count(1)
            truncation.check_stride(where, most, len(row.ids) - second, second)

    def _known_template(self, special: bool, pair: bool) -> list[Place]:
        if (special, pair) not in self._templates:
            self._templates[special, pair] = self._template(pair, special)
        return self._templates[special, pair]

    def _template(self, pair: bool, special: bool = True) -> list[Place]:
        """What a row consists of, read off one."""
        row = self._bare.encode("a", "a" if pair else None, add_special_tokens=special)
        places: list[Place] = []
        for index, type_id, sequence in zip(row.ids, row.type_ids, row.sequence_ids, strict=True):
            place = (index if sequence is None else ~sequence, type_id)
            if sequence is None or place not in places:
                places.append(place)
        return places

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        sequences = {-1: token_ids_0, -2: token_ids_1 or []}
        return [i for index, _ in self._template(token_ids_1 is not None) for i in sequences.get(index, [index])]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        size = {-1: len(token_ids_0), -2: len(token_ids_1 or [])}
        return [t for index, type_id in self._template(token_ids_1 is not None) for t in [type_id] * size.get(index, 1)]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        check_flags(f"{type(self).__name__}.num_special_tokens_to_add", {}, pair=pair)
        return int(self._bare.num_special_tokens_to_add(pair))

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        check_tokens(f"{type(self).__name__}.convert_tokens_to_string", tokens)
        decoder = self._bare.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(tokens))

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name != "_lock"}
        return state | {"_pipeline": "unread", "_templates": {}, "_skipped": None}  # use leaves no traces

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def _set_truncation(backend: Any, truncation: Truncation | None) -> None:
    if truncation is None:
        backend.no_truncation()
    else:
        backend.enable_truncation(
            truncation.max_length, stride=truncation.stride, strategy=truncation.strategy, direction=truncation.side
        )


def _explained(error: BaseException, inputs: list[Input], truncation: Truncation | None, where: str) -> InputError:
    if truncation is not None and truncation.strategy == "only_second" and any(second is None for _, second in inputs):
        return InputError(where, "truncation='only_second' needs a second sequence, and there is none")
    if truncation is not None and "too short" in str(error):
        return InputError(
            where,
            f"truncation={truncation.strategy!r} cannot bring every row to max_length={truncation.max_length}: "
            "that sequence is too short to lose so much",
            hint="Use truncation='longest_first', or a larger max_length.",
        )
    return InputError(where, f"the tokenizers library refuses this input: {error}")


def _bare_rows() -> Any:
    """Rows without special tokens. With no template at all, the library takes padding for text of the first one."""
    from tokenizers import processors

    return processors.TemplateProcessing(single=["$A:0"], pair=["$A:0", "$B:1"], special_tokens=[])
