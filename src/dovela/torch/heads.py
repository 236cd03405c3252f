"""What heads are made of, for every kind of input: a backbone, a part on top, a loss.

Letters: B batch, S sequence, D hidden size, L labels.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from ..declaring import put_on
from ..errors import ConfigError, InputError, RegistryError
from ..parts import HEADS
from .checked import described
from .init import Linear, spread
from .layout import captured, padded
from .losses import class_loss
from .model import PreTrainedModel
from .model_classes import is_builtin

_ANSWER = ("loss", "logits", "hidden_states", "attentions")  # what `LabelledModel.answer` gives

T = TypeVar("T", bound="type[HeadedModel]")


class ClassifierHead(nn.Module):
    """(…, D) -> scores of classes (…, L), through a ReLU layer first if `hidden`."""

    def __init__(self, config: Any, labels: int, *, dropout: float, hidden: bool = False) -> None:
        super().__init__()
        self.hidden = Linear(config.hidden_size, config.hidden_size, **spread(config)) if hidden else None
        self.dropout = nn.Dropout(dropout)
        self.out = Linear(config.hidden_size, labels, **spread(config))

    def forward(self, x: Tensor) -> Tensor:
        if not captured() and x.shape[-1] != self.out.in_features:
            raise InputError(
                type(self).__name__,
                f"expected (…, {self.out.in_features}), as hidden_size says, got {described(x)}",
                hint="Let the backbone and its pooler give vectors of that width, or define make_head in the model.",
            )
        if self.hidden is not None:
            x = self.hidden(x).relu()
        return self.out(self.dropout(x))  # type: ignore[no-any-return]


class HeadedModel(PreTrainedModel):
    """A backbone and a head. `forward` passes what it does not know on to the backbone, which checks it."""

    backbone_class: ClassVar[type[PreTrainedModel]]
    backbone_options: ClassVar[dict[str, Any]] = {}
    needs_pooler: ClassVar[bool] = False
    """Whether the head is of no use without the backbone's `pooler`; where there is none, it is not built."""

    def __init_subclass__(cls, *, backbone: type[PreTrainedModel] | None = None, **kwargs: Any) -> None:
        if backbone is not None:
            hint = f'Write @register_head("…") above {cls.__bases__[0].__name__}, or task="…" in the class statement.'
            kwargs = put_on(cls, backbone, PreTrainedModel, kwargs, called="model class", hint=hint)
        super().__init_subclass__(**kwargs)

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.backbone = self.backbone_class(config, **self.backbone_options)
        if self.needs_pooler and getattr(self.backbone, "pooler", None) is None:
            raise ConfigError(
                type(self).__name__,
                f"its head reads what the backbone pooled, and {type(self.backbone).__name__} has no `pooler`",
                hint="Build the backbone with one (add_pooling_layer=True), define self.pooler there, or take another "
                "head.",
            )

    @classmethod
    def _find_input_names(cls) -> tuple[str, ...]:
        backbone = getattr(cls, "backbone_class", None)  # a class that others are derived from has none yet
        return tuple(dict.fromkeys([*super()._find_input_names(), *(backbone.input_names() if backbone else ())]))

    def encode(self, *, pack: bool = True, **inputs: Any) -> Any:
        """What the backbone makes of the inputs that are given; without `pack`, at padding too as if it were text."""
        given = {name: value for name, value in inputs.items() if value is not None}
        with nullcontext() if pack or torch.compiler.is_compiling() else padded():
            return self.backbone(**given)


class LabelledModel(HeadedModel):
    """A head that gives one set of scores, and learns from one set of labels."""

    output_class: ClassVar[Any]
    token_labels: ClassVar[bool] = False
    """Whether there is a label for every token, perhaps even for padding, whose states then count."""

    def scores(self, output: Any) -> Tensor:
        """Hook: what the backbone returned -> logits."""
        raise ConfigError(type(self).__name__, "must define scores(self, output) -> logits")

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Hook: by default the labels are class numbers."""
        return class_loss(logits, labels)

    def answer(self, labels: Tensor | None, **inputs: Any) -> Any:
        """What `forward` returns: the inputs through the backbone, its output scored, with the loss of any labels."""
        if not captured():
            self._check_output_class()
        output = self.encode(pack=labels is None or not self.token_labels, **inputs)
        if not all(hasattr(output, name) for name in ("last_hidden_state", "hidden_states", "attentions")):
            raise InputError(
                f"{type(self.backbone).__name__}.forward",
                f"expected what heads read, a BaseModelOutput(last_hidden_state=…), got {described(output)}",
            )
        logits = self._floating("scores", self.scores(output), "logits (B, …)")
        if not captured():
            self._check_logits(logits, output.last_hidden_state)
        loss = None if labels is None else self._floating("loss", self.loss(logits, labels), "one number")
        return self.output_class(
            loss=loss,
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )

    def _check_output_class(self) -> None:
        made: Any = getattr(type(self), "output_class", None)
        absent = [name for name in _ANSWER if name not in getattr(made, "__dataclass_fields__", ())]
        if made is None or absent:
            lacks = (
                f", and {getattr(made, '__name__', repr(made))} lacks {', '.join(absent)}" if made is not None else ""
            )
            raise ConfigError(
                type(self).__name__,
                f"must define output_class, a ModelOutput with the fields {', '.join(_ANSWER)}{lacks}",
                hint="Write in the class: output_class = SequenceClassifierOutput",
            )

    def _check_logits(self, logits: Tensor, states: Tensor) -> None:
        if len(logits) != len(states):
            expected = f"expected logits for {len(states)} inputs, ({len(states)}, …)"
            raise InputError(f"{type(self).__name__}.scores", f"{expected}, got {described(logits)}")

    def _floating(self, hook: str, y: Any, what: str) -> Tensor:
        """What a hook returned, if it can be that: logits have a row for each text, a loss has no axis."""
        if isinstance(y, Tensor) and y.is_floating_point() and (y.dim() > 0) == (hook == "scores"):
            return y
        raise InputError(f"{type(self).__name__}.{hook}", f"expected {what}, a floating tensor, got {described(y)}")


class Classification(LabelledModel):
    """What the classifiers share: a part `classifier`, which an architecture may shape by `make_head`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        made: Any = self.make_head(config, self.classes(config))
        if not isinstance(made, nn.Module):
            problem = f"expected a torch module, got {type(made).__name__}"
            raise InputError(f"{type(self).__name__}.make_head", problem)
        self.classifier = made

    def make_head(self, config: Any, labels: int) -> nn.Module:
        """Hook: the part that gives `labels` scores."""
        own = getattr(config, "head_dropout", None)
        dropout = getattr(config, "dropout", 0.0) if own is None else own
        return ClassifierHead(config, labels, dropout=dropout, hidden=self.hidden(config))

    def hidden(self, config: Any) -> bool:
        """Whether the classifier has a layer in between: where the configuration says so of whole sequences."""
        return bool(getattr(config, "classifier_hidden", False))

    def classes(self, config: Any) -> int:
        return int(config.num_labels)

    def scores(self, output: Any) -> Tensor:
        return self.classifier(pooled(output))  # type: ignore[no-any-return]

    def _check_logits(self, logits: Tensor, states: Tensor) -> None:
        super()._check_logits(logits, states)
        labels = self.classes(self.config)
        if logits.shape[-1] != labels:
            hook = "make_head" if is_builtin(_owner(type(self), "scores")) else "scores"
            raise InputError(
                f"{type(self).__name__}.{hook}",
                f"expected {labels} scores in the last axis, (…, {labels}), got {described(logits)}",
                hint="num_labels says how many there are; where something else does, define classes(config).",
            )


def _owner(cls: type, name: str) -> type:
    return next(base for base in cls.__mro__ if name in vars(base))


def pooled(output: Any) -> Tensor:
    """(B, D): what the backbone pooled, or else the first token's state."""
    vector = getattr(output, "pooler_output", None)
    return output.last_hidden_state[:, 0] if vector is None else vector  # type: ignore[no-any-return]


def register_head(task: str) -> Callable[[T], T]:
    """`@register_head("ranking")` before a class of heads; `model.with_head("ranking")` puts it on any backbone."""

    def register(cls: T) -> T:
        if not isinstance(cls, type) or not issubclass(cls, HeadedModel):
            raise RegistryError(
                f"head {task!r}",
                f"{getattr(cls, '__name__', cls)!r} is no class of heads",
                hint="Derive it from dovela.torch.TextModel, ImageModel, AudioModel or HeadedModel.",
            )
        cls.task = task
        return HEADS.register(task, cls)  # type: ignore[no-any-return]

    return register
