"""Arguments of a constructor that are kept as attributes of the same names: checked, and there to be saved."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, get_type_hints

from .checks import Check, Mismatch, compile_check
from .errors import InputError, suggest


class KeptArguments:
    """A class whose constructors keep each argument under its own name.

    Arguments with annotations (those that a configuration's fields can have) are checked, at construction and at
    assignment; what has another annotation, or none, is for the class itself to check.
    """

    @classmethod
    def known_arguments(cls) -> frozenset[str]:
        """The names that the constructor takes, of this class and those above it."""
        return frozenset(cls.defaults())

    @classmethod
    @cache
    def defaults(cls) -> dict[str, Any]:
        """Argument -> default (`inspect.Parameter.empty` where there is none). A subclass's default wins."""
        owners = [vars(owner)["__init__"] for owner in reversed(cls.__mro__[:-1]) if "__init__" in vars(owner)]
        return {name: default for init in owners for name, default in arguments_of(init).items()}

    @classmethod
    @cache
    def checks(cls) -> dict[str, Check]:
        """Argument -> the check that its annotation asks for."""
        found: dict[str, Check] = {}
        for owner in reversed(cls.__mro__[:-1]):
            if "__init__" in vars(owner):
                found |= _checks_of(vars(owner)["__init__"], cls.known_arguments())
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, self.checked(type(self).__name__, name, value))

    def checked(self, where: str, name: str, value: Any) -> Any:
        """`value` as the argument `name` takes it; an InputError if it does not."""
        check = self.checks().get(name)
        return value if check is None else _passed(f"{where}.{name}", check, value)

    def settings_with(self, where: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """`settings` for one call, where those that are not None in `overrides` are others. All are checked."""
        refuse_unknown(where, overrides, self.known_arguments())
        given = {name: self.checked(where, name, v) for name, v in overrides.items() if v is not None}
        return self.settings() | given

    def settings(self) -> dict[str, Any]:
        """Every argument's value, as it is kept."""
        lost = [name for name in self.known_arguments() if not hasattr(self, name)]
        if lost:
            raise InputError(
                type(self).__name__,
                f"does not keep its argument {lost[0]!r}, so it could not be saved",
                hint=f"Write self.{lost[0]} = {lost[0]} in its constructor.",
            )
        return {name: getattr(self, name) for name in sorted(self.known_arguments())}


def arguments_of(method: Any) -> dict[str, Any]:
    """The arguments of a method that can be given by name, and their defaults."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = list(inspect.signature(method).parameters.values())[1:]  # without self
    return {p.name: p.default for p in parameters if p.kind in named}


def check_value(where: str, annotation: Any, value: Any) -> Any:
    """`value` as the annotation takes it; an InputError if it does not."""
    return _passed(where, compile_check(annotation), value)


def _passed(where: str, check: Check, value: Any) -> Any:
    try:
        return check(value)
    except Mismatch as mismatch:
        raise InputError(where, f"{short(value)} is not {mismatch}") from None


def refuse_unknown(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    """An InputError that names every argument in `given` that is not in `known`, with the nearest that is."""
    known = sorted(known)
    problems = [f"unknown argument {name!r}{suggest(name, known)}" for name in given if name not in known]
    if problems:
        raise InputError(where, *problems, hint=f"Known: {', '.join(known)}.")


def _checks_of(init: Any, names: frozenset[str]) -> dict[str, Check]:
    try:
        hints = get_type_hints(init, include_extras=True)
    except (NameError, TypeError):  # names that only a type checker sees
        return {}
    checks = {}
    for name, annotation in hints.items():
        if name in names:
            try:
                checks[name] = compile_check(annotation)
            except TypeError:  # a type of which no JSON value is; the class checks it
                continue
    return checks


def short(value: Any) -> str:
    """How messages show a value."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
