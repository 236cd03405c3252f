"""Names given to classes and functions, so that data (a config, a checkpoint) can name them and never hold code."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from .errors import RegistryError, suggest

T = TypeVar("T")


class Registry(Generic[T]):
    """A mapping from names to things of one kind.

    Two different things under one name are an error. Defining the same thing again (the same module and qualified
    name, as when a notebook cell runs twice) replaces it.
    """

    def __init__(self, kind: str, builtin: Mapping[str, str] | None = None, *, makes: str = "") -> None:
        """`kind` is what messages call an entry; `builtin` maps names to "module:attribute", imported on request.

        Entries that `makes` describes are classes, and that is what an instance is made from: "config, layer".
        """
        self.kind, self.makes = kind, makes
        self._builtin = dict(builtin or {})
        self._entries: dict[str, T] = {}

    def register(self, name: str, value: T, *, exist_ok: bool = False) -> T:
        self._check_name(name)
        if self.makes and not isinstance(value, type):
            raise RegistryError(
                f"{self.kind} {name!r}", f"expected a class, to be made from ({self.makes}), got {value!r}"
            )
        if not callable(value) and not isinstance(value, str):
            raise RegistryError(f"{self.kind} {name!r}", f"expected a class or a function, got {value!r}")
        taken: Any = self._entries.get(name)
        identity = _identity(value)
        owner = self._builtin.get(name) if taken is None else _identity(taken)
        if owner is not None and owner != identity and not exist_ok:
            raise RegistryError(
                f"{self.kind} {name!r}",
                f"is already {owner}, so {identity} cannot take the name",
                hint="Choose another name.",
            )
        self._entries[name] = value
        return value

    def decorator(self, name: str) -> Callable[[T], T]:
        """`@registry.decorator("name")` in front of a class or a function."""
        self._check_name(name)
        return lambda value: self.register(name, value)

    def _check_name(self, name: Any) -> None:
        if not isinstance(name, str) or not name:
            got = getattr(name, "__name__", None) or repr(name)
            hint = 'A decorator is written with a name in parentheses: @register_…("name").'
            raise RegistryError(f"{self.kind} {got}", "is registered without a name", hint=hint)

    def get(self, name: str) -> T:
        if name not in self._entries and name in self._builtin:
            module, _, attribute = self._builtin[name].partition(":")
            self._entries.setdefault(name, getattr(importlib.import_module(module), attribute))
        try:
            return self._entries[name]
        except KeyError:
            raise RegistryError(
                f"{self.kind} {name!r}",
                f"is not registered{suggest(name, self.names())}",
                hint=f"Registered: {', '.join(self.names()) or 'none'}. A class of your own must be imported first.",
            ) from None

    def make(self, name: str, *arguments: Any, **options: Any) -> Any:
        """What the class under a name makes of these; RegistryError if it takes other arguments."""
        made: Any = self.get(name)
        try:
            return made(*arguments, **options)
        except TypeError as error:
            import inspect

            try:
                inspect.signature(made).bind(*arguments, **options)
                if str(error).startswith(f"{made.__name__}.__init__()"):  # which hands everything on, and cannot
                    raise TypeError(str(error))
            except TypeError as why:
                problem = f"{made.__name__} is to be made from ({self.makes}), and that does not fit: {why}"
                raise RegistryError(f"{self.kind} {name!r}", problem) from error
            raise

    def loaded(self, name: object) -> T | None:
        """What is under a name if it is there already; nothing is imported."""
        return self._entries.get(name) if isinstance(name, str) else None

    def has(self, value: object, prefix: str = "") -> bool:
        """Whether `value` is under a name that begins with `prefix`; nothing is imported."""
        names = (name for name in self.names() if name.startswith(prefix))
        return any(
            self._entries[name] is value if name in self._entries else self._builtin[name] == _identity(value)
            for name in names
        )

    def describe(self, value: object) -> str:
        """What was expected, when `value` is not registered here."""
        names = self.names()
        listed = f" ({', '.join(names)})" if len(names) <= 12 else ""
        return f"a registered {self.kind}{listed}{suggest(str(value), names)}"

    def names(self) -> list[str]:
        return sorted({*self._entries, *self._builtin})

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._builtin


def model_type_of(where: str, value: Any) -> str:
    """The name of a model type, given as such or by its configuration class."""
    name = value if isinstance(value, str) else getattr(value, "model_type", None)
    if not isinstance(name, str) or not name:
        raise RegistryError(where, f"expected a model type or a config class, got {value!r}")
    return name


def _identity(value: Any) -> str:
    return f"{getattr(value, '__module__', '?')}:{getattr(value, '__qualname__', repr(value))}"
