"""What a text model is called with, checked before anything is computed.

Values are seen wherever they are there: not while a graph is made, nor of a `keras.Input`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from ..input_rules import Arrays, flag
from ..text_rules import check_text
from .on_tensorflow import is_dense, is_symbolic


class KerasArrays(Arrays):
    """How the rules of `input_rules` and `label_rules` look at the tensors of Keras's backend, and at numpy arrays."""

    word: str = keras.backend.backend()
    code = "tf" if word == "tensorflow" else "jax"

    def is_array(self, x: Any) -> bool:
        if isinstance(x, np.ndarray):
            return x.dtype.kind not in "OUSMm"
        return (bool(ops.is_tensor(x)) and is_dense(x)) or isinstance(x, keras.KerasTensor)

    def shape(self, x: Any) -> tuple[Any, ...]:
        """Sizes that a graph leaves free are None, or symbols of JAX's."""
        return tuple(size if isinstance(size, int) else None for size in x.shape)

    def dtype(self, x: Any) -> str:
        return str(keras.backend.standardize_dtype(x.dtype))

    def values(self, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return x
        if isinstance(x, keras.KerasTensor) or is_symbolic(x):
            return None
        return np.asarray(x)


ARRAYS = KerasArrays()


def yes_and_no(mask: Any) -> Any:
    """A mask of any dtype as booleans; None stays None."""
    return None if mask is None else ops.cast(mask, "bool")


@dataclass
class TextInputs:
    """Letters: B batch, S sequence, D hidden size."""

    input_ids: Any  # (B, S)
    attention_mask: Any  # boolean (B, S) or (B, S, S), True = may be attended to
    token_type_ids: Any  # (B, S)
    position_ids: Any  # (B, S) or (S,)
    inputs_embeds: Any  # (B, S, D)
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> TextInputs:
        check_text(ARRAYS, config, input_ids, attention_mask, token_type_ids, position_ids, inputs_embeds)
        return cls(
            input_ids,
            yes_and_no(attention_mask),
            token_type_ids,
            position_ids,
            inputs_embeds,
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )
