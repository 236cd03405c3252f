"""Configurations: annotated fields, checked, printed as JSON, saved and loaded.

    class NearConfig(EncoderConfig, model_type="near-encoder"):   # registered by its definition
        window: int = 64
        "Each field may have a docstring under it."

Strict for people (constructor, overrides and assignment refuse unknown names, wrong types, bad ranges), lenient for
files (unknown keys are kept in `extra` and written back).
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, dataclass_transform

from ._version import __version__
from .checks import Check, Mismatch
from .config_fields import Alias as Alias
from .config_fields import (
    Problems,
    Signature,
    compile_checks,
    complete,
    default_of,
    misdefined,
    raise_problems,
    report_near_misses,
    under,
)
from .config_fields import runtime as runtime
from .config_files import CONFIG_NAME as CONFIG_NAME
from .config_files import file_content, find_config
from .config_links import tell_the_linked
from .errors import ConfigError, suggest
from .labels import LABEL_KEYS, default_labels, file_labels, label_count, merge_labels
from .origins import KEY as DEFINED_IN
from .origins import with_import
from .parts import KERNELS
from .registry import Registry

if TYPE_CHECKING:
    from pathlib import Path  # slower to import than all of this

BUILTIN = {"bert": "BertConfig", "distilbert": "DistilBertConfig", "vit": "ViTConfig", "wav2vec2": "Wav2Vec2Config"}
CONFIGS: Registry[type[PretrainedConfig]] = Registry(
    "model type",
    {
        "encoder": "dovela.encoder_config:EncoderConfig",
        "image-encoder": "dovela.models.encoder.config:ImageEncoderConfig",
        "audio-encoder": "dovela.models.encoder.config:AudioEncoderConfig",
    }
    | {t: f"dovela.models.{t}.config:{c}" for t, c in BUILTIN.items()},
)


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field, runtime))
class _Definition:
    """Turns the subclasses of `PretrainedConfig` into dataclasses, in the eyes of type checkers too."""


@dataclasses.dataclass(init=False, repr=False)
class PretrainedConfig(_Definition):
    """The base of every configuration: a subclass is annotated fields with defaults, and `check()` if they depend."""

    model_type: ClassVar[str] = ""
    refused: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Options known elsewhere and not implemented here, with the only values that ask for nothing."""
    head_fields: ClassVar[tuple[str, ...]] = ("tie_word_embeddings",)
    """Fields that heads alone read, beside those of the classes above: what `with_head` may give another value."""
    __signature__ = Signature()

    id2label: dict[int, str] = runtime(factory=default_labels)
    "Names of the classes that a head tells apart; `num_labels` is their number."
    problem_type: Literal["regression", "single_label_classification", "multi_label_classification"] | None = runtime(
        default=None
    )
    "What the labels of a sequence classifier are; by default told from their number and dtype."
    output_attentions: bool = runtime(default=False)
    output_hidden_states: bool = runtime(default=False)
    attn_implementation: Annotated[str, KERNELS] = runtime(default="sdpa", saved=False)
    "The kernel that computes attention."
    architectures: list[str] | None = runtime(default=None, compare=False)
    "The model classes that the checkpoint was saved from."
    dtype: str | None = runtime(default=None, compare=False)
    "The dtype of the saved weights."
    name_or_path: str = runtime(default="", saved=False, compare=False)
    "Where this configuration was loaded from."
    extra: dict[str, Any] = runtime(factory=dict, saved=False, compare=False)
    "Keys of a file that are no fields here; written back as they were."
    tie_word_embeddings: bool = True
    "A masked-language-model head shares its output matrix with the token embeddings."
    pruned_heads: dict[int, list[int]] = dataclasses.field(default_factory=dict)
    "Attention heads that were cut, by layer, numbered as before any was."

    torch_dtype = Alias[str | None]("dtype")

    def __init_subclass__(cls, *, model_type: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        complete(cls)
        try:
            dataclasses.dataclass(init=False, repr=False)(cls)
        except (TypeError, ValueError) as error:  # another mutable default
            raise ConfigError(cls.__name__, str(error)) from None
        raise_problems(cls.__name__, misdefined(cls))
        kind = vars(cls).get("model_type") if model_type is None else model_type
        if kind is not None:
            if not isinstance(kind, str) or not kind:
                raise ConfigError(f"{cls.__name__}.model_type", f"{kind!r} is not a name")
            cls.model_type = kind
            CONFIGS.register(kind, cls)

    _locked: ClassVar[bool] = False

    def __init__(self, **values: Any) -> None:
        self._fill(values)

    # ---- fields --------------------------------------------------------------------------------------

    @classmethod
    def _checks(cls) -> dict[str, Check]:
        """Field name -> check, compiled from the annotations and tried on the defaults when first needed."""
        if "_compiled" not in cls.__dict__:
            cls._compiled = compile_checks(cls)
        return cls._compiled

    _compiled: ClassVar[dict[str, Check]]

    @classmethod
    def aliases(cls) -> dict[str, str]:
        return {
            name: alias.field for base in cls.__mro__ for name, alias in vars(base).items() if isinstance(alias, Alias)
        }

    @classmethod
    def field_names(cls) -> list[str]:
        """Every name that the constructor takes."""
        fields = (f.name for f in dataclasses.fields(cls))
        return sorted({*fields, *cls.aliases(), "num_labels", "label2id"})

    def _fill(self, values: dict[str, Any], *, source: str = "", kept: Mapping[str, Any] | None = None) -> None:
        """Give every field its value from `values` (checked), from `kept` or its default; then check them together."""
        problems: Problems = []
        known = self._resolve(values, problems)
        self._checks()
        self.__dict__.update({field.name: default_of(field) for field in dataclasses.fields(self)})
        self.__dict__.update(kept or {})
        self.__dict__.update({name: self._checked(name, value, problems) for name, value in known.items()})
        if not problems:
            problems += [("", text) for text in self.check() or ()]
        raise_problems(type(self).__name__, problems, source)

    def _resolve(self, values: dict[str, Any], problems: Problems) -> dict[str, Any]:
        """Aliases and labels turned into fields; what is unknown, refused or given twice becomes a problem."""
        aliases, fields = self.aliases(), {f.name for f in dataclasses.fields(self)}
        given: dict[str, Any] = {}
        spelled: dict[str, str] = {}
        for name, value in merge_labels(values, problems).items():
            field = aliases.get(name, name)
            if field in fields:
                if field in given:
                    problems.append((name, f"is the same field as {spelled[field]!r}, and both are given"))
                given[field], spelled[field] = value, name
            elif name == "model_type":
                if value != self.model_type:
                    problems.append((name, f"{type(self).__name__} is of type {self.model_type!r}, not {value!r}"))
            elif name in self.refused:
                if value not in self.refused[name]:
                    problems.append((name, f"{value!r} is an option that dovela does not have"))
            else:
                problems.append((name, f"there is no such field{suggest(name, self.field_names())}"))
        return given

    def _checked(self, name: str, value: Any, problems: Problems) -> Any:
        try:
            return self._checks()[name](value)
        except Mismatch as mismatch:
            problems.append((name, f"{value!r} is not {mismatch}"))
            return value

    def __getattr__(self, name: str) -> Any:
        hint = suggest(name, self.field_names()) or "; whoever reads it needs a configuration that has"
        raise AttributeError(f"{type(self).__name__} has no field {name!r}{hint}", name=name, obj=self)

    def check(self) -> Iterable[str]:
        """Hook: the problems of fields with each other, as sentences. Start with `yield from super().check()`."""
        return ()

    def __setattr__(self, name: str, value: Any) -> None:
        descriptor = getattr(type(self), name, None)
        if isinstance(descriptor, Alias) or (isinstance(descriptor, property) and descriptor.fset):
            object.__setattr__(self, name, value)  # which comes back here with the field's name
        else:
            self._revise({name: value}, lock=self._locked)

    def _revise(self, changes: dict[str, Any], *, lock: bool = False) -> None:
        """Set fields together, checked; nothing is changed when anything is wrong."""
        problems: Problems = []
        changes = self._resolve(changes, problems)
        if lock:
            problems += [(name, why) for name in changes if (why := self._why_locked(name, changes[name]))]
        checked = {name: self._checked(name, value, problems) for name, value in changes.items()}
        raise_problems(type(self).__name__, problems)
        before = {name: getattr(self, name) for name in checked}
        self.__dict__.update(checked)
        try:
            raise_problems(type(self).__name__, [("", text) for text in self.check() or ()])
        except BaseException:  # a hook may fail in ways of its own
            self.__dict__.update(before)
            raise
        tell_the_linked(self, checked)

    def _why_locked(self, name: str, value: Any) -> str:
        field = next(f for f in dataclasses.fields(self) if f.name == name)
        if "runtime" not in field.metadata:
            change = f"{name}={value!r}"
        elif name == "id2label" and isinstance(value, dict) and len(value) != self.num_labels:
            change = f"num_labels={len(value)}"
        else:
            return ""
        return f"a built model does not change with it; build another one with model.config.replace({change})"

    # ---- common words --------------------------------------------------------------------------------

    @property
    def num_labels(self) -> int:
        """The number of classes: `len(id2label)`. Setting it makes new label names."""
        return len(self.id2label)

    @num_labels.setter
    def num_labels(self, value: int) -> None:
        self.update({"num_labels": value})

    @property
    def label2id(self) -> dict[str, int]:
        """The inverse of `id2label`."""
        return {label: index for index, label in self.id2label.items()}

    @label2id.setter
    def label2id(self, value: dict[str, int]) -> None:
        self.update({"label2id": value})

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set several fields at once: all of them, or none if one is wrong."""
        self._revise(dict(changes), lock=self._locked)

    def replace(self, **changes: Any) -> Self:
        """A changed copy, free to be changed further."""
        new = self._copy()
        new._revise(changes)
        return new

    def locked(self) -> Self:
        """A copy for a model: fields that shape weights can no longer be assigned."""
        new = self._copy()
        new.__dict__["_locked"] = True
        return new

    def _copy(self) -> Self:
        """Of the fields alone: neither locked nor linked."""
        new = type(self).__new__(type(self))
        kept = {name: value for name, value in self.__dict__.items() if name not in ("_locked", "_linked")}
        new.__dict__.update(copy.deepcopy(kept))
        return new

    # ---- JSON ----------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Every saved field, with `model_type` and what a file brought along (`extra`)."""
        saved = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.metadata.get("saved", True)}
        own = {"model_type": self.model_type, "label2id": self.label2id, "dovela_version": __version__}
        return copy.deepcopy({**self.extra, **saved, **own})

    def to_diff_dict(self) -> dict[str, Any]:
        """Only what differs from the class's own defaults."""
        default = type(self)().to_dict()
        return {k: v for k, v in self.to_dict().items() if k in _ALWAYS or k not in default or v != default[k]}

    def _shown(self) -> dict[str, Any]:
        """The architecture in full, and what every configuration has only where it was changed."""
        common, own = PretrainedConfig().to_dict(), type(self)().to_dict()
        hidden = {k for k, v in common.items() if k not in _ALWAYS and own[k] == v}
        return {k: v for k, v in self.to_dict().items() if k not in hidden or v != common[k]}

    def to_json_string(self, use_diff: bool = False) -> str:
        """Sorted JSON: the whole architecture, or with `use_diff` only what differs from its defaults."""
        data = self.to_diff_dict() if use_diff else self._shown()
        try:
            return json.dumps(data, indent=2, sort_keys=True) + "\n"
        except (TypeError, ValueError) as error:
            raise ConfigError(type(self).__name__, f"cannot be written as JSON ({error})") from None

    def to_json_file(self, json_file_path: str | Path, use_diff: bool = False) -> None:
        from pathlib import Path

        from .folder import save_files

        path = Path(json_file_path)
        save_files(path.parent, {path.name: file_content(self, use_diff)})

    def __repr__(self) -> str:
        return f"{type(self).__name__} {json.dumps(self._shown(), indent=2, sort_keys=True, default=repr)}"

    # ---- files ---------------------------------------------------------------------------------------

    def save_pretrained(self, save_directory: str | Path, *, use_diff: bool = False) -> None:
        """Write `config.json` into a folder, which is made if it does not exist."""
        self.check_savable()
        self.to_json_file(f"{os.fspath(save_directory)}/{CONFIG_NAME}", use_diff)

    def check_savable(self) -> None:
        """Raise if a file could not name this class, and would come back as another."""
        if not vars(type(self)).get("model_type"):
            raise ConfigError(
                type(self).__name__,
                f"has no model type of its own, so what is saved would come back as {self.model_type or 'nothing'!r}",
                hint=f'Write: class {type(self).__name__}(…, model_type="a-new-name")',
            )

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save into a repository on the hub; `options` as in `dovela.hub.push_to_hub`."""
        from .hub import push_saved

        return push_saved(self, repo_id, **options)

    @classmethod
    def get_config_dict(cls, name_or_path: str | Path, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parsed file of a folder, a name on the hub or a JSON file itself, and the arguments not used for that."""
        from .hub import split_options

        options, rest = split_options(kwargs)
        return find_config(cls.__name__, name_or_path, options), rest

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, *, return_unused_kwargs: bool = False, **overrides: Any) -> Any:
        """Read a configuration from a folder, a JSON file or a name on the hub; `overrides` replace fields of the file.

        With `return_unused_kwargs=True` overrides that are no fields come back beside the configuration; without it
        they are an error. Options of the hub (`revision`, `token`, `cache_dir`, `subfolder`, …) are taken too.
        """
        data, overrides = cls.get_config_dict(name_or_path, **overrides)
        unused = {}
        if return_unused_kwargs:
            unused = {
                k: overrides.pop(k) for k in list(overrides) if k not in cls.field_names() and k not in cls.refused
            }
        config = cls.from_dict(data, source=str(name_or_path), **overrides)
        object.__setattr__(config, "name_or_path", str(name_or_path))
        return (config, unused) if return_unused_kwargs else config

    @classmethod
    def from_json_file(cls, json_file: str | Path) -> Self:
        from pathlib import Path  # not a name on the hub

        return cls.from_pretrained(Path(json_file))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "", **overrides: Any) -> Self:
        """A configuration from a file's content. `source` names the file in messages."""
        where = f"{cls.__name__} from {source}" if source else cls.__name__
        if not isinstance(data, Mapping) or not all(isinstance(name, str) for name in data):
            raise ConfigError(where, f"expected a dictionary with names as keys, got {data!r}")
        kind = data.get("model_type") or cls.model_type
        if kind != cls.model_type:
            raise ConfigError(
                where,
                f"this is a configuration of type {kind!r}, not {cls.model_type!r}",
                hint="AutoConfig picks the class by the type.",
            )
        fields = {*cls.field_names()} - {"extra", "name_or_path"}
        values = {name: value for name, value in data.items() if name in fields}
        extra = {n: v for n, v in data.items() if n not in fields and n not in _WRITERS_NOTES}
        report_near_misses(where, extra.keys() - cls.refused.keys(), cls.field_names())
        asks = {
            name: extra.pop(name) for name in list(extra) if extra[name] not in cls.refused.get(name, (extra[name],))
        }
        labels, oddity = file_labels(values)
        given = LABEL_KEYS & overrides.keys()
        if given == {"num_labels"} and labels and label_count(overrides["num_labels"], []) == len(labels):
            del overrides["num_labels"]
        elif given:
            labels, values = None, {name: value for name, value in values.items() if name not in LABEL_KEYS}
        elif oddity:
            from .notices import notice  # logging is slow to import

            notice(f"{where}: {oddity}")
        config = cls.__new__(cls)
        kept = {"extra": extra} | ({"id2label": labels} if labels else {})
        try:
            config._fill(under(values | asks, overrides, cls.aliases()), source=source, kept=kept)
        except ConfigError as error:
            raise with_import(error, data) from None
        return config


_ALWAYS = ("model_type", "dovela_version")
_WRITERS_NOTES = {"model_type", "dovela_version", "transformers_version", "_name_or_path", DEFINED_IN}
