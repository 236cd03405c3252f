"""Picks the configuration and model class that a checkpoint names by its `model_type`.

Only classes that are built in, or that the caller has defined or imported, are ever picked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from .config import CONFIGS, PretrainedConfig
from .errors import ConfigError, RegistryError, suggest
from .hub import split_options
from .lazy import naming
from .notices import notice
from .origins import KEY as DEFINED_IN
from .origins import missing_import
from .parts import KITS, MODELS_OF, class_names
from .writing import plain_name


class AutoConfig:
    """`AutoConfig.from_pretrained(name)`: the configuration of a checkpoint, in the class of its type."""

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, **overrides: Any) -> Any:
        """As `from_pretrained` of the class that the file's `model_type` names."""
        options, overrides = split_options(overrides)
        config, _ = _class_and_data(name_or_path, options)
        return config.from_pretrained(name_or_path, **options, **overrides)

    @classmethod
    def for_model(cls, model_type: str, **fields: Any) -> PretrainedConfig:
        """A new configuration of a type by its name: `AutoConfig.for_model("bert", num_hidden_layers=2)`."""
        return CONFIGS.get(model_type)(**fields)

    @classmethod
    def register(cls, model_type: str, config: type[PretrainedConfig], exist_ok: bool = False) -> None:
        """Name a class that one does not own; one's own are registered by their definition."""
        if config.model_type != model_type:
            problem = f"{config.__name__} calls itself {config.model_type!r} and is to be named {model_type!r}"
            raise RegistryError("AutoConfig.register", problem, hint="Both must be the same: files carry the first.")
        CONFIGS.register(model_type, config, exist_ok=exist_ok)


def _class_and_data(name_or_path: str | Path, options: dict[str, Any]) -> tuple[type[PretrainedConfig], dict[str, Any]]:
    """The configuration class that a checkpoint's file names, and the file's content."""
    data, _ = PretrainedConfig.get_config_dict(name_or_path, **options)
    kind = data.get("model_type")
    if not isinstance(kind, str):
        hint = "Open it with the class itself, as BertConfig."
        raise ConfigError(str(name_or_path), "its configuration names no model_type", hint=hint)
    if kind not in CONFIGS:
        raise RegistryError(
            f"{name_or_path}: model type {kind!r}",
            f"is not registered{suggest(kind, CONFIGS.names())}",
            hint=f"Registered: {', '.join(CONFIGS.names())}. {missing_import(data)}",
        )
    return CONFIGS.get(kind), data


class ModelDoor:
    """Opens what does one task, in one framework."""

    task: ClassVar[str]
    kit: ClassVar[str] = "torch"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        raise RegistryError(
            name, "is not built itself", hint=f"Use {name}.from_pretrained(…) or {name}.from_config(…)."
        )

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, *, config: Any = None, **arguments: Any) -> Any:
        """Open a checkpoint with the model class of its type for this task; arguments as of that class."""
        options, rest = split_options(arguments)
        if isinstance(config, PretrainedConfig):
            return cls._model_class(type(config)).from_pretrained(name_or_path, config=config, **options, **rest)
        kind, data = _class_and_data(name_or_path if config is None else config, options)
        model = cls._model_class(kind, data)
        saved_from = data.get("architectures") or [model.__name__]
        known = [*class_names(kind.model_type), *map(plain_name, [model, *cls._classes().model_classes(kind)])]
        if saved_from[0] not in known:
            told = f"{name_or_path} was saved from {saved_from[0]}, which is not registered; {model.__name__} opens it"
            wanted = _to_import(data, saved_from[:1]) if _noted(data, saved_from[0]) else ""
            notice(f"{told}. {wanted}" if wanted else told)
        return model.from_pretrained(name_or_path, config=config, **options, **rest)

    @classmethod
    def from_config(cls, config: PretrainedConfig, **arguments: Any) -> Any:
        """A model with random weights."""
        return cls._class_for(config)(config, **arguments)

    @classmethod
    def _class_for(cls, config: Any) -> Any:
        if not isinstance(config, PretrainedConfig):
            hint = f"{cls.__name__}.from_pretrained opens a checkpoint." if isinstance(config, (str, Path)) else ""
            problem = f"expected a configuration, got {type(config).__name__}"
            raise ConfigError(f"{cls.__name__}.from_config", problem, hint=hint)
        return cls._model_class(type(config))

    @classmethod
    def _classes(cls) -> Any:
        """What tells the model classes of the framework: `model_class`, `model_classes`, `no_model`."""
        from .torch import model_classes  # which needs torch

        return model_classes

    @classmethod
    def register(cls, config: type[PretrainedConfig], model: type, exist_ok: bool = False) -> None:
        """Let this task of a configuration's type be done by a class that one does not own."""
        MODELS_OF[cls.kit].register(f"{config.model_type}/{cls.task}", model, exist_ok=exist_ok)

    @classmethod
    def _model_class(cls, config: type[PretrainedConfig], data: Mapping[str, Any] | None = None) -> Any:
        """The class for this task; `data` is the file that asks for it, if there is one."""
        with naming(cls.__name__):
            classes = cls._classes()
            model = classes.model_class(config, cls.task)
        if model is None:
            saved_from = (data or {}).get("architectures") or ()
            raise classes.no_model(cls.__name__, config, cls.task, advice=_to_import(data or {}, saved_from))
        return model


def _to_import(data: Mapping[str, Any], saved_from: Sequence[str]) -> str:
    """What to import for the classes that a file was saved from, or that they are here already."""
    saved_from = [_as_defined(data, name) for name in saved_from]
    noted = {name: _noted(data, name) for name in saved_from}
    if noted and all(place in sys.modules and place != "__main__" for place in noted.values()):
        return f"The checkpoint was saved from {' and '.join(noted)}."
    return missing_import(data, saved_from)


def _noted(data: Mapping[str, Any], name: str) -> str:
    """The module that a class was defined in, as the file says."""
    places = data.get(DEFINED_IN)
    place = places.get(_as_defined(data, name)) if isinstance(places, Mapping) else None
    return place if isinstance(place, str) else ""


def _as_defined(data: Mapping[str, Any], name: str) -> str:
    """What a class is called where it was defined, whose name in files is torch's: NearModel may be FlaxNearModel."""
    places = data.get(DEFINED_IN)
    names = [f"{prefix}{name}" for prefix in KITS.values()]
    return next((known for known in names if isinstance(places, Mapping) and known in places), name)


class AutoModel(ModelDoor):
    """The model without a head.

    A task of your own, as of `@register_head("ranking")`, is opened by a class of yours, which needs no more than this:

        class AutoModelForRanking(AutoModel):
            task = "ranking"
    """

    task = "base"


class AutoModelForMaskedLM(ModelDoor):
    """The model that guesses masked tokens."""

    task = "masked-lm"


class AutoModelForSequenceClassification(ModelDoor):
    """The model with a classifier, or a regression, on whole texts."""

    task = "sequence-classification"


class AutoModelForTokenClassification(ModelDoor):
    """The model with a classifier on every token."""

    task = "token-classification"


class AutoModelForQuestionAnswering(ModelDoor):
    """The model that finds where an answer starts and ends."""

    task = "question-answering"


class AutoModelForMultipleChoice(ModelDoor):
    """The model that scores continuations."""

    task = "multiple-choice"


class AutoModelForNextSentencePrediction(ModelDoor):
    """The model that tells whether the second text follows the first."""

    task = "next-sentence-prediction"


class AutoModelForPreTraining(ModelDoor):
    """The model with all heads that it was trained with."""

    task = "pre-training"


class AutoModelForImageClassification(ModelDoor):
    """The model with a classifier, or a regression, on whole images."""

    task = "image-classification"


class AutoModelForMaskedImageModeling(ModelDoor):
    """The model that fills in the patches of an image that were hidden."""

    task = "masked-image-modeling"


class AutoModelForCTC(ModelDoor):
    """The model that writes down what is said."""

    task = "ctc"


class AutoModelForAudioClassification(ModelDoor):
    """The model with a classifier, or a regression, on whole clips."""

    task = "audio-classification"


class AutoModelForAudioFrameClassification(ModelDoor):
    """The model with a classifier on every frame of a clip."""

    task = "audio-frame-classification"


class AutoModelForAudioXVector(ModelDoor):
    """The model that tells voices apart."""

    task = "audio-xvector"


class AutoModelForCausalLM(ModelDoor):
    """The model that writes on, token by token; none of the encoders does."""

    task = "causal-lm"


class AutoModelForSeq2SeqLM(ModelDoor):
    """The model that turns a text into another; none of the encoders does."""

    task = "seq2seq-lm"
