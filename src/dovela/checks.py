"""Checks of values against annotations: each annotation becomes one function, once a class.

Understood: int, float, bool, str, Literal, None, unions, list[T], tuple[T, ...], tuple[T, U], dict[K, V], Any, and
`Annotated[T, rule, ...]`, where a rule is a `Range` or a `Registry` (anything with `in` and `describe`). An int is
taken for a float, a scalar of numpy or torch for Python's own; a bool is never taken for a number, and numbers are
finite, since JSON has no others.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

Check = Callable[[Any], Any]  # value -> the value to store; raises Mismatch


class Mismatch(Exception):
    """A value that does not fit; the message is what it is not."""


class Range(NamedTuple):
    """Bounds of a number, each within unless `open` names it: "low", "high" or "both"."""

    low: float = float("-inf")
    high: float = float("inf")
    open: Literal["", "low", "high", "both"] = ""

    def __contains__(self, value: Any) -> bool:
        above = value > self.low if self.open in ("low", "both") else value >= self.low
        below = value < self.high if self.open in ("high", "both") else value <= self.high
        return bool(above and below)  # NaN is in no range

    def describe(self, value: Any) -> str:
        if self.high == float("inf"):
            return f"a number {'above' if self.open in ('low', 'both') else 'of at least'} {self.low:g}"
        left, right = "(" if self.open in ("low", "both") else "[", ")" if self.open in ("high", "both") else "]"
        return f"a number in {left}{self.low:g}, {self.high:g}{right}"


Positive = Annotated[int, Range(1)]
NonNegative = Annotated[int, Range(0)]
NonNegativeFloat = Annotated[float, Range(0)]
Probability = Annotated[float, Range(0, 1)]
PositiveFloat = Annotated[float, Range(0, open="low")]


def compile_check(annotation: Any) -> Check:
    """The check for an annotation; TypeError if the annotation is of a kind that is not understood."""
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return lambda value: value
    if annotation is None or annotation is type(None):
        return _exactly((None,), "null")
    if annotation in (int, float, bool, str):
        return _scalar(annotation)
    if origin is Annotated:
        return _annotated(compile_check(args[0]), args[1:], null_is_free=args[0] is not Any)
    if origin is Literal:
        return _exactly(args, "one of " + ", ".join(map(repr, args)))
    if origin in (Union, types.UnionType):
        return _union([compile_check(arg) for arg in args])
    if origin is tuple and args[-1:] != (...,):
        return _fixed([compile_check(arg) for arg in args])
    if origin in (list, tuple):
        return _sequence(origin, compile_check(args[0]))
    if origin is dict:
        key = compile_check(args[0])
        return _mapping(_from_json_key(key) if args[0] is int else key, compile_check(args[1]))
    raise TypeError(f"{annotation!r} is not an annotation that a configuration field can have")


def _scalar(kind: type) -> Check:
    words = {int: "an integer", float: "a finite number", bool: "true or false", str: "a string"}[kind]
    kinds: Any = (int, float) if kind is float else kind

    def check(value: Any) -> Any:
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            value = value.item()
        if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kinds):
            raise Mismatch(words)
        if kind is not float:
            return value
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise Mismatch(words)
        return value

    return check


def _exactly(allowed: tuple[Any, ...], words: str) -> Check:
    def check(value: Any) -> Any:
        if not any(type(value) is type(one) and value == one for one in allowed):
            raise Mismatch(words)
        return value

    return check


def _annotated(inner: Check, metadata: tuple[Any, ...], *, null_is_free: bool) -> Check:
    """`null_is_free`: where the annotation itself says whether None is a value, rules are not asked."""
    rules = [rule for rule in metadata if hasattr(rule, "describe")]

    def check(value: Any) -> Any:
        value = inner(value)
        for rule in rules:
            if not (value is None and null_is_free) and value not in rule:
                raise Mismatch(rule.describe(value))
        return value

    return check


def _union(members: list[Check]) -> Check:
    def check(value: Any) -> Any:
        expected = []
        for member in members:
            try:
                return member(value)
            except Mismatch as mismatch:
                expected.append(str(mismatch))
        inside = [words for words in expected if " at [" in words]  # the right kind of thing, but for one item
        if isinstance(value, str) and any("registered" in words for words in expected):  # one name is meant, not many
            expected = [words for words in expected if words != "a list"] or expected
        expected.sort(key=lambda words: "; did you mean" in words)  # which reads best at the end
        raise Mismatch(" or ".join(inside or expected))

    return check


def _sequence(kind: type, inner: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise Mismatch("a list")
        return kind(_at(index, inner, item) for index, item in enumerate(value))

    return check


def _fixed(inner: list[Check]) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(inner):
            raise Mismatch(f"a list of {len(inner)}")
        return tuple(_at(index, check, item) for index, (check, item) in enumerate(zip(inner, value, strict=True)))

    return check


def _mapping(key: Check, inner: Check) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Mismatch("a dictionary")
        return {_at(f"key {name!r}", key, name): _at(name, inner, item) for name, item in value.items()}

    return check


def _from_json_key(check: Check) -> Check:
    """JSON has string keys only, so an integer key may come as digits."""

    def convert(value: Any) -> Any:
        return check(int(value) if isinstance(value, str) and value.isdecimal() else value)

    return convert


def _at(place: Any, inner: Check, value: Any) -> Any:
    try:
        return inner(value)
    except Mismatch as mismatch:
        raise Mismatch(f"{mismatch} at [{place}]") from None
