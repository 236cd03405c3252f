"""How Keras's `fit`, `evaluate` and `predict` see a model whose call returns an output with a name for everything.

model.compile("adam")                                     the head's own loss; labels in x, or as y
model.compile("adam", loss=…, metrics=["accuracy"])       loss and metrics are given the logits
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import keras

from ..errors import InputError
from ..input_rules import check_ids, whole
from ..label_rules import SINGLE_LABEL, check_classes, problem_of
from ..outputs import ModelOutput
from .inputs import ARRAYS


def _looking(method: Callable[..., Any]) -> Callable[..., Any]:
    """A trainer's method that first looks at data it is given whole: the graph that it makes sees shapes alone."""
    takes_y = "y" in inspect.signature(method).parameters

    @functools.wraps(method)
    def looking(self: Any, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        self.look(x, args[0] if takes_y and args else kwargs.get("y"))
        return method(self, x, *args, **kwargs)

    return looking


class Training:
    """What a model overrides of Keras's trainers, of TensorFlow's and of JAX's."""

    label_names: ClassVar[tuple[str, ...]] = ()
    """The inputs of `call` that are labels."""
    label_classes: ClassVar[Mapping[str, str | int]] = {}
    """Of those that are class numbers, how many classes there are: a number, or a field of the configuration."""
    config: Any

    fit, evaluate, predict = map(_looking, (keras.Model.fit, keras.Model.evaluate, keras.Model.predict))
    train_on_batch, test_on_batch = map(_looking, (keras.Model.train_on_batch, keras.Model.test_on_batch))
    predict_on_batch = _looking(keras.Model.predict_on_batch)

    def look(self, x: Any, y: Any = None) -> None:
        """Refuse ids and classes out of range in arrays: by XLA, or on JAX, they would give numbers without a word."""
        first = self.input_names()[:1]  # type: ignore[attr-defined]
        ids = x.get("input_ids") if isinstance(x, Mapping) else x if first == ("input_ids",) else None
        tokens = getattr(self.config, "vocab_size", None)
        if tokens and ARRAYS.is_array(ids) and not isinstance(ids, keras.KerasTensor):
            check_ids(ARRAYS, "input_ids", ids, tokens, "vocab_size", dims=(2, 3))
        if not self.label_classes or getattr(self, "_compile_loss", None) is not None:
            return  # a loss of the caller's own may count otherwise
        labels = self._labels(y) if y is not None else x if isinstance(x, Mapping) else {}
        for name, size in self.label_classes.items():
            given, classes = labels.get(name), size if isinstance(size, int) else getattr(self.config, size)
            if size == "num_labels" and problem_of(self.config.problem_type, classes, False) != SINGLE_LABEL:
                continue
            if ARRAYS.is_array(given) and whole(ARRAYS, given):
                check_classes(ARRAYS, name, given, classes)

    def objective(self, output: Any, *args: Any, **kwargs: Any) -> Any:
        """Hook: the head's own loss of what `call` returned, or None without labels."""
        return None

    def predictions(self, output: Any) -> Any:
        """Hook: what a loss or a metric given to `compile` compares with labels; a dict where there are several."""
        return output.logits if "logits" in output else output.last_hidden_state

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        if not isinstance(y_pred, ModelOutput):
            return super().compute_loss(x, y, y_pred, sample_weight, training)  # type: ignore[misc]
        if self._compile_loss is not None:  # type: ignore[attr-defined]
            y, predicted = self._targets(x, y), self.predictions(y_pred)
            self._check_loss(predicted)
            return super().compute_loss(x, y, predicted, sample_weight, training)  # type: ignore[misc]
        if sample_weight is not None:
            problem = "the head's own loss knows no weights of samples or classes"
            hint = (
                "Give compile a loss: keras.losses.SparseCategoricalCrossentropy(from_logits=True), for class numbers."
            )
            raise InputError(f"{type(self).__name__}.fit", problem, hint=hint)
        loss = self._own_loss(y, y_pred)
        for more in self.losses:  # type: ignore[attr-defined]  # of regularisers, and of layers
            loss = loss + keras.ops.cast(more, loss.dtype)
        return loss

    def _check_loss(self, predicted: Any) -> None:
        given = getattr(self._compile_loss, "_user_loss", None)  # type: ignore[attr-defined]
        if isinstance(given, Mapping) and not isinstance(predicted, Mapping):
            problem = f"loss is a dict with {', '.join(map(str, given))}, and a loss of this model sees one thing"
            raise InputError(f"{type(self).__name__}.compile", problem, hint="Give the loss itself, which sees logits.")

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if isinstance(y_pred, ModelOutput):
            y, y_pred = self._targets(x, y), self.predictions(y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)  # type: ignore[misc]

    def predict_step(self, *arguments: Any) -> Any:
        """One batch: without labels, which nothing is to be learned from and whose loss has no rows."""
        *state, data = arguments  # JAX hands its state on
        x, y, weight = keras.utils.unpack_x_y_sample_weight(data)
        if isinstance(x, Mapping):
            x = {name: value for name, value in x.items() if name not in self.label_names}
        data = keras.utils.pack_x_y_sample_weight(x, y, weight) if y is not None else (x,)
        return super().predict_step(*state, data)  # type: ignore[misc]

    def _own_loss(self, y: Any, output: Any) -> Any:
        where, names = f"{type(self).__name__}.fit", self.label_names
        if not names:
            raise InputError(where, "this model has no loss of its own", hint="Give one to compile(…, loss=…).")
        if y is None:
            if output.loss is None:
                hint = f"Put {' and '.join(names)} into x, or give y."
                raise InputError(where, "expected labels, in x or as y, and none are given", hint=hint)
            return output.loss
        if output.loss is not None:
            raise InputError(where, "labels are given twice, in x and as y", hint="Leave one of them out.")
        return self.objective(output, **self._labels(y))

    def _labels(self, y: Any) -> dict[str, Any]:
        """y by the names of the labels."""
        names, where = self.label_names, f"{type(self).__name__}.fit"
        if isinstance(y, Mapping):
            if unknown := [name for name in y if name not in names]:
                raise InputError(where, f"y has {unknown[0]!r}, and the labels are called {', '.join(names)}")
            return dict(y)
        values = list(y) if isinstance(y, list | tuple) else [y]
        if len(values) != len(names):
            hint = f"Give y as a dict with {', '.join(names)}."
            raise InputError(where, f"expected {len(names)} kinds of labels, got {len(values)}", hint=hint)
        return dict(zip(names, values, strict=True))

    def _targets(self, x: Any, y: Any) -> Any:
        """y, or the labels that are in x, as `predictions` has what they are compared with."""
        if y is None and isinstance(x, Mapping):
            found = {name: x[name] for name in self.label_names if name in x}
            y = found if len(self.label_names) > 1 else next(iter(found.values()), None)
        several = len(self.label_names) > 1 and isinstance(y, list | tuple)
        return self._labels(y) if several else y
