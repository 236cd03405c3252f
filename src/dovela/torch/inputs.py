"""What a text model is called with, checked before anything is computed.

Shapes and dtypes are always checked; values only where looking at them is free (see `layout.readable`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError
from ..parts import POSITIONS
from .layout import readable


def flag(name: str, given: Any, default: bool) -> bool:
    """What an argument of True or False says, or the configuration where it says nothing."""
    if given is None or isinstance(given, bool):
        return default if given is None else given
    raise InputError(name, f"expected True or False, got {given!r}")


@dataclass
class TextInputs:
    """Letters: B batch, S sequence, D hidden size."""

    input_ids: Tensor | None  # (B, S)
    attention_mask: Tensor | None  # boolean (B, S) or (B, S, S), True = may be attended to
    token_type_ids: Tensor | None  # (B, S)
    position_ids: Tensor | None  # (B, S) or (S,)
    inputs_embeds: Tensor | None  # (B, S, D)
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        input_ids: Tensor | None,
        attention_mask: Tensor | None,
        token_type_ids: Tensor | None,
        position_ids: Tensor | None,
        inputs_embeds: Tensor | None,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
    ) -> TextInputs:
        if (input_ids is None) == (inputs_embeds is None):
            both = "both are given" if input_ids is not None else "neither is given"
            raise InputError("model input", f"expected input_ids or inputs_embeds, and {both}")
        if input_ids is not None:
            _ids("input_ids", input_ids, config.vocab_size, "vocab_size", dims=(2,))
            batch, length = input_ids.shape
        elif inputs_embeds is not None:
            expected = f"expected floating-point (batch, sequence, {config.hidden_size})"
            if not isinstance(inputs_embeds, Tensor) or not inputs_embeds.is_floating_point():
                got = getattr(inputs_embeds, "dtype", type(inputs_embeds).__name__)
                raise InputError("inputs_embeds", f"{expected}, got {got}")
            if inputs_embeds.dim() != 3 or inputs_embeds.shape[-1] != config.hidden_size:
                raise InputError("inputs_embeds", f"{expected}, got {list(inputs_embeds.shape)}")
            batch, length = inputs_embeds.shape[:2]
        if not length:
            raise InputError(
                "model input", "the sequences are empty", hint="Give at least one token, even if only padding."
            )
        limited = getattr(POSITIONS.get(config.positions), "limited", False)
        if limited and position_ids is None and length > config.max_position_embeddings:
            raise InputError(
                "model input",
                f"sequences of {length} tokens, and the model has {config.max_position_embeddings} positions",
                hint=f"Tokenise with truncation=True, max_length={config.max_position_embeddings}.",
            )
        if token_type_ids is not None:
            if not config.type_vocab_size:
                raise InputError("token_type_ids", "this architecture has no token types")
            _ids("token_type_ids", token_type_ids, config.type_vocab_size, "type_vocab_size", dims=(2,))
            _same("token_type_ids", token_type_ids, [(batch, length)])
        if position_ids is not None:
            most = config.max_position_embeddings if limited else None
            _ids("position_ids", position_ids, most, "max_position_embeddings", dims=(1, 2))
            _same("position_ids", position_ids, [(batch, length), (1, length), (length,)])
        if attention_mask is not None:
            attention_mask = _mask(attention_mask, batch, length)
        return cls(
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )


def _ids(name: str, ids: Any, limit: int | None, field: str, dims: tuple[int, ...]) -> None:
    if not isinstance(ids, Tensor):
        raise InputError(
            name, f"expected a torch tensor, got {type(ids).__name__}", hint='Tokenise with return_tensors="pt".'
        )
    if ids.dtype not in (torch.int64, torch.int32):
        raise InputError(name, f"expected int64 or int32, got {ids.dtype}", hint="Ids are whole numbers: use .long().")
    if ids.dim() not in dims:
        hint = "One text alone is a batch of one: ids[None]." if ids.dim() == 1 else ""
        raise InputError(name, f"expected (batch, sequence), got the shape {list(ids.shape)}", hint=hint)
    if ids.numel() and readable(ids):
        low, high = (int(end) for end in torch.aminmax(ids))
        if low < 0 or (limit is not None and high >= limit):
            bad = low if low < 0 else high
            place = (ids == bad).nonzero()[0].tolist()
            bounds = "below 0" if limit is None else f"outside 0 … {limit - 1} ({field} {limit})"
            raise InputError(
                name,
                f"{bad} at {place} is {bounds}",
                hint="Does the tokenizer belong to this model?" if name == "input_ids" else "",
            )


def _same(name: str, x: Tensor, shapes: list[tuple[int, ...]]) -> None:
    if tuple(x.shape) not in shapes:
        raise InputError(name, f"expected the shape {list(shapes[0])} of the input, got {list(x.shape)}")


def _mask(mask: Any, batch: int, length: int) -> Tensor:
    if not isinstance(mask, Tensor):
        raise InputError("attention_mask", f"expected a torch tensor, got {type(mask).__name__}")
    if tuple(mask.shape) not in [(batch, length), (batch, length, length)]:
        raise InputError(
            "attention_mask",
            f"expected the shape {[batch, length]} of the input, or {[batch, length, length]}, got {list(mask.shape)}",
        )
    return zeros_and_ones("attention_mask", mask, "1 = a real token, 0 = padding.")


def zeros_and_ones(name: str, mask: Tensor, meaning: str) -> Tensor:
    """A mask as booleans. `meaning`: what 1 and 0 stand for, told where there is something else."""
    if mask.dtype is torch.bool:
        return mask
    if readable(mask) and not bool(((mask == 0) | (mask == 1)).all()):
        raise InputError(name, "has values other than 0 and 1", hint=meaning)
    return mask != 0
