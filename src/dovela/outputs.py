"""What models return: read by attribute, by key or by index; fields that are None are left out of keys and indices.

Letters: B batch, S sequence, D hidden size, H heads, V vocabulary, L labels, C choices, N layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, dataclass_transform

_watchers: list[Callable[[type[ModelOutput]], None]] = []
_watched: set[str] = set()


@dataclass_transform()
class ModelOutput:
    """The base of every output. A subclass is a list of annotated fields, and becomes a dataclass by its definition."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in vars(cls).get("__annotations__", {}):
            if name not in vars(cls):
                setattr(cls, name, None)  # every field may be left out
        dataclass(eq=False)(cls)  # tensors have no single answer to ==
        for watch in _watchers:
            watch(cls)

    def keys(self) -> list[str]:
        return [f.name for f in fields(self) if getattr(self, f.name) is not None]  # type: ignore[arg-type]

    def values(self) -> list[Any]:
        return [getattr(self, name) for name in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.keys()]

    def to_tuple(self) -> tuple[Any, ...]:
        return tuple(self.values())

    def __getitem__(self, key: str | int | slice) -> Any:
        if isinstance(key, str):
            if key not in self.keys():
                raise KeyError(f"{key!r} is not in this {type(self).__name__}, which has {', '.join(self.keys())}")
            return getattr(self, key)
        return self.to_tuple()[key]

    def __contains__(self, key: object) -> bool:
        return key in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())


def each_output(watch: Callable[[type[ModelOutput]], None], *, once: str = "") -> None:
    """Call `watch` for every output class there is and every one defined later (frameworks register them as trees).

    Of several with the same `once`, as two kits on one framework have them, only the first is called.
    """
    if once in _watched:
        return
    _watched.update({once} - {""})
    _watchers.append(watch)
    waiting = [ModelOutput]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            watch(cls)
            waiting.append(cls)


class BaseModelOutput(ModelOutput):
    """Of a model without a head."""

    last_hidden_state: Any = None  # (B, S, D)
    hidden_states: tuple[Any, ...] | None = None  # N + 1 of (B, S, D), the embeddings first
    attentions: tuple[Any, ...] | None = None  # N of (B, H, S, S)


class BaseModelOutputWithPooling(ModelOutput):
    """Of a model without a head that also sums a text up in one vector."""

    last_hidden_state: Any = None  # (B, S, D)
    pooler_output: Any = None  # (B, D)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class MaskedLMOutput(ModelOutput):
    """Of a model that guesses masked tokens."""

    loss: Any = None
    logits: Any = None  # (B, S, V)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class SequenceClassifierOutput(ModelOutput):
    """Of a classifier, or a regression, on whole texts."""

    loss: Any = None
    logits: Any = None  # (B, L)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class TokenClassifierOutput(ModelOutput):
    """Of a classifier on every token."""

    loss: Any = None
    logits: Any = None  # (B, S, L)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class ImageClassifierOutput(ModelOutput):
    """Of a classifier, or a regression, on whole images."""

    loss: Any = None
    logits: Any = None  # (B, L)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class MaskedImageModelingOutput(ModelOutput):
    """Of a model that fills in hidden patches of an image."""

    loss: Any = None
    reconstruction: Any = None  # (B, channels, height, width)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None

    @property
    def logits(self) -> Any:
        """The reconstruction, under the name that scores have elsewhere."""
        return self.reconstruction


class QuestionAnsweringModelOutput(ModelOutput):
    """Of a model that finds where an answer starts and ends."""

    loss: Any = None
    start_logits: Any = None  # (B, S)
    end_logits: Any = None  # (B, S)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class MultipleChoiceModelOutput(ModelOutput):
    """Of a model that scores continuations."""

    loss: Any = None
    logits: Any = None  # (B, C)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class NextSentencePredictorOutput(ModelOutput):
    """Of a model that tells whether the second text follows the first; class 0 says that it does."""

    loss: Any = None
    logits: Any = None  # (B, 2)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class PreTrainingOutput(ModelOutput):
    """Of a model with all heads that it was trained with."""

    loss: Any = None
    prediction_logits: Any = None  # (B, S, V)
    seq_relationship_logits: Any = None  # (B, 2)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class Wav2Vec2BaseModelOutput(ModelOutput):
    """Of a model of sound without a head."""

    last_hidden_state: Any = None  # (B, S, D)
    extract_features: Any = None  # (B, S, C): the normalised frames of the convolutions
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class CausalLMOutput(ModelOutput):
    """Of a model that scores characters in every frame of speech."""

    loss: Any = None
    logits: Any = None  # (B, S, V)
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class XVectorOutput(ModelOutput):
    """Of a model that tells voices apart."""

    loss: Any = None
    logits: Any = None  # (B, E)
    embeddings: Any = None  # (B, E), before the last layer
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None


class Wav2Vec2ForPreTrainingOutput(ModelOutput):
    """Of a model of sound with what it was pre-trained with."""

    loss: Any = None
    projected_states: Any = None  # (B, S, E)
    projected_quantized_states: Any = None  # (B, S, E)
    codevector_perplexity: Any = None
    hidden_states: tuple[Any, ...] | None = None
    attentions: tuple[Any, ...] | None = None
    contrastive_loss: Any = None
    diversity_loss: Any = None
