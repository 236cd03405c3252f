"""Where special tokens go in a row. The first two methods are hooks; the engines and the rest follow them."""

from __future__ import annotations

from ..errors import InputError
from .arguments import check_flags
from .id_rows import read_row
from .special_tokens import SpecialTokens


class RowTemplate(SpecialTokens):
    """How the ids of one or two sequences become a row."""

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """A row's ids: the sequences with the special tokens around them. Here: none."""
        return [*token_ids_0, *(token_ids_1 or ())]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """A row's type ids: 0 through the first sequence, 1 after it."""
        whole = len(self.build_inputs_with_special_tokens(token_ids_0, token_ids_1))
        first = whole if token_ids_1 is None else len(self.build_inputs_with_special_tokens(token_ids_0))
        return [0] * first + [1] * (whole - first)

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens a row of one sequence, or of a pair, gets."""
        check_flags(f"{type(self).__name__}.num_special_tokens_to_add", {}, pair=pair)
        return len(self.build_inputs_with_special_tokens([], [] if pair else None))

    def get_special_tokens_mask(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None, already_has_special_tokens: bool = False
    ) -> list[int]:
        """1 for each special token of a row, 0 for the others.

        The row is made of the sequences given, or, with `already_has_special_tokens`, is `token_ids_0` itself.
        """
        if already_has_special_tokens:
            where = f"{type(self).__name__}.get_special_tokens_mask"
            if token_ids_1 is not None:
                raise InputError(where, "a finished row has no second sequence")
            special = set(self.all_special_ids)
            ids = read_row(where, token_ids_0).tolist() if hasattr(token_ids_0, "shape") else token_ids_0
            return [int(index in special) for index in ids]
        mark = [-1] * len(token_ids_0), None if token_ids_1 is None else [-1] * len(token_ids_1)
        return [int(index != -1) for index in self.build_inputs_with_special_tokens(*mark)]
