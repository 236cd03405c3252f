"""Feature extractors: what turns images or sound into a model's input, kept, printed and saved as its arguments.

    class EdgeExtractor(FeatureExtractionMixin, model_type="edges"):   # registered by its definition
        model_input_names = ("pixel_values",)

        def __init__(self, size: int = 32, **options):
            super().__init__(**options)                                # refuses what nobody takes
            self.size = size                                           # checked against `int`, and saved

        def __call__(self, images): ...

Strict for people (unknown arguments, values that are not of the annotated type), lenient for files (unknown keys are
kept in `extra` and written back).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from .batch_feature import BatchFeature as BatchFeature
from .config_fields import report_near_misses
from .errors import CheckpointError, InputError, RegistryError
from .kept_arguments import KeptArguments, short
from .kept_arguments import refuse_unknown as refuse_unknown
from .registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

FILE, NESTING_FILE = "preprocessor_config.json", "processor_config.json"
NESTED = ("feature_extractor", "image_processor")  # keys of the second file, under which 5.x puts the first
TYPE_KEYS = ("feature_extractor_type", "image_processor_type")
_VIT, _WAV2VEC2 = "dovela.models.vit.features", "dovela.models.wav2vec2.features"

FEATURE_EXTRACTORS: Registry[type[FeatureExtractionMixin]] = Registry(
    "feature extractor",
    {
        "ViTFeatureExtractor": f"{_VIT}:ViTFeatureExtractor",
        "ViTImageProcessor": f"{_VIT}:ViTImageProcessor",
        "ViTImageProcessorFast": f"{_VIT}:ViTImageProcessor",  # the peers' other engines, of the same settings
        "ViTImageProcessorPil": f"{_VIT}:ViTImageProcessor",
        "Wav2Vec2FeatureExtractor": f"{_WAV2VEC2}:Wav2Vec2FeatureExtractor",
    },
)
MODEL_EXTRACTORS: Registry[str] = Registry("feature extractor of the model type")  # model type -> name of the class
MODEL_EXTRACTORS.register("vit", "ViTFeatureExtractor")
MODEL_EXTRACTORS.register("wav2vec2", "Wav2Vec2FeatureExtractor")


class FeatureExtractionMixin(KeptArguments):
    """The base of every feature extractor.

    A subclass keeps each argument of its constructor under the argument's own name: that is how it is printed and
    saved. Arguments with annotations (those that a configuration's fields can have) are checked, at construction and
    at assignment.
    """

    model_input_names: Sequence[str] = ()
    type_key: ClassVar[str] = "feature_extractor_type"
    """The key under which the class's name is printed and saved."""
    quiet: ClassVar[frozenset[str]] = frozenset()
    """Arguments that are printed only where they differ from their defaults. They are always saved."""
    inert_settings: ClassVar[Mapping[str, Sequence[Any]]] = {}
    """A file's settings that are not implemented, and the values under which that makes no difference."""
    extra: dict[str, Any]
    """Keys of a file that are no arguments here; written back as they were."""

    def __init_subclass__(cls, *, register: bool = True, model_type: str | None = None, **kwargs: Any) -> None:
        """Defining an extractor registers it by name, and as that of `model_type`, for AutoFeatureExtractor."""
        super().__init_subclass__(**kwargs)
        if register:
            FEATURE_EXTRACTORS.register(cls.__name__, cls)
        if model_type is not None:
            MODEL_EXTRACTORS.register(model_type, cls.__name__)

    def __init__(self, **options: Any) -> None:
        """Keeps what a subclass hands up (`super().__init__(size=size, **options)`), and refuses what nobody takes."""
        refuse_unknown(type(self).__name__, options, self.known_arguments())
        self.extra = {}
        for name, value in options.items():
            setattr(self, name, value)

    # Printed and saved

    def saved_settings(self) -> dict[str, Any]:
        """Hook: what `settings` are in a file, where those are not the same."""
        return self.settings()

    def to_dict(self) -> dict[str, Any]:
        """Every argument as it is saved, the class's name, and what a file brought along (`extra`)."""
        import copy

        return copy.deepcopy({**vars(self).get("extra", {}), **self.saved_settings(), **self._types()})

    def _types(self) -> dict[str, str]:
        return {self.type_key: type(self).__name__}

    def to_json_string(self) -> str:
        """Sorted JSON of `to_dict`, which is what is saved."""
        content = self.to_dict()
        try:
            return json.dumps(content, indent=2, sort_keys=True) + "\n"
        except (TypeError, ValueError) as error:
            raise InputError(type(self).__name__, f"cannot be written as JSON ({error})") from None

    def to_json_file(self, json_file_path: str | Path) -> None:
        from pathlib import Path

        from .folder import save_files

        path = Path(json_file_path)
        save_files(path.parent, {path.name: self.to_json_string().encode()})

    def __repr__(self) -> str:
        defaults = self.defaults()
        shown = {n: v for n, v in self.settings().items() if n not in self.quiet or v != defaults[n]}
        shown |= {**vars(self).get("extra", {}), self.type_key: type(self).__name__}
        return f"{type(self).__name__} {json.dumps(shown, indent=2, sort_keys=True, default=_plainly)}"

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> list[str]:
        """Write `preprocessor_config.json` into a folder, which is made if it does not exist; returns its path.

        Where 5.x has left a copy of the settings in `processor_config.json`, which readers prefer, that is replaced
        too. Other files stay. `push_to_hub=True` with `repo_id` uploads it as well.
        """
        from pathlib import Path

        from .folder import save_files

        folder = Path(save_directory)
        upload = options.pop("push_to_hub", False)
        refuse_unknown(f"{type(self).__name__}.save_pretrained", () if upload else options, ["push_to_hub"])
        files: dict[str, Any] = {FILE: self.to_json_string().encode()}
        nesting, key = _nesting(folder)
        if key:
            content = json.dumps({**nesting, key: self.to_dict()}, indent=2, sort_keys=True)
            files[NESTING_FILE] = (content + "\n").encode()
        save_files(folder, files)
        if upload:
            self.push_to_hub(options.pop("repo_id", folder.name), **options)
        return [str(folder / FILE)]

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save into a repository on the hub; `options` as in `dovela.hub.push_to_hub`."""
        from .hub import push_saved

        return push_saved(self, repo_id, **options)

    # Opened

    @classmethod
    def get_feature_extractor_dict(
        cls, name_or_path: str | Path, **kwargs: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parsed settings of a folder, a name on the hub or a JSON file itself, and the arguments not used."""
        from .feature_files import read_settings
        from .hub import split_options

        options, rest = split_options(kwargs)
        return read_settings(f"{cls.__name__}.from_pretrained", name_or_path, **options), rest

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, *, return_unused_kwargs: bool = False, **overrides: Any) -> Any:
        """Read an extractor from a folder, a JSON file or a name on the hub; `overrides` are constructor's arguments.

        With `return_unused_kwargs=True` overrides that are no arguments come back beside the extractor; without it
        they are an error. Options of the hub (`revision`, `token`, `cache_dir`, `subfolder`, …) are taken too.
        """
        data, overrides = cls.get_feature_extractor_dict(name_or_path, **overrides)
        unused = {}
        if return_unused_kwargs:
            unused = {name: overrides.pop(name) for name in list(overrides) if name not in cls.known_arguments()}
        extractor = cls.from_dict(data, source=os.fspath(name_or_path), **overrides)
        return (extractor, unused) if return_unused_kwargs else extractor

    @classmethod
    def from_json_file(cls, json_file: str | Path) -> Self:
        from pathlib import Path  # not a name on the hub

        return cls.from_pretrained(Path(json_file))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "", **overrides: Any) -> Self:
        """An extractor from a file's content. `source` names the file in messages."""
        where = f"{cls.__name__} from {source}" if source else cls.__name__
        if not isinstance(data, Mapping) or not all(isinstance(name, str) for name in data):
            raise InputError(where, f"expected a dictionary with names as keys, got {short(data)}")
        known = cls.known_arguments()
        refuse_unknown(f"{cls.__name__}.from_pretrained" if source else f"{cls.__name__}.from_dict", overrides, known)
        _check_type(cls, where, data)
        acting = [n for n, inert in cls.inert_settings.items() if n in data and data[n] not in inert]
        if acting:
            problems = [f"{name}={data[name]!r} is not implemented" for name in acting]
            raise CheckpointError(where, *problems, hint=f"Take {' and '.join(acting)} out of the file.")
        arguments = {name: value for name, value in data.items() if name in known}
        for name in list(arguments):  # null is what leaving it out is, unless the argument takes it
            if arguments[name] is None and cls.defaults()[name] is not None:
                del arguments[name]
        extra = {n: v for n, v in data.items() if n not in known and n not in _WRITERS_NOTES}
        report_near_misses(where, extra, known)
        try:
            extractor = cls(**(arguments | overrides))
        except InputError as error:
            if not source:
                raise
            raise type(error)(f"{error.where} from {source}", *error.problems, hint=error.hint) from None
        extractor.extra = extra
        return extractor


_WRITERS_NOTES = {*TYPE_KEYS, "dovela_version", "transformers_version", "_name_or_path"}


def _check_type(cls: type[FeatureExtractionMixin], where: str, data: Mapping[str, Any]) -> None:
    """A file's settings are of this class, or of one above or below it."""
    said = next((data[key] for key in TYPE_KEYS if data.get(key) is not None), None)
    if said is None or said == cls.__name__:
        return
    try:
        owner = FEATURE_EXTRACTORS.get(said) if isinstance(said, str) else None
    except (RegistryError, ImportError):
        owner = None
    if owner is None or not (issubclass(owner, cls) or issubclass(cls, owner)):
        raise CheckpointError(
            where,
            f"holds the settings of {said!r}, not of {cls.__name__!r}",
            hint="AutoFeatureExtractor picks the class that a file names."
            if owner
            else "A class of your own must be imported first.",
        )


def _nesting(folder: Path) -> tuple[dict[str, Any], str]:
    """What 5.x's file in `folder` holds, and under which key the settings of an extractor are there ("": nowhere)."""
    from .checkpoint import read_json
    from .folder import resolve

    path = resolve(folder, NESTING_FILE) if folder.is_dir() else None
    nesting = read_json(path, "processor configuration") if path else {}
    return nesting, next((key for key in NESTED if isinstance(nesting.get(key), dict)), "")


def _plainly(value: Any) -> Any:
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else repr(value)
