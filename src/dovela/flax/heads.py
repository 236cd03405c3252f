"""What heads are made of, for every kind of input: a backbone, a part on top, a loss.

Letters: B batch, S sequence, D hidden size, L labels.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..declaring import put_on
from ..errors import ConfigError, InputError
from .layers import Dropout, dense, dtypes
from .losses import class_loss
from .model import FlaxPreTrainedModel

Array = jax.Array


class ClassifierHead(nn.Module):
    """(…, D) -> scores of classes (…, L), through a ReLU layer first if there is a `hidden_layer`."""

    config: Any
    labels: int
    rate: float
    hidden_layer: bool = False
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        self.hidden = dense(self, self.config.hidden_size) if self.hidden_layer else None
        self.dropout = Dropout(self.rate)
        self.out = dense(self, self.labels)

    def __call__(self, x: Array, train: bool = False) -> Array:
        if self.hidden is not None:
            x = jax.nn.relu(self.hidden(x))
        return self.out(self.dropout(x, train))


class HeadedModel(FlaxPreTrainedModel):
    """A backbone and a head. `__call__` passes what it does not know on to the backbone, which checks it."""

    backbone_class: ClassVar[type[FlaxPreTrainedModel]]
    backbone_options: ClassVar[dict[str, Any]] = {}
    needs_pooler: ClassVar[bool] = False
    """Whether the head is of no use without what the backbone pooled."""

    def __init_subclass__(cls, *, backbone: type[FlaxPreTrainedModel] | None = None, **kwargs: Any) -> None:
        if backbone is not None:
            hint = 'Write task="…" in the class statement.'
            kwargs = put_on(cls, backbone, FlaxPreTrainedModel, kwargs, called="Flax model class", hint=hint)
        super().__init_subclass__(**kwargs)

    @classmethod
    def _find_input_names(cls) -> tuple[str, ...]:
        backbone = getattr(cls, "backbone_class", None)  # a class that others are derived from has none yet
        return tuple(dict.fromkeys([*super()._find_input_names(), *(backbone.input_names() if backbone else ())]))

    def setup(self) -> None:
        self.backbone = self.backbone_class(
            self.config,
            gradient_checkpointing=self.gradient_checkpointing,
            **dtypes(self),
            **self.backbone_options,
        )

    @nn.nowrap
    def dummy_inputs(self) -> dict[str, Any]:
        return self.backbone_class(self.config, parent=None).dummy_inputs()

    def token_table(self) -> Array:
        return self.backbone.token_table()

    def encode(self, **inputs: Any) -> Any:
        """What the backbone makes of the inputs that are given."""
        output = self.backbone(**{name: value for name, value in inputs.items() if value is not None})
        if not all(hasattr(output, name) for name in ("last_hidden_state", "hidden_states", "attentions")):
            where = f"{type(self.backbone).__name__}.__call__"
            expected = "expected what heads read, a BaseModelOutput(last_hidden_state=…)"
            raise InputError(where, f"{expected}, got {type(output).__name__}")
        if self.needs_pooler and getattr(output, "pooler_output", None) is None:
            raise ConfigError(
                type(self).__name__,
                "its head reads what the backbone pooled, and the backbone has no `pooler`",
                hint="Build the backbone with one (add_pooling_layer=True).",
            )
        return output


class LabelledModel(HeadedModel):
    """A head that gives one set of scores, and learns from one set of labels."""

    output_class: ClassVar[Any]
    token_labels: ClassVar[bool] = False

    def scores(self, output: Any, train: bool = False) -> Array:
        """Hook: what the backbone returned -> logits."""
        raise ConfigError(type(self).__name__, "must define scores(self, output, train) -> logits")

    def loss(self, logits: Array, labels: Any) -> Array:
        """Hook: by default the labels are class numbers."""
        return class_loss(logits, labels)

    def answer(self, labels: Any, train: bool, **inputs: Any) -> Any:
        """What `__call__` returns: the inputs through the backbone, its output scored, with the loss of any labels."""
        output = self.encode(train=train, **inputs)
        logits = self.scores(output, train)
        return self.output_class(
            loss=None if labels is None else self.loss(logits, labels),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


class Classification(LabelledModel):
    """What the classifiers share: a part `classifier`, which an architecture may shape by `make_head`."""

    def setup(self) -> None:
        super().setup()
        self.classifier = self.make_head(self.classes())

    def make_head(self, labels: int) -> nn.Module:
        """Hook: the part that gives `labels` scores, called with (x, train)."""
        own = getattr(self.config, "head_dropout", None)
        rate = getattr(self.config, "dropout", 0.0) if own is None else own
        return ClassifierHead(self.config, labels, rate, self.hidden(), **dtypes(self))

    @nn.nowrap
    def hidden(self) -> bool:
        """Whether the classifier has a layer in between: where the configuration says so of whole sequences."""
        return bool(getattr(self.config, "classifier_hidden", False))

    @nn.nowrap
    def classes(self) -> int:
        return int(self.config.num_labels)

    def scores(self, output: Any, train: bool = False) -> Array:
        return self.classifier(pooled(output), train)  # type: ignore[no-any-return]


def pooled(output: Any) -> Array:
    """(B, D): what the backbone pooled, or else the first token's state."""
    vector = getattr(output, "pooler_output", None)
    return output.last_hidden_state[:, 0] if vector is None else vector  # type: ignore[no-any-return]
