"""Names that are imported when they are first used, and optional packages named when they are missing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .errors import MissingBackend, suggest

# Import name -> the extra of dovela that installs it.
EXTRAS = {"torch": "torch", "pyarrow": "arrow", "PIL": "vision", "soundfile": "audio", "soxr": "audio"}
EXTRAS |= dict.fromkeys(("jax", "jaxlib", "flax", "optax"), "flax") | dict.fromkeys(("keras", "tensorflow"), "keras")

# Import name -> the oldest version that works.
LEAST = {"jax": "0.4.35", "flax": "0.10", "keras": "3.5"}


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


@contextmanager
def naming(user: str) -> Iterator[None]:
    """Errors about an optional package that is imported within say that `user` needs it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raised = missing_backend(user, error)
        raise raised from (None if raised is error else error)
    except MissingBackend as error:
        raise MissingBackend(user, *error.problems, hint=error.hint) from error


def installed_version(package: str) -> str | None:
    """Nothing is imported. None: it is not installed, or not as a package."""
    from importlib import metadata  # only where a framework is used, which is slower by far

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def check_version(user: str, package: str) -> None:
    """MissingBackend where the package is installed in a version that is too old."""
    version = installed_version(package)
    if version is not None and _numbers(version) < _numbers(LEAST[package]):
        raise MissingBackend(
            user,
            f"needs {package} {LEAST[package]} or later, and {version} is installed",
            hint=f'Run: pip install --upgrade "dovela[{EXTRAS[package]}]"',
        )


def load(user: str, module: str) -> Any:
    """An optional package that may be too old, or installed and broken: MissingBackend where it cannot be imported."""
    package = module.partition(".")[0]
    if package in LEAST:
        check_version(user, package)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in EXTRAS:
            raise missing_backend(user, error) from error
        failed: Exception = error
    except Exception as error:  # whatever a package does that fits another version of what it needs
        failed = error
    raise MissingBackend(
        user,
        f"the package {package!r} is installed, and its import fails ({type(failed).__name__}: {failed})",
        hint=f'Run: pip install --upgrade "dovela[{EXTRAS[package]}]"',
    ) from failed


def _numbers(version: str) -> list[int]:
    """What a version begins with: "3.5.0rc1" is 3, 5, 0."""
    import re

    found = re.match(r"\d+(\.\d+)*", version)
    return [int(part) for part in found.group().split(".")] if found else []


def attach(package: str, modules: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` for `package`, whose public names live in `modules` (module -> names)."""
    home = {name: module for module, names in modules.items() for name in names}

    def __getattr__(name: str) -> Any:
        if name not in home:
            if name.startswith("_"):
                raise AttributeError(f"module {package!r} has no attribute {name!r}")
            raise AttributeError(f"module {package!r} has no attribute {name!r}{suggest(name, home)}")
        with naming(f"{package}.{name}"):
            value = getattr(importlib.import_module(f"{package}.{home[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next look-up is a plain attribute
        return value

    return __getattr__, lambda: sorted(home)
