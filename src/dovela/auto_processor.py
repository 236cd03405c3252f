"""AutoProcessor: what a checkpoint says it is decides what prepares its input."""

from __future__ import annotations

import os
from typing import Any

from .checkpoint import read_json
from .errors import CheckpointError, RegistryError
from .feature_files import find_settings
from .features import FILE
from .hub import source, split_options
from .processor import MODEL_PROCESSORS, PROCESSORS, ProcessorMixin
from .processor_files import OPENERS, check_place, half_name, processor_name
from .registry import model_type_of
from .text.files import CONFIG, WHOLE


class AutoProcessor:
    """Opens the processor of a checkpoint with the class that the checkpoint names."""

    def __init__(self) -> None:
        raise RegistryError(
            "AutoProcessor", "has no instances", hint="Use AutoProcessor.from_pretrained(name_or_path)."
        )

    @classmethod
    def from_pretrained(cls, name_or_path: str | os.PathLike[str], **arguments: Any) -> Any:
        """The processor in a folder, or of a name on the hub.

        Its class is named (`processor_class`) by processor_config.json, preprocessor_config.json, tokenizer_config.json
        or config.json, else follows from config.json's model_type. A checkpoint that has no processor gives what
        prepares its input alone: its tokenizer, else its feature extractor. `arguments`: as of that class's
        `from_pretrained`.
        """
        options, _ = split_options(arguments)
        check_place("AutoProcessor.from_pretrained", name_or_path)
        src = source(name_or_path, **options)
        said = processor_name(src)
        config = src.find("config.json")
        model_type = None if config is None else read_json(config, "configuration").get("model_type")
        if said is None and isinstance(model_type, str) and model_type in MODEL_PROCESSORS:
            said = MODEL_PROCESSORS.get(model_type)
        if said is not None:
            return _named(src.label, said).from_pretrained(name_or_path, **arguments)
        settings = find_settings(src)
        both = settings is not None and src.find(CONFIG)
        if both and model_type is None and half_name("tokenizer", src) is None and not src.find(WHOLE):
            raise CheckpointError(
                src.label,
                f"does not say which processor it has: no processor_class in {FILE} or {CONFIG}, and no model_type in "
                "config.json",
                hint=f"Open it with its own class: {' or '.join(PROCESSORS.names())}.",
            )
        if any(src.find(name) for name in (CONFIG, WHOLE)) or (settings is None and src.find("vocab.txt")):
            return OPENERS.get("AutoTokenizer").from_pretrained(name_or_path, **arguments)
        if settings is not None:
            return OPENERS.get("AutoFeatureExtractor").from_pretrained(name_or_path, **arguments)
        raise CheckpointError(
            src.label,
            "has nothing that prepares input: no file of a processor, a tokenizer or a feature extractor",
            hint="Save one beside it: processor.save_pretrained(…).",
        )

    @staticmethod
    def register(model_type: Any, processor_class: type[ProcessorMixin], *, exist_ok: bool = False) -> None:
        """Name the processor of a model type (or of a config class), for a class that is not yours to edit.

        A class of your own needs none of this: write `class MyProcessor(ProcessorMixin, model_type="mine")`.
        """
        where = "AutoProcessor.register"
        name = model_type_of(where, model_type)
        if not isinstance(processor_class, type) or not issubclass(processor_class, ProcessorMixin):
            raise RegistryError(where, f"expected a subclass of ProcessorMixin, got {processor_class!r}")
        PROCESSORS.register(processor_class.__name__, processor_class, exist_ok=exist_ok)
        MODEL_PROCESSORS.register(name, processor_class.__name__, exist_ok=exist_ok)


def _named(label: str, said: str) -> type[ProcessorMixin]:
    for name in PROCESSORS.names():
        if said in vars(PROCESSORS.get(name)).get("also_opens", ()):
            return PROCESSORS.get(name)
    try:
        return PROCESSORS.get(said)
    except RegistryError as error:
        raise CheckpointError(label, f"has a {said}, which {error.problems[0]}", hint=error.hint) from error
