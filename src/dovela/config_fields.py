"""The fields of a configuration: how a class statement declares them, and how their problems are told."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar, get_type_hints

from .checks import Check, Mismatch, compile_check
from .errors import ConfigError, suggest

T = TypeVar("T")
Problems = list[tuple[str, str]]  # (field, or "" for several together; what is wrong)


class Alias(Generic[T]):
    """A second name of a field: `hidden_size = Alias[int]("dim")` reads and writes `dim`, in the constructor too."""

    def __init__(self, field: str) -> None:
        self.field = field

    def __get__(self, config: Any, owner: type) -> T:
        return self if config is None else getattr(config, self.field)  # type: ignore[return-value]

    def __set__(self, config: Any, value: T) -> None:
        setattr(config, self.field, value)


def runtime(
    *, default: Any = dataclasses.MISSING, factory: Any = dataclasses.MISSING, saved: bool = True, compare: bool = True
) -> Any:
    """A field that shapes no weight and so stays settable on a model's own configuration.

    Type checkers see that a field has a default by the keywords `default` and `factory`.
    """
    return dataclasses.field(
        default=default, default_factory=factory, compare=compare, metadata={"runtime": True, "saved": saved}
    )


class Signature:
    """`inspect.signature(DistilBertConfig)`, made only when somebody asks."""

    def __get__(self, config: object, owner: type) -> Any:
        import inspect

        fields = [f for f in dataclasses.fields(owner) if f.name != "extra"]
        fields.sort(key=lambda f: "runtime" in f.metadata)
        keyword = inspect.Parameter.KEYWORD_ONLY
        return inspect.Signature(
            [inspect.Parameter(f.name, keyword, default=default_of(f), annotation=f.type) for f in fields]
        )


def default_of(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def compile_checks(cls: type[Any]) -> dict[str, Check]:
    """Field name -> check, from the annotations of `cls`; its defaults are the first to be checked."""
    hint = "Types in annotations must be names of the module."
    try:
        hints = get_type_hints(cls, include_extras=True)
        hint = ""
        checks = {f.name: compile_check(hints[f.name]) for f in dataclasses.fields(cls)}
    except (NameError, TypeError) as error:
        raise ConfigError(cls.__name__, str(error), hint=hint) from None
    problems: Problems = []
    for field in dataclasses.fields(cls):
        try:
            checks[field.name](default_of(field))
        except Mismatch as mismatch:
            problems.append((field.name, f"its default {default_of(field)!r} is not {mismatch}"))
    raise_problems(cls.__name__, problems)
    return checks


def complete(cls: type[Any]) -> None:
    """Before a class statement becomes a dataclass: a default alone changes the default of an inherited field, and a
    list or a dictionary is copied for each configuration."""
    inherited = {f.name for base in cls.__mro__[1:] if dataclasses.is_dataclass(base) for f in dataclasses.fields(base)}
    annotated = dict(vars(cls).get("__annotations__", {}))
    for name, value in list(vars(cls).items()):
        if name in inherited and name not in annotated and not isinstance(value, (Alias, property)):
            above = next(base for base in cls.__mro__[1:] if name in vars(base).get("__annotations__", {}))
            annotated[name] = get_type_hints(above, include_extras=True)[name]
        if name in annotated and isinstance(value, (list, dict, set)):
            setattr(cls, name, dataclasses.field(default_factory=partial(copy.deepcopy, value)))
    cls.__annotations__ = annotated


def misdefined(cls: type[Any]) -> Problems:
    """What a class statement asks for and would not get: a field that breaks a method, a default without effect."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    annotated = vars(cls).get("__annotations__", {})
    problems: Problems = []
    for name in [*annotated, *(name for name in vars(cls) if name not in annotated)]:
        value = vars(cls).get(name)
        inherited = next((vars(base)[name] for base in cls.__mro__[1:] if name in vars(base)), None)
        if isinstance(value, Alias):
            if value.field not in fields:
                problems.append((name, f"stands for {value.field!r}, which is no field{suggest(value.field, fields)}"))
        elif isinstance(inherited, Alias):
            problems.append((name, f"is another name of the field {inherited.field!r}; change that one"))
        elif name not in fields or name not in annotated:
            continue
        elif name in ("model_type", "refused") or isinstance(inherited, property) or callable(inherited):
            problems.append((name, "is something else in every configuration; choose another name"))
        elif fields[name].default is fields[name].default_factory:  # both MISSING
            problems.append((name, "has no default, and every field needs one"))
    return problems


def raise_problems(owner: str, problems: Problems, source: str = "") -> None:
    origin = f" from {source}" if source else ""
    if len(problems) == 1 and problems[0][0]:
        raise ConfigError(f"{owner}.{problems[0][0]}{origin}", problems[0][1])
    if problems:
        raise ConfigError(owner + origin, *(f"{name}: {text}" if name else text for name, text in problems))


def report_near_misses(where: str, unknown: Iterable[str], names: Iterable[str]) -> None:
    """Tell which keys of a file look like a field that was meant."""
    for name in sorted(unknown):
        if hint := suggest(name, names, cutoff=0.85):  # closer than bos_token_id is to pad_token_id
            from .notices import notice

            notice(f"{where}: {name!r} is no field and changes nothing{hint}")


def under(values: dict[str, Any], overrides: dict[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """A file's values under the caller's, under any spelling; a file may say the same thing in two."""
    replaced = {aliases.get(name, name) for name in overrides}
    kept = {name: value for name, value in values.items() if aliases.get(name, name) not in replaced}
    for alias, field in aliases.items():
        if alias in kept and field in kept and kept[alias] == kept[field]:
            del kept[alias]
    return kept | overrides
