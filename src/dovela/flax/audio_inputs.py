"""What a model of sound is called with, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..audio_rules import check_audio
from ..input_rules import flag
from .inputs import JAX

Array = jax.Array


@dataclass
class AudioInputs:
    """Letters: B batch, T samples, S frames."""

    input_values: Array  # (B, T)
    attention_mask: Array | None  # boolean (B, T), True = real; None: everything is
    mask_time_indices: Array | None  # boolean (B, S), True = hidden from the layers
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        input_values: Any,
        attention_mask: Any,
        mask_time_indices: Any,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
    ) -> AudioInputs:
        check_audio(JAX, config, input_values, attention_mask, mask_time_indices)
        return cls(
            jnp.asarray(input_values),
            yes_and_no(attention_mask),
            yes_and_no(mask_time_indices),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )


def yes_and_no(mask: Any) -> Array | None:
    """A mask of any dtype as booleans; None stays None."""
    return None if mask is None else jnp.asarray(mask) != 0
