"""The few places where Keras's backends differ and `keras.ops` has no word for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import keras

from ..errors import InputError

TENSORFLOW = keras.backend.backend() == "tensorflow"


def is_symbolic(x: Any) -> bool:
    """Whether a tensor stands for values that are not there yet: a graph is being made, or a function traced."""
    if TENSORFLOW:
        import tensorflow as tf

        return bool(tf.is_symbolic_tensor(x))
    jax = sys.modules["jax"]
    return isinstance(x, jax.core.Tracer)


def is_dense(x: Any) -> bool:
    """Whether a tensor has a value at every place and one length on every axis: not ragged, not sparse."""
    if not TENSORFLOW:
        return True
    import tensorflow as tf

    return not isinstance(x, tf.RaggedTensor | tf.SparseTensor)


def as_written(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which `tf.function` is not to rewrite: its branches are on what is known while a graph is made."""
    if not TENSORFLOW:
        return function
    import tensorflow as tf

    return tf.autograph.experimental.do_not_convert(function)  # type: ignore[no-any-return]


def export_saved_model(
    model: Any, path: Any, signature: Mapping[str, Any], call: Callable[[Any], dict[str, Any]], verbose: bool | None
) -> None:
    """A SavedModel whose function `serve` takes a dict of inputs, of the shapes and dtypes of `signature`."""
    try:
        import tensorflow as tf
    except ModuleNotFoundError:
        problem = "a SavedModel is written by tensorflow, which is not installed"
        raise InputError(f"{type(model).__name__}.export", problem, hint="Run: pip install tensorflow") from None
    specs = {n: s if isinstance(s, tf.TensorSpec) else tf.TensorSpec(s[0], s[1], n) for n, s in signature.items()}
    free = {n: f"({', '.join(_size(i, size) for i, size in enumerate(spec.shape))})" for n, spec in specs.items()}
    options = {} if TENSORFLOW else {"jax2tf_kwargs": {"polymorphic_shapes": [free]}}
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", call, input_signature=[specs], **options)
    archive.write_out(str(path), verbose=bool(verbose))


def _size(axis: int, size: int | None) -> str:
    """Sizes that are free are the same in all inputs, axis by axis: one batch, one length."""
    return f"n{axis}" if size is None else str(size)
