"""Configurations: annotated fields, checked, printed as JSON, saved and loaded.

    class NearConfig(EncoderConfig, model_type="near-encoder"):   # registered by its definition
        window: int = 64
        "Each field may have a docstring under it."

Strict for people (constructor, overrides and assignment refuse unknown names, wrong types, bad ranges), lenient for files
(unknown keys are kept in `extra` and written back).
"""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar, dataclass_transform, get_type_hints

from ._version import __version__
from .checks import Check, Mismatch, compile_check
from .errors import ConfigError, suggest
from .labels import default_labels, merge_labels
from .parts import KERNELS
from .registry import Registry

T = TypeVar("T")
CONFIG_NAME = "config.json"

BUILTIN = {"bert": "BertConfig", "distilbert": "DistilBertConfig"}
CONFIGS: Registry[type[PretrainedConfig]] = Registry(
    "model type", {"encoder": "dovela.encoder_config:EncoderConfig"} | {t: f"dovela.models.{t}.config:{c}" for t, c in BUILTIN.items()}
)


class Alias(Generic[T]):
    """A second name of a field: `hidden_size = Alias[int]("dim")` reads and writes `dim`, in the constructor too."""

    def __init__(self, field: str) -> None:
        self.field = field

    def __get__(self, config: PretrainedConfig | None, owner: type) -> T:
        return self if config is None else getattr(config, self.field)  # type: ignore[return-value]

    def __set__(self, config: PretrainedConfig, value: T) -> None:
        setattr(config, self.field, value)


def runtime(default: Any = dataclasses.MISSING, *, factory: Any = dataclasses.MISSING, saved: bool = True, compare: bool = True) -> Any:
    """A field that shapes no weight and so stays settable on a model's own configuration."""
    return dataclasses.field(  # type: ignore[call-overload]
        default=default, default_factory=factory, compare=compare, metadata={"runtime": True, "saved": saved}
    )


class _Signature:
    """`inspect.signature(DistilBertConfig)`, made only when somebody asks."""

    def __get__(self, config: object, owner: type) -> Any:
        import inspect

        fields = [f for f in dataclasses.fields(owner) if f.name != "extra"]
        return inspect.Signature(
            inspect.Parameter(
                f.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=f.default_factory() if f.default is dataclasses.MISSING else f.default,  # type: ignore[misc]
                annotation=f.type,
            )
            for f in sorted(fields, key=lambda f: "runtime" in f.metadata)
        )


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field, runtime))
class _Definition:
    """Turns the subclasses of `PretrainedConfig` into dataclasses, in the eyes of type checkers too."""


@dataclasses.dataclass(init=False, repr=False)
class PretrainedConfig(_Definition):
    """The base of every configuration. A subclass adds annotated fields with defaults, and `check()` if fields depend."""

    model_type: ClassVar[str] = ""
    refused: ClassVar[Mapping[str, tuple[Any, ...]]] = {}
    """Options known elsewhere that are not implemented here, with the only values that mean the same as not having them."""
    __signature__ = _Signature()

    id2label: dict[int, str] = runtime(factory=default_labels)
    "Names of the classes that a head tells apart; `num_labels` is their number."
    problem_type: Literal["regression", "single_label_classification", "multi_label_classification"] | None = runtime(None)
    "What the labels of a sequence classifier are; by default told from their number and dtype."
    output_attentions: bool = runtime(False)
    output_hidden_states: bool = runtime(False)
    attn_implementation: Annotated[str, KERNELS] = runtime("sdpa", saved=False)
    "The kernel that computes attention."
    architectures: list[str] | None = runtime(None, compare=False)
    "The model classes that the checkpoint was saved from."
    dtype: str | None = runtime(None, compare=False)
    "The dtype of the saved weights."
    name_or_path: str = runtime("", saved=False, compare=False)
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
        dataclasses.dataclass(init=False, repr=False)(cls)
        cls._own_model_type = model_type
        if model_type is not None:
            cls.model_type = model_type
            CONFIGS.register(model_type, cls)

    _own_model_type: ClassVar[str | None] = None
    _locked: ClassVar[bool] = False

    def __init__(self, **values: Any) -> None:
        self._fill(values, where=type(self).__name__)

    # ---- fields --------------------------------------------------------------------------------

    @classmethod
    def _checks(cls) -> dict[str, Check]:
        """Field name -> check, compiled from the annotations when first needed."""
        if "_compiled" not in cls.__dict__:
            try:
                hints = get_type_hints(cls, include_extras=True)
            except NameError as error:
                raise ConfigError(cls.__name__, str(error), hint="Types in annotations must be importable names of the module.") from None
            try:
                cls._compiled = {f.name: compile_check(hints[f.name]) for f in dataclasses.fields(cls)}
            except TypeError as error:
                raise ConfigError(cls.__name__, str(error)) from None
        return cls._compiled

    _compiled: ClassVar[dict[str, Check]]

    @classmethod
    def _aliases(cls) -> dict[str, str]:
        return {name: alias.field for base in cls.__mro__ for name, alias in vars(base).items() if isinstance(alias, Alias)}

    @classmethod
    def field_names(cls) -> list[str]:
        """Every name that the constructor takes."""
        fields = (f.name for f in dataclasses.fields(cls))
        return sorted({*fields, *cls._aliases(), "num_labels", "label2id"})

    def _fill(self, values: dict[str, Any], *, where: str, extra: Mapping[str, Any] | None = None) -> None:
        """Give every field its value from `values` (checked) or its default, then check the fields together."""
        problems: list[tuple[str, str]] = []
        known = self._resolve(values, problems)
        for field in dataclasses.fields(self):
            default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
            object.__setattr__(self, field.name, default)
        for name, value in known.items():
            object.__setattr__(self, name, self._checked(name, value, problems))
        if extra:
            object.__setattr__(self, "extra", dict(extra))
        if not problems:
            problems += [("", text) for text in self.check()]
        _raise(where, problems)

    def _resolve(self, values: dict[str, Any], problems: list[tuple[str, str]]) -> dict[str, Any]:
        """Aliases and labels turned into fields; what is unknown, refused or given twice becomes a problem."""
        aliases, fields = self._aliases(), {f.name for f in dataclasses.fields(self)}
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

    def _checked(self, name: str, value: Any, problems: list[tuple[str, str]]) -> Any:
        try:
            return self._checks()[name](value)
        except Mismatch as mismatch:
            problems.append((name, f"{value!r} is not {mismatch}"))
            return value

    def check(self) -> Iterable[str]:
        """Hook: the problems that fields have with each other, as sentences. Start with `yield from super().check()`."""
        return ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("num_labels", "label2id") or name in self._aliases():
            object.__setattr__(self, name, value)  # a property or an Alias, which come back here with the field's name
        else:
            self._revise({name: value}, lock=self._locked)

    def _revise(self, changes: dict[str, Any], *, lock: bool = False) -> None:
        """Set fields together, checked; nothing is changed when anything is wrong."""
        problems: list[tuple[str, str]] = []
        changes = self._resolve(changes, problems)
        if lock:
            problems += [(name, why) for name in changes if (why := self._why_locked(name, changes[name]))]
        checked = {name: self._checked(name, value, problems) for name, value in changes.items()}
        if not problems:
            before = {name: getattr(self, name) for name in checked}
            for name, value in checked.items():
                object.__setattr__(self, name, value)
            problems += [("", text) for text in self.check()]
            if problems:
                for name, value in before.items():
                    object.__setattr__(self, name, value)
        _raise(type(self).__name__, problems)

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
        new = copy.deepcopy(self)
        new.__dict__.pop("_locked", None)
        new._revise(changes)
        return new

    def locked(self) -> Self:
        """A copy for a model: fields that shape weights can no longer be assigned."""
        new = copy.deepcopy(self)
        new.__dict__["_locked"] = True
        return new

    # ---- JSON -------------------------------------------------------------------------------------------------------------

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
        default = _common_defaults()
        return {k: v for k, v in self.to_dict().items() if k not in default or v != default[k]}

    def to_json_string(self, use_diff: bool = False) -> str:
        """Sorted JSON: the whole architecture, or with `use_diff` only what differs from its defaults."""
        return json.dumps(self.to_diff_dict() if use_diff else self._shown(), indent=2, sort_keys=True, default=str) + "\n"

    def to_json_file(self, json_file_path: str | Path, use_diff: bool = False) -> None:
        from .folder import save_files

        path = Path(json_file_path)
        save_files(path.parent, {path.name: self.to_json_string(use_diff).encode()})

    def __repr__(self) -> str:
        return f"{type(self).__name__} {self.to_json_string().rstrip()}"

    # ---- files --------------------------------------------------------------------------------

    def save_pretrained(self, save_directory: str | Path, *, use_diff: bool = False) -> None:
        """Write `config.json` into a folder, which is made if it does not exist."""
        if not self._own_model_type:
            raise ConfigError(
                type(self).__name__,
                f"has no model type of its own, so what is saved would come back as {self.model_type or 'nothing'!r}",
                hint=f'Write: class {type(self).__name__}(..., model_type="a-new-name")',
            )
        self.to_json_file(Path(save_directory) / CONFIG_NAME, use_diff)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save into a repository on the hub; `options` as in `dovela.hub.push_to_hub`."""
        from .hub import push_saved

        return push_saved(self, repo_id, **options)

    @classmethod
    def get_config_dict(cls, name_or_path: str | Path, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The parsed file of a folder, of a name on the hub or of a JSON file itself, and the arguments not used for that."""
        from .checkpoint import read_json
        from .hub import split_options

        options, rest = split_options(kwargs)
        path = Path(name_or_path)
        if not path.is_file():
            from .hub import source

            path = source(name_or_path, **options).require(CONFIG_NAME)
        return read_json(path, "configuration"), rest

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, *, return_unused_kwargs: bool = False, **overrides: Any) -> Any:
        """Read a configuration from a folder, a JSON file or a name on the hub; `overrides` replace fields of the file.

        With `return_unused_kwargs=True` overrides that are no fields come back beside the configuration; without it they
        are an error. Options of the hub (`revision`, `token`, `cache_dir`, `subfolder`, …) are taken too.
        """
        data, overrides = cls.get_config_dict(name_or_path, **overrides)
        unused = {}
        if return_unused_kwargs:
            unused = {k: overrides.pop(k) for k in list(overrides) if k not in cls.field_names() and k not in cls.refused}
        config = cls.from_dict(data, source=str(name_or_path), **overrides)
        object.__setattr__(config, "name_or_path", str(name_or_path))
        return (config, unused) if return_unused_kwargs else config

    @classmethod
    def from_json_file(cls, json_file: str | Path) -> Self:
        return cls.from_pretrained(Path(json_file))  # type: ignore[no-any-return]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, source: str = "", **overrides: Any) -> Self:
        """A configuration from a file's content. `source` names the file in messages."""
        where = f"{cls.__name__} from {source}" if source else cls.__name__
        kind = data.get("model_type", cls.model_type)
        if kind != cls.model_type:
            raise ConfigError(
                where, f"this is a configuration of type {kind!r}, not {cls.model_type!r}", hint="AutoConfig picks the class by the type."
            )
        names, values, extra = {*cls.field_names(), *cls.refused} - {"extra", "name_or_path"}, {}, {}
        for name, value in data.items():
            if name in names:
                values[name] = value
            elif name not in _WRITERS_NOTES:
                extra[name] = value
        _report_near_misses(where, extra, cls.field_names())
        for name in [n for n in values if n in cls.refused and values[n] in cls.refused[n]]:
            extra[name] = values.pop(name)
        values = _override(values, overrides, cls._aliases(), where)
        config = cls.__new__(cls)
        config._fill(values, where=where, extra=extra)
        return config


_ALWAYS = ("model_type", "dovela_version")
_WRITERS_NOTES = {"model_type", "dovela_version", "transformers_version", "_name_or_path"}


def _common_defaults() -> dict[str, Any]:
    data = PretrainedConfig().to_dict()
    return {name: value for name, value in data.items() if name not in _ALWAYS}


def _override(values: dict[str, Any], overrides: dict[str, Any], aliases: Mapping[str, str], where: str) -> dict[str, Any]:
    """A file's values under the caller's: under any spelling, and labels as one thing."""
    replaced = {aliases.get(name, name) for name in overrides}
    if replaced & {"num_labels", "id2label", "label2id"}:
        if set(overrides) & {"id2label", "label2id"} or overrides["num_labels"] != len(values.get("id2label") or default_labels()):
            replaced |= {"num_labels", "id2label", "label2id"}
    kept = {name: value for name, value in values.items() if aliases.get(name, name) not in replaced}
    labels, names = kept.get("id2label"), kept.get("label2id")
    if labels and names and {str(k): v for k, v in labels.items()} != {str(v): k for k, v in names.items()}:
        from .notices import notice

        notice(f"{where}: label2id is not the inverse of id2label; id2label is used")
        del kept["label2id"]
    return kept | overrides


def _report_near_misses(where: str, extra: Mapping[str, Any], names: Iterable[str]) -> None:
    for name in extra:
        if hint := suggest(name, names, cutoff=0.85):  # closer than bos_token_id is to pad_token_id
            from .notices import notice

            notice(f"{where}: {name!r} is no field and changes nothing{hint}")


def _raise(where: str, problems: list[tuple[str, str]]) -> None:
    if len(problems) == 1 and problems[0][0]:
        raise ConfigError(f"{where}.{problems[0][0]}", problems[0][1])
    if problems:
        raise ConfigError(where, *(f"{name}: {text}" if name else text for name, text in problems))
