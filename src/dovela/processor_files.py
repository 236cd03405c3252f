"""A processor's folder: read as transformers 4.x and 5.x write it, written as 4.x does, which both read.

4.x has a file for each half, each of which names the processor (`processor_class`), and `processor_config.json` where
there is more to say; 5.x puts the extractor into `processor_config.json`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .checkpoint import read_json
from .errors import CheckpointError, DovelaError, InputError
from .features import FILE as EXTRACTOR_FILE
from .features import NESTED, TYPE_KEYS, FeatureExtractionMixin
from .features import NESTING_FILE as FILE
from .hub import Source, push_saved, source, split_options
from .kept_arguments import refuse_unknown
from .notices import notice
from .registry import Registry
from .text.base import PreTrainedTokenizerBase
from .text.files import ADDED, CONFIG, WHOLE

if TYPE_CHECKING:
    from .processor import ProcessorMixin

# Classes that open any half of a kind, and the kind.
AUTO: Mapping[str, type] = {
    "AutoTokenizer": PreTrainedTokenizerBase,
    "AutoFeatureExtractor": FeatureExtractionMixin,
    "AutoImageProcessor": FeatureExtractionMixin,
}
OPENERS: Registry[Any] = Registry(
    "opener",
    {
        "AutoTokenizer": "dovela.auto:AutoTokenizer",
        "AutoFeatureExtractor": "dovela.auto_features:AutoFeatureExtractor",
        "AutoImageProcessor": "dovela.auto_features:AutoImageProcessor",
    },
)
NOT_EXTRA = {"processor_class", "tokenizer", "dovela_version", "transformers_version", *NESTED}


class ProcessorFiles:
    """from_pretrained and save_pretrained."""

    also_opens: ClassVar[Mapping[str, str]] = {}
    """Names of other processors, whose folders this one opens, and what is then left out."""

    def check_checkpoint(self, config: Mapping[str, Any]) -> Iterable[str]:
        """Hook: the problems of the halves with the model's config.json, as sentences."""
        return ()

    @classmethod
    def from_pretrained(cls, name_or_path: str | os.PathLike[str], **arguments: Any) -> Any:
        """The processor in a folder, or of a name on the hub.

        `arguments` override the files' settings: each goes to the halves whose constructors take it, or is one of the
        processor's own. Options of the hub (`revision`, `token`, `cache_dir`, `subfolder`, …) are taken too.
        """
        options, overrides = split_options(arguments)
        check_place(f"{cls.__name__}.from_pretrained", name_or_path)
        src = source(name_or_path, **options)
        path = src.find(FILE)
        content = {} if path is None else read_json(path, "processor configuration")
        said = processor_name(src)
        this: type[ProcessorMixin] = cls  # type: ignore[assignment]
        _check_name(this, src, said)
        opened = {half: _Opener(this, half, src) for half in this.attributes()}
        own = this.known_arguments()
        known = own.union(*(opener.known for opener in opened.values()))
        refuse_unknown(f"{cls.__name__}.from_pretrained", overrides, known)
        settings = {name: value for name, value in (content | overrides).items() if name in own}
        halves = {
            half: opener.open(name_or_path, options | {n: v for n, v in overrides.items() if n in opener.known})
            for half, opener in opened.items()
        }
        processor = this(**halves, **settings)
        processor.extra = {name: value for name, value in content.items() if name not in own | NOT_EXTRA}
        config = src.find("config.json")
        problems = list(processor.check_checkpoint(read_json(config, "configuration"))) if config else []
        if problems:
            hint = "To use them all the same, open the halves by themselves and join them with the class."
            raise CheckpointError(src.label, *problems, hint=hint)
        return processor

    def save_pretrained(self, save_directory: str | os.PathLike[str], **options: Any) -> list[str]:
        """Write the files of both halves into a folder, all or none; returns their paths. Other files stay.

        Each half notes the processor's class (`extra["processor_class"]`), as its file does. `push_to_hub=True` with
        `repo_id` uploads them as well, with the options of `push_to_hub`.
        """
        from .folder import save_files

        this: ProcessorMixin = self  # type: ignore[assignment]
        upload = options.pop("push_to_hub", False)
        refuse_unknown(f"{type(self).__name__}.save_pretrained", () if upload else options, ["push_to_hub"])
        with tempfile.TemporaryDirectory() as staging:
            for half in this.attributes():
                thing = getattr(this, half)
                thing.extra = {**thing.extra, "processor_class": type(self).__name__}
                thing.save_pretrained(staging)
            files = {path.name: path.read_bytes() for path in sorted(Path(staging).iterdir())}
        own = {**this.extra, **this.settings()}
        if own:
            files[FILE] = this._json({**own, "processor_class": type(self).__name__}).encode()
        folder = Path(save_directory)
        save_files(folder, files, remove=[name for name in (FILE, ADDED, WHOLE) if name not in files])
        if upload:
            self.push_to_hub(options.pop("repo_id", folder.name), **options)
        return [str(folder / name) for name in files]

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save into a repository on the hub; `options` as in `dovela.hub.push_to_hub`."""
        return push_saved(self, repo_id, **options)


def check_place(where: str, name_or_path: Any) -> None:
    """An InputError for what can be neither a folder nor a name on the hub."""
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise InputError(where, f"expected a folder or a name on the hub, got {name_or_path!r}")


def processor_name(src: Source) -> str | None:
    """The processor that the files of `src` name, if any does."""
    for filename in (FILE, EXTRACTOR_FILE, CONFIG, "config.json"):
        path = src.find(filename)
        said = None if path is None else read_json(path, filename).get("processor_class")
        if isinstance(said, str):
            return said
    return None


def _check_name(cls: type[ProcessorMixin], src: Source, said: str | None) -> None:
    from .processor import PROCESSORS

    if said is None or said == cls.__name__:
        return
    if said in cls.also_opens:
        notice(f"{src.label} is of a {said}: {cls.also_opens[said]}")
        return
    try:
        owner = PROCESSORS.get(said)
    except DovelaError:
        owner = None
    if owner is None or not (issubclass(owner, cls) or issubclass(cls, owner)):
        hint = f"AutoProcessor, or {said} itself, opens it." if owner else "A class of your own must be imported first."
        raise CheckpointError(src.label, f"holds a {said!r}, not a {cls.__name__!r}", hint=hint)


class _Opener:
    """The class that opens a half, chosen among those that the processor allows by what the files name."""

    def __init__(self, cls: type[ProcessorMixin], half: str, src: Source) -> None:
        from .processor import HALVES

        self.cls: Any
        names = cls.class_names(half)
        said = half_name(half, src)
        if auto := next((name for name in names if name in AUTO), None):
            self.cls = OPENERS.get(auto)
            will_be: Any = HALVES[half].get(said) if said in HALVES[half] and said else AUTO[auto]
            self.known: frozenset[str] = will_be.known_arguments()
            return
        allowed = cls.classes(half)
        self.cls = allowed[0]
        if said is not None:
            candidates = [f"{said}Fast", said] if half == "tokenizer" else [said]
            found = [HALVES[half].get(name) for name in candidates if name in HALVES[half]]
            fitting = [owner for owner in found if issubclass(owner, allowed)]
            above = [owner for owner in allowed for other in found if issubclass(owner, other)]
            if not fitting and not above:
                raise CheckpointError(
                    src.label, f"has a {said}; the {half} of a {cls.__name__} must be {cls.wanted(half)}"
                )
            self.cls = (fitting or above)[0]
        self.known = self.cls.known_arguments()

    def open(self, name_or_path: Any, arguments: Mapping[str, Any]) -> Any:
        return self.cls.from_pretrained(name_or_path, **arguments)


def half_name(half: str, src: Source) -> str | None:
    """The class of a half that the files of `src` name, if they do."""
    from .feature_files import find_settings

    if half == "tokenizer":
        path = src.find(CONFIG)
        said = None if path is None else read_json(path, "tokenizer's configuration").get("tokenizer_class")
    else:
        settings = find_settings(src) or {}
        said = next((settings[key] for key in TYPE_KEYS if settings.get(key) is not None), None)
    return said if isinstance(said, str) else None
