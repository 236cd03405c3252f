"""What a text model is called with, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..input_rules import flag
from ..parts import POSITIONS
from ..text_rules import check_text
from .arrays import TORCH, yes_and_no


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
        check_text(
            TORCH,
            config,
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            limited=getattr(POSITIONS.get(config.positions), "limited", False),
        )
        return cls(
            input_ids,
            yes_and_no(attention_mask),
            token_type_ids,
            position_ids,
            inputs_embeds,
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )
