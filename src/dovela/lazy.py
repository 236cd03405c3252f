"""Names that are imported when they are first used, and optional packages named when they are missing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import MissingBackend, suggest

# Import name -> the extra of dovela that installs it.
EXTRAS = {"torch": "torch", "pyarrow": "arrow", "PIL": "vision", "soundfile": "audio", "soxr": "audio"}


def missing_backend(user: str, error: ModuleNotFoundError) -> ImportError:
    """The error to raise when importing what `user` needs failed: ours for an optional package, else `error` itself."""
    package = (error.name or "").partition(".")[0]
    if package not in EXTRAS:
        return error
    return MissingBackend(
        user,
        f"needs the package {package!r}, which is not installed",
        hint=f'Run: pip install "dovela[{EXTRAS[package]}]"',
    )


def attach(package: str, modules: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for `package`, whose public names live in `modules` (module -> names)."""
    home = {name: module for module, names in modules.items() for name in names}

    def __getattr__(name: str) -> Any:
        if name not in home:
            if name.startswith("_"):
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            raise AttributeError(f"module {package!r} has no attribute {name!r}{suggest(name, home)}")
        try:
            value = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        except ModuleNotFoundError as error:
            raised = missing_backend(f"{package}.{name}", error)
            raise raised from (None if raised is error else error)
        setattr(sys.modules[package], name, value)  # the next look-up is a plain attribute
        return value

    return __getattr__, lambda: sorted(home)
