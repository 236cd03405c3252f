"""`decode` and `batch_decode` of a tokenizer whose model was trained with CTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .arguments import check_flags, check_tokens, refuse_unknown
from .conversion import Conversion
from .ctc import CTCDecoder, Reading, Wav2Vec2CTCTokenizerOutput
from .id_rows import Rows, read_row, read_rows
from .memory import no_collection


@dataclass(frozen=True)
class Wanted:
    """What a caller of `decode` asks for."""

    skip_special_tokens: bool = False
    clean_up_tokenization_spaces: bool | None = None
    output_char_offsets: bool = False
    output_word_offsets: bool = False
    group_tokens: bool = True
    spaces_between_special_tokens: bool = False

    def check(self, where: str, unknown: Mapping[str, Any]) -> None:
        flags = asdict(self)
        refuse_unknown(where, unknown, flags)
        check_flags(where, {"clean_up_tokenization_spaces": flags.pop("clean_up_tokenization_spaces")}, **flags)


class CTCDecoding(Conversion):
    """Frames -> text. A tokenizer says what each id stands for by `_current_decoder`."""

    def _current_decoder(self) -> CTCDecoder:
        """Of the tokens and settings as they are now."""
        raise NotImplementedError

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        output_char_offsets: bool = False,
        output_word_offsets: bool = False,
        *,
        group_tokens: bool = True,
        spaces_between_special_tokens: bool = False,
        **unknown: Any,
    ) -> Any:
        """The best id of each frame, (T,) -> text (str), or with offsets a `Wav2Vec2CTCTokenizerOutput`.

        Repeats are grouped, then the blank (`pad_token`) is dropped, the delimiter becomes a space, and whitespace at
        the ends goes. `group_tokens=False` reads labels back, in which a repeat is a double letter. An id beyond the
        vocabulary is the unknown token.

        `skip_special_tokens` leaves out `<s>`, `<unk>`, …, after grouping: they keep repeats apart as the blank does.
        `output_char_offsets`, `output_word_offsets`: where each was heard, [start, end) in frames.
        `spaces_between_special_tokens`: a space between any two tokens.
        """
        where = f"{type(self).__name__}.decode"
        wanted = Wanted(
            skip_special_tokens,
            clean_up_tokenization_spaces,
            output_char_offsets,
            output_word_offsets,
            group_tokens,
            spaces_between_special_tokens,
        )
        wanted.check(where, unknown)
        read = self._read(where, Rows.of([read_row(where, token_ids)]), wanted)
        return Wav2Vec2CTCTokenizerOutput(**_only(read)) if len(read) > 1 else read["text"][0]

    def batch_decode(
        self,
        sequences: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        output_char_offsets: bool = False,
        output_word_offsets: bool = False,
        *,
        group_tokens: bool = True,
        spaces_between_special_tokens: bool = False,
        **unknown: Any,
    ) -> Any:
        """`decode` for each row, all at once: (B, T) ids, or B rows of any lengths -> B texts.

        With offsets it is one `Wav2Vec2CTCTokenizerOutput`, whose fields are lists of B.
        """
        where = f"{type(self).__name__}.batch_decode"
        wanted = Wanted(
            skip_special_tokens,
            clean_up_tokenization_spaces,
            output_char_offsets,
            output_word_offsets,
            group_tokens,
            spaces_between_special_tokens,
        )
        wanted.check(where, unknown)
        read = self._read(where, read_rows(where, sequences), wanted)
        return Wav2Vec2CTCTokenizerOutput(**read) if len(read) > 1 else read["text"]

    def convert_tokens_to_string(  # type: ignore[override]
        self,
        tokens: list[str],
        group_tokens: bool = True,
        spaces_between_special_tokens: bool = False,
        output_char_offsets: bool = False,
        output_word_offsets: bool = False,
    ) -> Wav2Vec2CTCTokenizerOutput:
        """`decode` for tokens. It gives an output in any case, whose `text` is the string."""
        where = f"{type(self).__name__}.convert_tokens_to_string"
        wanted = Wanted(
            False, False, output_char_offsets, output_word_offsets, group_tokens, spaces_between_special_tokens
        )
        wanted.check(where, {})
        check_tokens(where, tokens)
        row = read_row(where, self.convert_tokens_to_ids(tokens))
        return Wav2Vec2CTCTokenizerOutput(**_only(self._read(where, Rows.of([row]), wanted)))

    def _read(self, where: str, rows: Rows, wanted: Wanted) -> dict[str, list[Any]]:
        """By field of the output a list with an entry for each row."""
        skip = self._special_ids() - {self.pad_token_id} if wanted.skip_special_tokens else frozenset()
        reading: Reading = self._current_decoder().read(where, rows, group=wanted.group_tokens, skip=skip)
        texts = reading.texts(" " if wanted.spaces_between_special_tokens else "")
        clean = wanted.clean_up_tokenization_spaces
        if self.clean_up_tokenization_spaces if clean is None else clean:
            texts = [self.clean_up_tokenization(text) for text in texts]
        read: dict[str, list[Any]] = {"text": texts}
        with no_collection():
            if wanted.output_char_offsets:
                read["char_offsets"] = reading.char_offsets()
            if wanted.output_word_offsets:
                read["word_offsets"] = reading.word_offsets()
        return read


def _only(read: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Of a batch of one row."""
    return {name: rows[0] for name, rows in read.items()}
