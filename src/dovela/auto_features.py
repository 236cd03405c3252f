"""AutoFeatureExtractor and AutoImageProcessor: what a checkpoint says it is decides which class opens it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from .checkpoint import read_json
from .errors import CheckpointError, InputError, RegistryError
from .feature_files import read_settings
from .features import FEATURE_EXTRACTORS, FILE, MODEL_EXTRACTORS, TYPE_KEYS, FeatureExtractionMixin
from .hub import source, split_options
from .registry import model_type_of


class AutoFeatureExtractor:
    """Opens the feature extractor of a checkpoint with the class that the checkpoint names."""

    type_keys: ClassVar[tuple[str, ...]] = TYPE_KEYS

    def __init__(self) -> None:
        name = type(self).__name__
        raise RegistryError(name, "has no instances", hint=f"Use {name}.from_pretrained(name_or_path).")

    @classmethod
    def from_pretrained(cls, name_or_path: str | os.PathLike[str], **overrides: Any) -> Any:
        """The extractor in a folder, in a JSON file or of a name on the hub.

        Its class is named in the extractor's settings, else follows from config.json's model_type. `overrides` are
        arguments of its constructor; options of the hub and `return_unused_kwargs` are taken too.
        """
        options, rest = split_options(overrides)
        data = read_settings(f"{cls.__name__}.from_pretrained", name_or_path, **options)
        extractor_class = cls._class_of(data, name_or_path, options)
        with_unused = rest.pop("return_unused_kwargs", False)
        known = extractor_class.known_arguments()
        unused = {name: rest.pop(name) for name in list(rest) if with_unused and name not in known}
        extractor = extractor_class.from_dict(data, source=os.fspath(name_or_path), **rest)
        return (extractor, unused) if with_unused else extractor

    @classmethod
    def register(
        cls, model_type: Any, extractor_class: type[FeatureExtractionMixin], *, exist_ok: bool = False
    ) -> None:
        """Name the extractor of a model type (or of a config class), for a class that is not yours to edit.

        A class of your own needs none of this: write `class MyExtractor(FeatureExtractionMixin, model_type="mine")`.
        """
        where = f"{cls.__name__}.register"
        name = model_type_of(where, model_type)
        if not isinstance(extractor_class, type) or not issubclass(extractor_class, FeatureExtractionMixin):
            raise RegistryError(where, f"expected a subclass of FeatureExtractionMixin, got {extractor_class!r}")
        MODEL_EXTRACTORS.register(name, extractor_class.__name__, exist_ok=exist_ok)
        FEATURE_EXTRACTORS.register(extractor_class.__name__, extractor_class, exist_ok=exist_ok)

    @classmethod
    def _class_of(cls, data: dict[str, Any], name_or_path: Any, options: dict[str, Any]) -> type[Any]:
        label = os.fspath(name_or_path)
        said = next((data[key] for key in cls.type_keys if isinstance(data.get(key), str)), None)
        if said is None:
            kind = data.get("model_type")  # of 5.x's and of very old files
            if kind is None and not Path(label).is_file():
                path = source(name_or_path, **options).find("config.json")
                kind = read_json(path, "configuration").get("model_type") if path else None
            if not isinstance(kind, str) or kind not in MODEL_EXTRACTORS:
                raise CheckpointError(
                    label,
                    f"does not say which feature extractor it has: no {' or '.join(TYPE_KEYS)} in {FILE}, and no "
                    "model_type in config.json that has one",
                    hint=f"Open it with its own class: {' or '.join(_fitting(data))}.",
                )
            said = MODEL_EXTRACTORS.get(kind)
        try:
            return FEATURE_EXTRACTORS.get(said)
        except RegistryError as error:
            raise CheckpointError(label, f"has a {said}, which {error.problems[0]}", hint=error.hint) from error


def _fitting(data: Mapping[str, Any]) -> list[str]:
    """How to open settings without a name: by the classes that take all of them, or else by any."""
    classes = {FEATURE_EXTRACTORS.get(name) for name in FEATURE_EXTRACTORS.names()}
    fitting = [owner for owner in classes if data.keys() <= owner.known_arguments()]
    return sorted(f"{owner.__name__}.from_pretrained" for owner in fitting or classes)


class AutoImageProcessor(AutoFeatureExtractor):
    """The newer name of AutoFeatureExtractor, for images."""

    type_keys = tuple(reversed(TYPE_KEYS))

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | os.PathLike[str], *, use_fast: bool | None = None, **overrides: Any
    ) -> Any:
        """As AutoFeatureExtractor's. `use_fast` changes nothing: there is one engine, and it is the fast one."""
        if use_fast not in (True, False, None):
            raise InputError(f"{cls.__name__}.from_pretrained", f"use_fast must be True or False, got {use_fast!r}")
        return super().from_pretrained(name_or_path, **overrides)

    @classmethod
    def _class_of(cls, data: dict[str, Any], name_or_path: Any, options: dict[str, Any]) -> type[Any]:
        found = super()._class_of(data, name_or_path, options)
        if "pixel_values" not in found.model_input_names:
            raise CheckpointError(
                os.fspath(name_or_path),
                f"has a {found.__name__}, whose input is not images",
                hint="AutoFeatureExtractor opens it.",
            )
        return found
