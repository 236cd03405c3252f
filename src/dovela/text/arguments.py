"""Reading what a tokenizer was called with: which texts, padded and cut how; everything else is refused by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ..errors import InputError, suggest
from ..notices import notice
from .truncation import STRATEGIES

Text = str | list[str]  # a text, or a text given as words
Input = tuple[Text, Text | None]  # a sequence and, of a pair, the second
SURROGATE = re.compile("[\ud800-\udfff]")
UNBOUNDED = 2**31  # no row is that long: a model_max_length from here on means that it is not known
PADDINGS = ("longest", "max_length", "do_not_pad")


def refuse_unknown(where: str, unknown: Iterable[str], known: Iterable[str]) -> None:
    """An InputError that names every argument in `unknown`, with the nearest in `known`."""
    if names := list(unknown):
        known = sorted(known)
        problems = [f"unknown argument {name!r}{suggest(name, known)}" for name in names]
        raise InputError(where, *problems, hint=f"Known: {', '.join(known)}.")


FLAG = "True or False"
NAMES = "a list of names"
# What each plain setting of a tokenizer must be.
SETTINGS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "split_special_tokens": (FLAG, lambda value: isinstance(value, bool)),
    "clean_up_tokenization_spaces": (FLAG, lambda value: isinstance(value, bool)),
    "pad_token_type_id": ("an integer of at least 0", lambda value: _is_integer(value) and value >= 0),
    "name_or_path": ("a string", lambda value: isinstance(value, str)),
    "model_input_names": (NAMES, lambda value: _is_list(value) and all(isinstance(name, str) for name in value)),
    "model_max_length": (
        "a positive integer",  # files have 1e30, a float, for a length that is not known
        lambda value: (_is_integer(value) or (isinstance(value, float) and value.is_integer())) and value > 0,
    ),
    "padding_side": ("'left' or 'right'", lambda value: value in ("left", "right")),
    "truncation_side": ("'left' or 'right'", lambda value: value in ("left", "right")),
    "additional_special_tokens": ("a list of tokens", lambda value: _is_list(value)),
    "added_tokens_decoder": ("a mapping from ids to tokens", lambda value: isinstance(value, Mapping)),
}


def check_settings(where: str, **given: Any) -> None:
    """An InputError for the first setting that is not what it must be. None is for the caller to allow."""
    for name, value in given.items():
        expected, fits = SETTINGS[name]
        if not fits(value):
            raise InputError(f"{where}.{name}", f"expected {expected}, got {value!r}")


def check_flags(where: str, optional: Mapping[str, Any], **flags: Any) -> None:
    """Each must be True or False; those in `optional` may be None."""
    for name, value in chain(optional.items(), flags.items()):
        if value is not True and value is not False and not (value is None and name in optional):
            raise InputError(where, f"{name} must be {FLAG}{', or None' if name in optional else ''}, got {value!r}")


def check_tokens(where: str, tokens: Any) -> None:
    """Tokens are a list of strings."""
    if not isinstance(tokens, (list, tuple)):
        raise InputError(where, f"expected tokens in a list, got {type(tokens).__name__} {_short(tokens)}")
    for token in () if set(map(type, tokens)) <= {str} else tokens:
        if not isinstance(token, str):
            raise InputError(where, f"expected tokens, which are strings, got {type(token).__name__} {_short(token)}")


def read_id(where: str, value: Any) -> int:
    """An id; in files, whose keys are strings, digits."""
    if _is_integer(value) or (isinstance(value, str) and value.isdecimal()):
        return int(value)
    raise InputError(where, f"expected integers as keys, which are ids, got {value!r}")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def read_inputs(where: str, text: Any, pair: Any, words: bool) -> tuple[list[Input], bool]:
    """The sequences to encode, and whether they came as a batch. `words`: texts are lists of words."""
    batched = isinstance(text, (list, tuple)) and (not words or not text or isinstance(text[0], (list, tuple)))
    if not batched:
        return [(_text(where, text, words), None if pair is None else _text(where, pair, words))], False
    if pair is None:
        return [_row(f"{where}, row {i}", row, words) for i, row in enumerate(text)], True
    if not isinstance(pair, (list, tuple)) or len(pair) != len(text):
        got = f"{len(pair)}" if isinstance(pair, (list, tuple)) else f"one {type(pair).__name__}"
        raise InputError(where, f"text_pair must have one entry for each of the {len(text)} texts, got {got}")
    rows = zip(text, pair, strict=True)
    return [
        (_text(f"{where}, row {i}", a, words), _text(f"{where}, row {i}", b, words)) for i, (a, b) in enumerate(rows)
    ], True


def _row(where: str, row: Any, words: bool) -> Input:
    inner = (list, tuple) if words else str
    is_pair = isinstance(row, (list, tuple)) and len(row) == 2 and all(isinstance(item, inner) for item in row)
    return (_text(where, row[0], words), _text(where, row[1], words)) if is_pair else (_text(where, row, words), None)


def _text(where: str, value: Any, words: bool) -> Text:
    if not words:
        if isinstance(value, str):
            return value if value.isascii() else _no_surrogate(where, value)
        hint = "For a text given as words, set is_split_into_words=True." if isinstance(value, (list, tuple)) else ""
        raise InputError(where, f"expected a string, got {type(value).__name__} {_short(value)}", hint=hint)
    if isinstance(value, (list, tuple)):
        for item in value:
            if not isinstance(item, str):
                raise InputError(where, f"expected words, got {type(item).__name__} {_short(item)}")
        return [word if word.isascii() else _no_surrogate(where, word) for word in value]
    raise InputError(
        where, f"is_split_into_words=True takes lists of words, got {type(value).__name__} {_short(value)}"
    )


def _no_surrogate(where: str, text: str) -> str:
    found = SURROGATE.search(text)
    if found is None:
        return text
    raise InputError(
        where,
        f"has a lone surrogate, U+{ord(found[0]):04X}, as character {found.start()}, which is no text",
        hint="Read files with errors='replace', not 'surrogateescape'.",
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


@dataclass(frozen=True)
class Lengths:
    """What padding, truncation and max_length come to together."""

    pad: bool
    pad_length: int | None
    truncate: str | None
    max_length: int


def read_lengths(
    where: str,
    padding: Any,
    truncation: Any,
    max_length: int | None,
    stride: int,
    multiple: int | None,
    model_max_length: int,
) -> Lengths:
    """Make sense of the length arguments. `max_length` alone cuts, longest first, and says so."""
    for name, value, least in (
        ("max_length", max_length, 0),
        ("stride", stride, 0),
        ("pad_to_multiple_of", multiple, 1),
    ):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            raise InputError(where, f"{name} must be an integer of at least {least}, got {value!r}")
    if multiple is not None and multiple >= UNBOUNDED:
        raise InputError(where, f"pad_to_multiple_of={multiple} is longer than any row can be")
    pad = (
        {True: "longest", False: "do_not_pad", None: "do_not_pad"}.get(padding, padding) if _plain(padding) else padding
    )
    if pad not in PADDINGS:
        raise InputError(
            where, f"padding={padding!r} is not one of True, False, {_names(PADDINGS)}{suggest(str(pad), PADDINGS)}"
        )
    if max_length is not None and truncation is None and pad == "do_not_pad":
        notice(
            "max_length was given without truncation: longer texts are cut, as by truncation='longest_first'. "
            "Pass truncation to choose."
        )
        truncation = True
    cut = (
        {True: "longest_first", False: "do_not_truncate", None: "do_not_truncate"}.get(truncation, truncation)
        if _plain(truncation)
        else truncation
    )
    if cut not in (*STRATEGIES, "do_not_truncate"):
        raise InputError(
            where,
            f"truncation={truncation!r} is not one of True, False, {_names(STRATEGIES)}{suggest(str(cut), STRATEGIES)}",
        )
    bound = max_length if max_length is not None else min(model_max_length, UNBOUNDED)
    if (pad == "max_length" or cut != "do_not_truncate") and bound >= UNBOUNDED:
        what = "padding='max_length'" if pad == "max_length" else f"truncation={truncation!r}"
        why = "this tokenizer has no model_max_length" if max_length is None else f"max_length={max_length} is none"
        raise InputError(
            where,
            f"{what} needs a length, and {why}",
            hint="Give max_length=…, or set tokenizer.model_max_length.",
        )
    if multiple and cut != "do_not_truncate" and pad != "do_not_pad" and bound % multiple:
        raise InputError(where, f"truncating to {bound} and padding to a multiple of {multiple} contradict each other")
    return Lengths(
        pad != "do_not_pad", bound if pad == "max_length" else None, None if cut == "do_not_truncate" else cut, bound
    )


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _names(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
