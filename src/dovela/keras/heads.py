"""What heads are made of, for every kind of input: a backbone, a part on top, a loss.

Letters: B batch, S sequence, D hidden size, L labels.
"""

from __future__ import annotations

from typing import Any, ClassVar

from keras import layers, ops

from ..declaring import put_on
from ..errors import ConfigError
from .init import Dense, Part, spread
from .losses import class_loss
from .model import TFPreTrainedModel


class ClassifierHead(Part):
    """(…, D) -> scores of classes (…, L), through a ReLU layer first if `hidden`."""

    def __init__(self, config: Any, labels: int, *, dropout: float, hidden: bool = False, **options: Any) -> None:
        super().__init__(**options)
        width = config.hidden_size
        self.hidden = Dense(width, reads=width, activation="relu", **spread(config)) if hidden else None
        self.dropout = layers.Dropout(dropout)
        self.out = Dense(labels, reads=width, **spread(config))

    def call(self, x: Any, training: bool | None = None) -> Any:
        if self.hidden is not None:
            x = self.hidden(x)
        return self.out(self.dropout(x, training=training))


class HeadedModel(TFPreTrainedModel):
    """A backbone and a head. `call` passes what it does not know on to the backbone, which checks it."""

    backbone_class: ClassVar[type[TFPreTrainedModel]]
    backbone_options: ClassVar[dict[str, Any]] = {}
    needs_pooler: ClassVar[bool] = False
    """Whether the head is of no use without the backbone's `pooler`; where there is none, it is not built."""
    label_names: ClassVar[tuple[str, ...]] = ("labels",)

    def __init_subclass__(cls, *, backbone: type[TFPreTrainedModel] | None = None, **kwargs: Any) -> None:
        if backbone is not None:
            hint = 'Write task="…" in the class statement.'
            kwargs = put_on(cls, backbone, TFPreTrainedModel, kwargs, called="Keras model class", hint=hint)
        super().__init_subclass__(**kwargs)

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.backbone = self.backbone_class(config, **self.backbone_options)
        if self.needs_pooler and getattr(self.backbone, "pooler", None) is None:
            problem = f"its head reads what the backbone pooled, and {type(self.backbone).__name__} has no `pooler`"
            raise ConfigError(
                type(self).__name__, problem, hint="Build the backbone with one (add_pooling_layer=True)."
            )

    @classmethod
    def input_names(cls) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*super().input_names(), *cls.backbone_class.input_names()]))

    def signature(self) -> dict[str, tuple[tuple[int | None, ...], str]]:
        return self.backbone.signature()

    def encode(self, *, training: bool | None, **inputs: Any) -> Any:
        """What the backbone makes of the inputs that are given."""
        return self.backbone(**{n: x for n, x in inputs.items() if x is not None}, training=training)


class LabelledModel(HeadedModel):
    """A head that gives one set of scores, and learns from one set of labels."""

    output_class: ClassVar[Any]
    token_labels: ClassVar[bool] = False
    """Whether there is a label for every token."""

    def scores(self, output: Any, training: bool | None = None) -> Any:
        """Hook: what the backbone returned -> logits."""
        raise ConfigError(type(self).__name__, "must define scores(self, output, training) -> logits")

    def label_loss(self, logits: Any, labels: Any) -> Any:
        """Hook: by default the labels are class numbers."""
        return class_loss(logits, labels)

    def objective(self, output: Any, labels: Any = None) -> Any:
        return None if labels is None else self.label_loss(output.logits, labels)

    def answer(self, labels: Any, training: bool | None, **inputs: Any) -> Any:
        """What `call` returns: the inputs through the backbone, its output scored, with the loss of any labels."""
        output = self.encode(training=training, **inputs)
        logits = self.scores(output, training)
        return self.output_class(
            loss=None if labels is None else self.label_loss(logits, labels),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


class Classification(LabelledModel):
    """What the classifiers share: a part `classifier`, which an architecture may shape by `make_head`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.classifier = self.make_head(config, self.classes(config))

    def make_head(self, config: Any, labels: int) -> Any:
        """Hook: the part that gives `labels` scores."""
        own = getattr(config, "head_dropout", None)
        dropout = getattr(config, "dropout", 0.0) if own is None else own
        return ClassifierHead(config, labels, dropout=dropout, hidden=self.hidden(config))

    def hidden(self, config: Any) -> bool:
        """Whether the classifier has a layer in between: where the configuration says so of whole sequences."""
        return bool(getattr(config, "classifier_hidden", False))

    def classes(self, config: Any) -> int:
        return int(config.num_labels)

    def scores(self, output: Any, training: bool | None = None) -> Any:
        return self.classifier(pooled(output), training=training)


def pooled(output: Any) -> Any:
    """(B, D): what the backbone pooled, or else the first token's state."""
    vector = getattr(output, "pooler_output", None)
    return output.last_hidden_state[:, 0] if vector is None else vector


def tied_scores(x: Any, table: Any) -> Any:
    """States (…, D) against the vector of each token, (V, D) -> (…, V)."""
    return ops.matmul(x, ops.transpose(ops.cast(table, x.dtype)))
