"""Between tokens, ids and text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from ..errors import InputError
from .arguments import check_flags, check_tokens, refuse_unknown
from .special_tokens import AddedToken, SpecialTokens

DECODING = ("skip_special_tokens", "clean_up_tokenization_spaces")
TIDY = (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")


class Conversion(SpecialTokens):
    """Look-ups in a vocabulary and back, and decoding."""

    clean_up_tokenization_spaces: bool

    def get_vocab(self) -> dict[str, int]:
        """Token -> id, with the added tokens."""
        raise NotImplementedError

    @property
    def added_tokens_decoder(self) -> dict[int, AddedToken]:
        """Id -> added token, by id."""
        raise NotImplementedError

    def get_added_vocab(self) -> dict[str, int]:
        """Token -> id of the added tokens."""
        return {token.content: index for index, token in self.added_tokens_decoder.items()}

    def convert_tokens_to_ids(self, tokens: Any) -> Any:
        """The id of a token, or the ids of many; a token that is not in the vocabulary has the id of unk_token."""
        if isinstance(tokens, str):
            return self._id_of(tokens)
        where = f"{type(self).__name__}.convert_tokens_to_ids"
        if isinstance(tokens, bytes) or not isinstance(tokens, Iterable):
            raise InputError(where, f"expected a token or tokens, got {type(tokens).__name__} {tokens!r}")
        tokens = list(tokens)
        if wrong := [token for token in tokens if not isinstance(token, str)]:
            raise InputError(where, f"expected tokens, which are strings, got {type(wrong[0]).__name__} {wrong[0]!r}")
        return [self._id_of(token) for token in tokens]

    def _id_of(self, token: str) -> int:
        index = self._token_to_id(token)
        index = self.unk_token_id if index is None else index
        if index is None:
            raise InputError(
                f"{type(self).__name__}.convert_tokens_to_ids",
                f"{token!r} is not in the vocabulary, and there is no unk_token",
            )
        return index

    def convert_ids_to_tokens(self, ids: Any, skip_special_tokens: bool = False) -> Any:
        """The token of an id, or the tokens of many. An id outside the vocabulary is an InputError."""
        where = f"{type(self).__name__}.convert_ids_to_tokens"
        check_flags(where, {}, skip_special_tokens=skip_special_tokens)
        ids = plain_ids(where, ids)
        if not isinstance(ids, list):
            return self._names([ids])[0]
        skip = self._special_ids() if skip_special_tokens else ()
        return self._names([index for index in ids if not _is_id(index) or index not in skip])

    def _special_ids(self) -> frozenset[int]:
        """Of the tokens that have a role, and of every added token that is special."""
        if self._skipped is None:
            special = [index for index, token in self.added_tokens_decoder.items() if token.special]
            self._skipped = frozenset([*self.all_special_ids, *special])
        return self._skipped

    def _names(self, ids: list[int]) -> list[str]:
        tokens = [self._id_to_token(index) if _is_id(index) else None for index in ids]
        if None in tokens:
            wrong, below = ids[tokens.index(None)], max(self.get_vocab().values(), default=-1) + 1
            raise InputError(
                f"{type(self).__name__}.decode",
                f"{wrong!r} is not an id of this vocabulary, whose ids are below {below}",
                hint="For labels, replace the ignored -100 first." if wrong == -100 else "",
            )
        return tokens  # type: ignore[return-value]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Tokens put together to a text. Here: separated by spaces."""
        check_tokens(f"{type(self).__name__}.convert_tokens_to_string", tokens)
        return " ".join(tokens)

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        **unknown: Any,
    ) -> str:
        """Ids -> text, without the special tokens if `skip_special_tokens`.

        `clean_up_tokenization_spaces` takes away the spaces before punctuation and in English contractions; by
        default it is the tokenizer's own setting.
        """
        where = f"{type(self).__name__}.decode"
        refuse_unknown(where, unknown, DECODING)
        check_flags(where, {"clean_up_tokenization_spaces": clean_up_tokenization_spaces})
        ids = plain_ids(where, token_ids)
        ids = ids if isinstance(ids, list) else [ids]
        if any(isinstance(index, (list, tuple)) for index in ids):
            raise InputError(where, "expected one row of ids", hint="Use batch_decode for several.")
        tokens: list[str] = self.convert_ids_to_tokens(ids, skip_special_tokens)
        text = self.convert_tokens_to_string(tokens)
        clean = (
            self.clean_up_tokenization_spaces if clean_up_tokenization_spaces is None else clean_up_tokenization_spaces
        )
        return self.clean_up_tokenization(text) if clean else text

    def batch_decode(
        self,
        sequences: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        **unknown: Any,
    ) -> list[str]:
        """`decode` for each row."""
        where = f"{type(self).__name__}.batch_decode"
        refuse_unknown(where, unknown, DECODING)
        if not _is_rows(sequences) or (hasattr(sequences, "shape") and not len(sequences.shape)):
            raise InputError(where, f"expected rows of ids, got {type(sequences).__name__} {sequences!r}")
        return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in sequences]

    @staticmethod
    def clean_up_tokenization(text: str) -> str:
        """English spacing: "it ' s fine ." -> "it's fine."."""
        for found in TIDY:
            text = text.replace(found, found.strip(" "))
        return text


def plain_ids(where: str, ids: Any) -> Any:
    """Python's own integers, or a list of them, from arrays, tensors, lists of scalars of either, and iterables."""
    if not isinstance(ids, (list, tuple)):
        if isinstance(ids, (Mapping, Set)):
            raise InputError(where, f"expected ids in their order, got {type(ids).__name__} {ids!r}")
        if hasattr(ids, "tolist"):
            return ids.tolist()
        if not _is_rows(ids):
            return ids
        if hasattr(ids, "numpy"):  # tensorflow's
            return ids.numpy().tolist()
    return [index.tolist() if hasattr(index, "tolist") else index for index in ids]


def _is_rows(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, Set))


def _is_id(index: Any) -> bool:
    return isinstance(index, int) and not isinstance(index, bool) and index >= 0
