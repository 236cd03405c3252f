"""What a model of sound is called with, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..audio_rules import check_audio
from ..input_rules import flag
from .arrays import TORCH, yes_and_no
from .layout import readable


@dataclass
class AudioInputs:
    """Letters: B batch, T samples, S frames."""

    input_values: Tensor  # (B, T)
    attention_mask: Tensor | None  # boolean (B, T), True = real; None: everything is
    mask_time_indices: Tensor | None  # boolean (B, S), True = hidden from the layers
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        input_values: Tensor | None,
        attention_mask: Tensor | None,
        mask_time_indices: Tensor | None,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
    ) -> AudioInputs:
        check_audio(TORCH, config, input_values, attention_mask, mask_time_indices)
        mask = yes_and_no(attention_mask)
        if mask is not None and readable(mask) and bool(mask.all()):
            mask = None
        return cls(
            input_values,  # type: ignore[arg-type]
            mask,
            yes_and_no(mask_time_indices),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )
