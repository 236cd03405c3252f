"""Which half of a processor an argument of a call is for."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .errors import InputError, suggest

NESTED = "_kwargs"  # `text_kwargs` is a dictionary of arguments for the half that takes text
IN_STEPS = "max_length"  # samples to one half and tokens to another: it must be said of which


@dataclass(frozen=True)
class Half:
    """A half of a processor and what it takes: `name` is that of its input ("audio"), `method` what is called."""

    name: str
    thing: Any
    method: str = "__call__"

    @property
    def known(self) -> frozenset[str]:
        kind: type = type(self.thing)
        return _arguments(kind, self.method)


def route(
    where: str, halves: Mapping[str, Half], used: Collection[str], arguments: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The arguments for each half that is `used`: plain ones for all that take them, nested ones for their own.

    An argument that no half takes, that is for a half without input, or that is given both ways is an InputError.
    """
    routed: dict[str, dict[str, Any]] = {name: {} for name in used}
    problems: list[str] = []
    for name, value in arguments.items():
        inner = name.removesuffix(NESTED)
        if name.endswith(NESTED) and inner in halves:
            problems += _nested(halves[inner], routed.get(inner), value)
            continue
        takers = [half for half in halves if name in halves[half].known]
        if not takers:
            known = {*(f"{half}{NESTED}" for half in halves), *halves, *(n for h in halves.values() for n in h.known)}
            problems.append(f"unknown argument {name!r}{suggest(name, known)}")
        elif not any(half in routed for half in takers):
            problems.append(f"{name!r} is for {' and '.join(f'{half}=…' for half in takers)}, which is not given")
        elif name == IN_STEPS and value is not None and sum(half in routed for half in takers) > 1:
            ways = " or ".join(f"{half}{NESTED}={{{name!r}: …}}" for half in takers)
            problems.append(f"{name!r} counts other things for {' and '.join(takers)}: give {ways}")
        else:
            for half in takers:
                if half in routed and name in (arguments.get(f"{half}{NESTED}") or ()):
                    problems.append(f"{name!r} is given twice, also in {half}{NESTED}")
                elif half in routed:
                    routed[half][name] = value
    if problems:
        raise InputError(where, *problems)
    return routed


def _nested(half: Half, routed: dict[str, Any] | None, value: Any) -> list[str]:
    """Take a dictionary of arguments for one half; the problems with it."""
    name = f"{half.name}{NESTED}"
    if not isinstance(value, Mapping):
        return [f"{name} must be a dictionary of arguments, got {value!r}"]
    if routed is None:
        return [f"{name} is given, but not {half.name}=…"] if value else []
    routed |= value
    return [
        f"unknown argument {key!r} in {name}{suggest(str(key), half.known)}" for key in value if key not in half.known
    ]


@cache
def _arguments(cls: type, method: str) -> frozenset[str]:
    """The keyword arguments of a method, of the class and, where it passes others on, of those above it."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    known: set[str] = set()
    for owner in cls.__mro__[:-1]:
        if method not in vars(owner):
            continue
        parameters = list(inspect.signature(vars(owner)[method]).parameters.values())[2:]  # without self and the input
        known |= {p.name for p in parameters if p.kind in named}
        passed_on = [p for p in parameters if p.kind is inspect.Parameter.VAR_KEYWORD and p.name != "unknown"]
        if not passed_on:
            break
        if method == "__call__":  # what extractors do not take themselves they pass on
            known |= _arguments(cls, "preprocess") | _arguments(cls, "pad")
        elif method == "preprocess":  # whose further arguments are settings for one call
            known |= cls.known_arguments()  # type: ignore[attr-defined]
    return frozenset(known)
