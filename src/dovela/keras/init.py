"""Layers that know their input's width and draw their weights as transformers do.

Keras builds a layer when it is first called. A model whose weights come from a file needs them before, under paths that
follow torch's names: so each layer here is built by `build()` alone, and names its children as its attributes.
"""

from __future__ import annotations

import inspect
import math
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers, ops

_drawing = threading.local()  # nothing: within `undrawn`


def spread(config: Any) -> dict[str, Any]:
    """How far the weights of a configuration's layers spread when they are drawn: arguments of the layers below."""
    return {"std": getattr(config, "initializer_range", 0.02), "limit": getattr(config, "initializer_limit", None)}


class Normal(keras.initializers.Initializer):
    """Normal with the deviation `std`, within `limit` if there is one; `zero_row`: a row that starts at zero.

    Unlike Keras's own, one of these may draw several weights: each is another.
    """

    def __init__(self, std: float, limit: float | None = None, zero_row: int | None = None) -> None:
        self.std, self.limit, self.zero_row = std, limit, zero_row

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        if getattr(_drawing, "nothing", False):
            return ops.zeros(shape, dtype)
        if self.limit is None or self.limit >= 10 * self.std:  # ten deviations away no value is ever drawn
            x = keras.random.normal(shape, stddev=self.std)
        else:
            end = math.erf(self.limit / self.std / math.sqrt(2)) if self.std else 0.0
            x = self.std * math.sqrt(2) * ops.erfinv(keras.random.uniform(shape, -end, end))
        if self.zero_row is not None:
            x = x * ops.cast(ops.arange(shape[0]) != self.zero_row, x.dtype)[:, None]
        return ops.cast(x, dtype or keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        return {"std": self.std, "limit": self.limit, "zero_row": self.zero_row}


def normal(config: Any) -> Normal:
    """How a configuration's weights are drawn."""
    return Normal(**spread(config))


@contextmanager
def undrawn() -> Iterator[None]:
    """Within it `Normal` gives zeros: for a model whose weights come from a file."""
    before = getattr(_drawing, "nothing", False)
    _drawing.nothing = True
    try:
        yield
    finally:
        _drawing.nothing = before


class Dense(layers.Dense):
    """`keras.layers.Dense` drawn from a normal distribution. `reads`: the width of its input, for `build()` to know."""

    def __init__(
        self, units: int, *, std: float, limit: float | None = None, reads: int | None = None, **options: Any
    ) -> None:
        super().__init__(units, kernel_initializer=Normal(std, limit), **options)
        self.reads = reads

    def build(self, input_shape: Any = None) -> None:
        super().build((None, None, self.reads) if input_shape is None else input_shape)


class LayerNorm(layers.LayerNormalization):
    """`keras.layers.LayerNormalization` over the last axis, which is `reads` wide."""

    def __init__(self, reads: int, *, epsilon: float, **options: Any) -> None:
        super().__init__(epsilon=epsilon, **options)
        self.reads = reads

    def build(self, input_shape: Any = None) -> None:
        super().build((None, None, self.reads))


class Embedding(layers.Embedding):
    """A table of vectors; the row at `padding` starts at zero and gets no gradient."""

    def __init__(self, rows: int, width: int, *, std: float, padding: int | None = None, **options: Any) -> None:
        super().__init__(rows, width, embeddings_initializer=Normal(std, zero_row=padding), **options)
        self.padding = padding

    def call(self, ids: Any) -> Any:
        x = super().call(ids)  # (…, D)
        if self.padding is None:
            return x
        return ops.where(ops.equal(ids, self.padding)[..., None], ops.stop_gradient(x), x)


class Part(layers.Layer):
    """A layer made of layers: `build()` builds them, each under its attribute's name."""

    def build(self, input_shape: Any = None) -> None:
        build_children(self)

    def get_config(self) -> dict[str, Any]:
        return super().get_config()  # type: ignore[no-any-return]  # the model's configuration makes it again


class Numbered(Part):
    """Layers in a row, named by their numbers; what is done with them is the subclass's `call`."""

    def __init__(self, parts: Iterable[Any], **options: Any) -> None:
        super().__init__(**options)
        self.parts = list(parts)
        for i, part in enumerate(self.parts):
            part.name = str(i)


def build_children(owner: Any) -> None:
    """Name the layers that a layer has as its attributes, and build those that know how."""
    name_children(owner)
    for _, child in _children(owner):
        if not child.built and _knows_its_input(child):
            reads = getattr(child, "reads", None)
            child.build(reads) if isinstance(reads, tuple) else child.build()


def name_children(owner: Any) -> None:
    """By their attributes, those inside them too: a plain layer's own `build` would leave them the names of Keras's."""
    for attribute, child in _children(owner):
        if _named_by_keras(child):
            child.name = getattr(child, "called", attribute)
        if not child.built:
            name_children(child)


def unbuilt(owner: Any) -> list[Any]:
    """Layers inside a layer that have a `build` of their own and wait for their first input."""
    found = [layer for layer in owner._flatten_layers(include_self=False) if not layer.built]
    return [layer for layer in found if type(layer).build is not layers.Layer.build]


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    for attribute, value in list(vars(owner).items()):
        if attribute.startswith("_"):
            continue
        if isinstance(value, layers.Layer):
            yield attribute, value
        elif isinstance(value, list | tuple):
            yield from ((f"{attribute}.{i}", part) for i, part in enumerate(value) if isinstance(part, layers.Layer))
        elif isinstance(value, dict):
            yield from ((f"{attribute}.{key}", part) for key, part in value.items() if isinstance(part, layers.Layer))


def _knows_its_input(layer: Any) -> bool:
    if isinstance(getattr(layer, "reads", None), tuple):
        return True
    build = inspect.signature(type(layer).build).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in list(build)[1:])


def _named_by_keras(layer: Any) -> bool:
    """Whether nobody gave it a name: Keras then makes one of its class's, and a number."""
    words = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(layer).__name__)
    words = re.sub("([a-z0-9])([A-Z])", r"\1_\2", words).lower()
    return re.fullmatch(rf"{re.escape(words)}(_\d+)?", layer.name.lower()) is not None
