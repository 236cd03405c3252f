"""Processors: a feature extractor and a tokenizer under one roof, called, saved and opened as one.

class CaptionProcessor(ProcessorMixin, model_type="captions"):      # registered by its definition
    image_processor_class = "ViTImageProcessor"
    tokenizer_class = ("BertTokenizer", "BertTokenizerFast")        # either

    def __init__(self, image_processor, tokenizer, prompt: str = "a photo of"):
        super().__init__(image_processor, tokenizer)
        self.prompt = prompt                                        # a setting of its own: saved too

batch = CaptionProcessor(extractor, tokenizer)(images=photos, text=captions, padding=True)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from .batch_feature import BatchFeature
from .errors import InputError
from .features import FEATURE_EXTRACTORS
from .kept_arguments import KeptArguments, refuse_unknown
from .processor_arguments import Half, route
from .processor_files import AUTO, ProcessorFiles
from .registry import Registry
from .text.base import TOKENIZERS

if TYPE_CHECKING:
    from pathlib import Path

PROCESSORS: Registry[type[ProcessorMixin]] = Registry(
    "processor", {"Wav2Vec2Processor": "dovela.models.wav2vec2.processor:Wav2Vec2Processor"}
)
MODEL_PROCESSORS: Registry[str] = Registry("processor of the model type")  # model type -> name in PROCESSORS
MODEL_PROCESSORS.register("wav2vec2", "Wav2Vec2Processor")

HALVES: Mapping[str, Registry[Any]] = {
    "feature_extractor": FEATURE_EXTRACTORS,
    "image_processor": FEATURE_EXTRACTORS,
    "tokenizer": TOKENIZERS,
}
FORMER = {
    "as_target_processor": "pass the texts as text=…, alone or beside the audio",
    "current_processor": "use feature_extractor or tokenizer",
    "apply_chat_template": "chat templates are for generating models, which dovela does not have",
}


class ProcessorMixin(KeptArguments, ProcessorFiles):
    """The base of every processor. A subclass says by `feature_extractor_class` (or `image_processor_class`) and
    `tokenizer_class` what its halves are: the name of a registered class, or several of which any will do."""

    feature_extractor_class: ClassVar[str | Sequence[str] | None] = None
    image_processor_class: ClassVar[str | Sequence[str] | None] = None
    tokenizer_class: ClassVar[str | Sequence[str] | None] = None
    extra: dict[str, Any]
    """What a file said that is no setting here; written back as it was."""

    def __init_subclass__(cls, *, register: bool = True, model_type: str | None = None, **kwargs: Any) -> None:
        """Defining a processor registers it by name, and as that of `model_type`, for AutoProcessor."""
        super().__init_subclass__(**kwargs)
        if register:
            PROCESSORS.register(cls.__name__, cls)
        if model_type is not None:
            MODEL_PROCESSORS.register(model_type, cls.__name__)

    def __init__(self, *halves: Any, **named: Any) -> None:
        """The halves by name, or in the order of `attributes`. One that is missing, or of another kind, is an
        InputError."""
        where, names = type(self).__name__, self.attributes()
        refuse_unknown(where, named, names)
        if len(halves) > len(names):
            raise InputError(where, f"takes {' and '.join(names)}, got {len(halves)} arguments")
        given = dict(zip(names, halves, strict=False))
        twice = given.keys() & named.keys()
        given |= named
        problems = [f"{name} is given twice" for name in sorted(twice)]
        problems += [f"{name} is missing" for name in names if given.get(name) is None]
        problems += [
            problem for name in names if given.get(name) is not None for problem in self._odd(name, given[name])
        ]
        if problems:
            raise InputError(where, *problems, hint=f"Write {where}({', '.join(f'{name}=…' for name in names)}).")
        self.extra = {}
        for name in names:
            setattr(self, name, given[name])

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.attributes() and (problems := list(self._odd(name, value))):
            raise InputError(type(self).__name__, *problems)
        super().__setattr__(name, value)

    # Halves and settings

    @classmethod
    @cache
    def attributes(cls) -> tuple[str, ...]:
        """The names of the halves."""
        return tuple(name for name in HALVES if getattr(cls, f"{name}_class", None) is not None)

    @classmethod
    def class_names(cls, half: str) -> tuple[str, ...]:
        """The names of the classes that a half may be of."""
        said = getattr(cls, f"{half}_class")
        return (said,) if isinstance(said, str) else tuple(said)

    @classmethod
    def classes(cls, half: str) -> tuple[type, ...]:
        """The classes themselves."""
        return tuple(AUTO[name] if name in AUTO else HALVES[half].get(name) for name in cls.class_names(half))

    @classmethod
    def wanted(cls, half: str) -> str:
        """The classes in words."""
        names = cls.class_names(half)
        plural = f"{half.replace('_', ' ')}s"
        return f"of any class of {plural}" if set(names) & set(AUTO) else f"a {' or '.join(names)}"

    def _odd(self, half: str, value: Any) -> Iterable[str]:
        if not isinstance(value, self.classes(half)):
            yield f"{half} must be {self.wanted(half)}, got {_kind(value)}"

    def inputs(self) -> dict[str, str]:
        """What a call takes, and which half it is for."""
        sees = "pixel_values" in getattr(getattr(self, "feature_extractor", None), "model_input_names", ())
        names = {"feature_extractor": "images" if sees else "audio", "image_processor": "images", "tokenizer": "text"}
        return {names[half]: half for half in self.attributes()}

    @classmethod
    def known_arguments(cls) -> frozenset[str]:
        """The settings that the constructors take beside the halves."""
        return super().known_arguments() - HALVES.keys()

    @property
    def model_input_names(self) -> list[str]:
        """What a call can return for the model."""
        return list(dict.fromkeys(name for half in self.attributes() for name in getattr(self, half).model_input_names))

    # Printed

    def to_dict(self) -> dict[str, Any]:
        """The class, its own settings, and the settings of the halves but for the tokenizer, which has files."""
        halves = {name: getattr(self, name).to_dict() for name in self.attributes() if name != "tokenizer"}
        return {**self.extra, **self.settings(), **halves, "processor_class": type(self).__name__}

    def to_json_string(self) -> str:
        """Sorted JSON of `to_dict`."""
        return self._json(self.to_dict())

    def to_json_file(self, json_file_path: str | Path) -> None:
        from pathlib import Path

        from .folder import save_files

        path = Path(json_file_path)
        save_files(path.parent, {path.name: self.to_json_string().encode()})

    def _json(self, content: Mapping[str, Any]) -> str:
        try:
            return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        except (TypeError, ValueError) as error:
            raise InputError(type(self).__name__, f"cannot be written as JSON ({error})") from None

    def __repr__(self) -> str:
        settings = [f"- {name}: {value!r}" for name, value in self.settings().items()]
        return "\n".join(
            [
                f"{type(self).__name__}:",
                *(f"- {name}: {getattr(self, name)!r}" for name in self.attributes()),
                *settings,
            ]
        )

    # Called

    def __call__(self, images: Any = None, text: Any = None, audio: Any = None, **arguments: Any) -> Any:
        """Each input goes to its half, and what they return comes back as one BatchFeature.

        `arguments` go to every half in use that takes them; `images_kwargs`, `text_kwargs` and `audio_kwargs` are
        dictionaries for one of them. An argument that none takes is an InputError.
        """
        inputs = {"images": images, "text": text, "audio": audio}
        made = self.process({name: value for name, value in inputs.items() if value is not None}, arguments)
        return BatchFeature({name: column for batch in made.values() for name, column in batch.items()})

    def process(self, inputs: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """For each input what its half makes of it; `arguments` as of a call."""
        where = f"{type(self).__name__}()"
        halves = {name: Half(name, getattr(self, half)) for name, half in self.inputs().items()}
        refuse_unknown(where, inputs, halves)
        routed = route(where, halves, inputs.keys(), arguments)  # first: a misspelt input is an unknown argument
        if not inputs:
            raise InputError(where, "there is no input", hint=f"Give {' or '.join(f'{name}=…' for name in halves)}.")
        return {name: halves[name].thing(value, **routed[name]) for name, value in inputs.items()}

    def decode(self, *args: Any, **kwargs: Any) -> Any:
        """`tokenizer.decode`."""
        return self.tokenizer.decode(*args, **kwargs)

    def batch_decode(self, *args: Any, **kwargs: Any) -> Any:
        """`tokenizer.batch_decode`."""
        return self.tokenizer.batch_decode(*args, **kwargs)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            where = f"{type(self).__name__} has no attribute {name!r}"
            raise AttributeError(f"{where}: {FORMER[name]}" if name in FORMER else where, name=name, obj=self)

    else:
        feature_extractor: Any
        image_processor: Any
        tokenizer: Any


def _kind(value: Any) -> str:
    return f"{value.__name__}, the class" if isinstance(value, type) else type(value).__name__
