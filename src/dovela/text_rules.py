"""What models of text may be called with, once for every framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from .errors import InputError
from .input_rules import Arrays, Shape, Size, check_ids, check_zeros_and_ones, expect_array, fits, flag
from .registry import Registry


@dataclass
class TextInputs:
    """What a model of text is called with, after it was checked. A kit derives its own.

    Letters: B batch, S sequence, D hidden size.
    """

    input_ids: Any  # (B, S)
    attention_mask: Any  # boolean (B, S) or (B, S, S), True = may be attended to
    token_type_ids: Any  # (B, S)
    position_ids: Any  # (B, S) or (S,)
    inputs_embeds: Any  # (B, S, D)
    output_attentions: bool
    output_hidden_states: bool

    arrays: ClassVar[Arrays]
    positions: ClassVar[Registry[Any]]

    @classmethod
    def check(
        cls,
        config: Any,
        input_ids: Any,
        attention_mask: Any,
        token_type_ids: Any,
        position_ids: Any,
        inputs_embeds: Any,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
    ) -> Self:
        own = cls.arrays.own
        there = config.positions in cls.positions  # else the model's own parts say so
        limited = there and getattr(cls.positions.get(config.positions), "limited", False)
        given = input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds
        check_text(cls.arrays, config, *given, limited=limited)
        return cls(
            own(input_ids),
            cls.arrays.booleans(attention_mask),
            own(token_type_ids),
            own(position_ids),
            own(inputs_embeds),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )


def check_text(
    arrays: Arrays,
    config: Any,
    input_ids: Any = None,
    attention_mask: Any = None,
    token_type_ids: Any = None,
    position_ids: Any = None,
    inputs_embeds: Any = None,
    *,
    limited: bool = True,
) -> None:
    """`limited`: whether `max_position_embeddings` is the longest sequence there can be.

    A row that is all padding is allowed: it attends evenly to everything.
    """
    if (input_ids is None) == (inputs_embeds is None):
        both = "both are given" if input_ids is not None else "neither is given"
        raise InputError("model input", f"expected input_ids or inputs_embeds, and {both}")
    if input_ids is not None:
        check_ids(arrays, "input_ids", input_ids, config.vocab_size, "vocab_size", dims=(2,))
        batch, length = arrays.shape(input_ids)
    else:
        batch, length = _embeddings(arrays, inputs_embeds, config.hidden_size)
    if length is not None and not length:
        raise InputError(
            "model input", "the sequences are empty", hint="Give at least one token, even if only padding."
        )
    most = config.max_position_embeddings if limited else None
    if most is not None and position_ids is None and length is not None and length > most:
        raise InputError(
            "model input",
            f"sequences of {length} tokens, and the model has {most} positions",
            hint=f"Tokenise with truncation=True, max_length={most}.",
        )
    if token_type_ids is not None:
        if not config.type_vocab_size:
            raise InputError("token_type_ids", "this architecture has no token types")
        check_ids(arrays, "token_type_ids", token_type_ids, config.type_vocab_size, "type_vocab_size", dims=(2,))
        _same(arrays, "token_type_ids", token_type_ids, [(batch, length)])
    if position_ids is not None:
        check_ids(arrays, "position_ids", position_ids, most, "max_position_embeddings", dims=(1, 2))
        _same(arrays, "position_ids", position_ids, [(batch, length), (1, length), (length,)])
    if attention_mask is not None:
        _text_mask(arrays, attention_mask, batch, length)


def check_choices(arrays: Arrays, owner: str, input_ids: Any, inputs_embeds: Any) -> Any:
    """Ids (B, C, S), or vectors (B, C, S, D) in their place: which of them is given."""
    given, axes = (inputs_embeds, 4) if input_ids is None else (input_ids, 3)
    if not arrays.is_array(given) or len(given.shape) != axes:
        got = "nothing" if given is None else list(getattr(given, "shape", ())) or type(given).__name__
        raise InputError(owner, f"expected inputs of the shape (batch, choices, sequence), got {got}")
    return given


def _embeddings(arrays: Arrays, x: Any, width: int) -> Shape:
    """Batch and length of vectors that are given instead of ids."""
    expected = f"expected floating-point (batch, sequence, {width})"
    if not arrays.is_array(x) or arrays.kind(x) != "f":
        got = arrays.dtype(x) if arrays.is_array(x) else type(x).__name__
        raise InputError("inputs_embeds", f"{expected}, got {got}")
    shape = arrays.shape(x)
    if not fits(shape, (None, None, width)):
        raise InputError("inputs_embeds", f"{expected}, got {list(shape)}")
    return shape[:2]


def _same(arrays: Arrays, name: str, x: Any, shapes: list[Shape]) -> None:
    got = arrays.shape(x)
    for shape in shapes:
        if fits(got, shape):
            return
    raise InputError(name, f"expected the shape {list(shapes[0])} of the input, got {list(got)}")


def _text_mask(arrays: Arrays, mask: Any, batch: Size, length: Size) -> None:
    expect_array(arrays, "attention_mask", mask)
    shape = arrays.shape(mask)
    if not fits(shape, (batch, length)) and not fits(shape, (batch, length, length)):
        raise InputError(
            "attention_mask",
            f"expected the shape {[batch, length]} of the input, or {[batch, length, length]}, got {list(shape)}",
        )
    check_zeros_and_ones(arrays, "attention_mask", mask, "1 = a real token, 0 = padding.")
