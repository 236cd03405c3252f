"""What a model of sound is called with, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..audio_rules import check_audio
from ..errors import InputError
from ..input_rules import flag
from .inputs import ARRAYS, yes_and_no


@dataclass
class AudioInputs:
    """Letters: B batch, T samples, S frames."""

    input_values: Any  # (B, T)
    attention_mask: Any  # boolean (B, T), True = real; None: everything is
    mask_time_indices: Any  # boolean (B, S), True = hidden from the layers
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        input_values: Any = None,
        attention_mask: Any = None,
        mask_time_indices: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> AudioInputs:
        check_audio(ARRAYS, config, input_values, attention_mask, mask_time_indices)
        if ARRAYS.code == "jax" and attention_mask is not None and None in ARRAYS.shape(input_values)[1:]:
            # It would have to prove that masks and convolutions, each in its own formula, make as many frames.
            problem = "the number of samples is left open, and with a mask JAX must know it"
            sizes = '{"input_values": ((None, 16000), "float32"), "attention_mask": ((None, 16000), "int32")}'
            raise InputError(
                "input_values", problem, hint=f"Write keras.Input((16000,)), or export(…, input_signature={sizes})."
            )
        return cls(
            input_values,
            yes_and_no(attention_mask),
            yes_and_no(mask_time_indices),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )
