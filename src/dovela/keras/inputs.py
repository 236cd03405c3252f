"""What Keras's models are called with, checked before anything is computed.

Values are seen wherever they are there: not while a graph is made, nor of a `keras.Input`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import audio_rules, image_rules, text_rules
from ..errors import InputError
from ..input_rules import Arrays
from .on_tensorflow import is_dense, is_symbolic
from .parts import POSITIONS


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

    def booleans(self, mask: Any) -> Any:
        return None if mask is None else ops.cast(mask, "bool")


ARRAYS = KerasArrays()


class TextInputs(text_rules.TextInputs):
    arrays, positions = ARRAYS, POSITIONS


class ImageInputs(image_rules.ImageInputs):
    arrays = ARRAYS


@dataclass
class AudioInputs(audio_rules.AudioInputs):
    arrays = ARRAYS

    def __post_init__(self) -> None:
        if ARRAYS.code == "jax" and self.attention_mask is not None and None in ARRAYS.shape(self.input_values)[1:]:
            # It would have to prove that masks and convolutions, each in its own formula, make as many frames.
            problem = "the number of samples is left open, and with a mask JAX must know it"
            sizes = '{"input_values": ((None, 16000), "float32"), "attention_mask": ((None, 16000), "int32")}'
            raise InputError(
                "input_values", problem, hint=f"Write keras.Input((16000,)), or export(…, input_signature={sizes})."
            )
