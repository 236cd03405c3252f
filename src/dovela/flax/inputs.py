"""What a model is called with, checked before anything is computed.

Shapes and dtypes are always checked; values wherever they are there: not while a function is traced. Under `jax.jit` an
id that is out of range gives NaN; `model.check(**inputs)` refuses it before.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .. import audio_rules, image_rules, text_rules
from ..input_rules import Arrays
from .parts import POSITIONS


class JaxArrays(Arrays):
    """jax's and NumPy's arrays, as the shared rules look at them."""

    word, code = "jax", "jax"

    def is_array(self, x: Any) -> bool:
        return isinstance(x, (jax.Array, np.ndarray))

    def values(self, x: Any) -> Any:
        return None if isinstance(x, jax.core.Tracer) or not x.size else np.asarray(x)

    def own(self, x: Any) -> Any:
        return None if x is None else jnp.asarray(x)


JAX = JaxArrays()


class TextInputs(text_rules.TextInputs):
    arrays, positions = JAX, POSITIONS


class ImageInputs(image_rules.ImageInputs):
    arrays = JAX


class AudioInputs(audio_rules.AudioInputs):
    arrays = JAX
