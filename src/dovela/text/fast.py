"""The engine on the Rust library `tokenizers`: opens any tokenizer.json."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ..errors import CheckpointError, InputError
from .arguments import Input
from .assembly import Assembly
from .backend import bert_pipeline
from .diagnosis import check_ids
from .files import WHOLE
from .pipeline import BertPipeline
from .retraining import Retraining
from .rows import Place, Row
from .special_tokens import AddedToken
from .truncation import Truncation
from .vocabulary import parse_json, read_text, write_vocabulary

if TYPE_CHECKING:
    from ..hub import Source


class PreTrainedTokenizerFast(Retraining):
    """A tokenizer that is described by a `tokenizers.Tokenizer`.

    Where its pipeline is BERT's, the Python engine does the same work faster and so does the work; everything else runs
    in Rust. `backend_tokenizer` is the library's own object. It can be changed from outside, so once it has been asked
    for, all runs in Rust.
    """

    is_fast: ClassVar[bool] = True
    _decoder: dict[int, AddedToken] | None = None  # the added tokens by id, once they were asked for

    def __init__(
        self, *, tokenizer_file: str | PathLike[str] | None = None, tokenizer_object: Any = None, **options: Any
    ) -> None:
        """From a tokenizer.json, or from a `tokenizers.Tokenizer`, of which a copy is taken."""
        where = type(self).__name__
        if (tokenizer_file is None) == (tokenizer_object is None):
            raise InputError(where, "expected either tokenizer_file or tokenizer_object")
        self._backend = _open(Path(tokenizer_file)) if tokenizer_file is not None else _copy(where, tokenizer_object)
        self._lock = threading.Lock()
        self._lent = False
        self._pipeline: BertPipeline | Literal["unread"] | None = "unread"
        padding, truncation = self._backend.padding, self._backend.truncation  # a file's settings become our defaults
        if padding is not None:
            options = {"padding_side": padding["direction"], "pad_token": padding["pad_token"]} | options
        if truncation is not None:
            options = {"truncation_side": truncation["direction"]} | options
        self._backend.no_padding()
        self._backend.no_truncation()
        if self._backend.post_processor is None:
            self._backend.post_processor = _bare_rows()
        super().__init__(**options)
        self._backend.encode_special_tokens = self.split_special_tokens

    @property
    def backend_tokenizer(self) -> Any:
        self._lent, self._decoder = True, None
        return self._backend

    # The vocabulary

    @property
    def vocab_size(self) -> int:
        return int(self._backend.get_vocab_size(with_added_tokens=False))

    def get_vocab(self) -> dict[str, int]:
        vocab: dict[str, int] = self._backend.get_vocab(with_added_tokens=True)
        return vocab

    def __len__(self) -> int:
        return int(self._backend.get_vocab_size(with_added_tokens=True))

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        return dict(self._known_added(fresh=self._lent))

    def _known_added(self, fresh: bool = False) -> dict[int, AddedToken]:
        if self._decoder is None or fresh:
            found = sorted(self._backend.get_added_tokens_decoder().items(), key=itemgetter(0))
            self._decoder = {index: AddedToken.of(token) for index, token in found}
        return self._decoder

    def _token_to_id(self, token: str) -> int | None:
        index: int | None = self._backend.token_to_id(token)
        return index

    def _id_to_token(self, index: int) -> str | None:
        added = self._known_added().get(index)
        if added is not None:  # for an added token the library has its normalised form, which is no token
            return added.content
        token: str | None = self._backend.id_to_token(index) if index < 1 << 32 else None
        return token

    def _roles_changed(self) -> None:
        self._pipeline = "unread"

    def _add(self, tokens: list[AddedToken]) -> int:
        from tokenizers import AddedToken as Rust

        before = len(self)
        known = {token.content: token for token in self.added_tokens_decoder.values()}
        fresh = [token for token in tokens if known.get(token.content) != token]
        if not fresh:
            return 0
        self._pipeline, self._decoder = "unread", None
        for special, group in groupby(fresh, key=lambda token: token.special):  # ids follow the order given
            add = self._backend.add_special_tokens if special else self._backend.add_tokens
            add([Rust(**token.to_dict()) for token in group])
        check_ids(type(self).__name__, self._backend, fresh)
        return len(self) - before

    def _restore(self, tokens: Mapping[int, AddedToken]) -> None:
        self._add([tokens[index] for index in sorted(tokens)])
        for index, token in tokens.items():
            if self._token_to_id(token.content) != index:
                raise InputError(
                    f"{type(self).__name__}.added_tokens_decoder",
                    f"{token.content!r} has id {index} there, and {self._token_to_id(token.content)} in the vocabulary",
                    hint="The vocabulary and the tokenizer's other files are of two different tokenizers.",
                )

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
            self._pipeline = bert_pipeline(self._backend, self._known_added())
        if self._pipeline is None:
            return None
        template = partial(self._template, special=special)
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
        with self._lock:  # truncation is a setting of the backend
            _set_truncation(self._backend, truncation)
            try:
                rows = self._backend.encode_batch(batch, add_special_tokens=special, is_pretokenized=words)
            except BaseException as error:  # the library raises Exception itself, and panics with one of its own
                if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                    raise _explained(error, inputs, truncation, where) from error
                raise
        return [[row, *row.overflowing] for row in rows]

    def _template(self, pair: bool, special: bool = True) -> list[Place]:
        """What a row consists of, read off one."""
        row = self._rust_rows([("a", "a" if pair else None)], special, None, False, type(self).__name__)[0][0]
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
        return int(self._backend.num_special_tokens_to_add(pair))

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        decoder = self._backend.decoder
        return " ".join(tokens) if decoder is None else str(decoder.decode(tokens))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"} | {"_pipeline": "unread"}

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
    if truncation is not None and "strictly less" in str(error):
        return InputError(where, truncation.narrow("too few"))
    return InputError(where, f"the tokenizers library refuses this input: {error}")


def _bare_rows() -> Any:
    """Rows without special tokens. With no template at all, the library takes padding for text of the first one."""
    from tokenizers import processors

    return processors.TemplateProcessing(single=["$A:0"], pair=["$A:0", "$B:1"], special_tokens=[])


def _open(path: Path) -> Any:
    from tokenizers import Tokenizer

    from .diagnosis import inconsistent, unreadable

    text = read_text(path)
    try:
        backend = Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise CheckpointError(str(path), *unreadable(parse_json(path, text), error)) from error
    problems = inconsistent(backend)
    if problems:
        raise CheckpointError(str(path), *problems)
    return backend


def _copy(where: str, backend: Any) -> Any:
    from tokenizers import Tokenizer

    if not isinstance(backend, Tokenizer):
        raise InputError(f"{where}.tokenizer_object", f"expected a tokenizers.Tokenizer, got {type(backend).__name__}")
    return Tokenizer.from_str(backend.to_str())
