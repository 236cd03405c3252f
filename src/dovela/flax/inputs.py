"""What a model is called with, checked before anything is computed.

Shapes and dtypes are always checked; values wherever they are there: not while a function is traced. Under `jax.jit` an
id that is out of range gives NaN; `model.check(**inputs)` refuses it before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..input_rules import Arrays, flag
from ..text_rules import check_text

Array = jax.Array


class JaxArrays(Arrays):
    """jax's and NumPy's arrays, as the shared rules look at them."""

    word, code = "jax", "jax"

    def is_array(self, x: Any) -> bool:
        return isinstance(x, (jax.Array, np.ndarray))

    def values(self, x: Any) -> Any:
        return None if isinstance(x, jax.core.Tracer) or not x.size else np.asarray(x)


JAX = JaxArrays()


def given(x: Any) -> Any:
    """As a jax array, if it is there."""
    return None if x is None else jnp.asarray(x)


@dataclass
class TextInputs:
    """Letters: B batch, S sequence, D hidden size."""

    input_ids: Array | None  # (B, S)
    attention_mask: Array | None  # boolean (B, S) or (B, S, S), True = may be attended to
    token_type_ids: Array | None  # (B, S)
    position_ids: Array | None  # (B, S) or (S,)
    inputs_embeds: Array | None  # (B, S, D)
    output_attentions: bool
    output_hidden_states: bool

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
    ) -> TextInputs:
        check_text(JAX, config, input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        return cls(
            given(input_ids),
            None if attention_mask is None else jnp.asarray(attention_mask) != 0,
            given(token_type_ids),
            given(position_ids),
            given(inputs_embeds),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )
