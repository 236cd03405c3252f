"""What type checkers and editors see of the lazily loaded packages: a stub beside each.

python tests/support/stubs.py    # writes them anew
"""

from __future__ import annotations

import importlib
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
PACKAGES = {
    package: SOURCE.joinpath(*package.split("."), "__init__.pyi")
    for package in ("dovela", "dovela.torch", "dovela.flax", "dovela.keras")
}


def stub(package: str) -> str:
    """One line for each public name, in the order that the linter wants."""
    modules: dict[str, list[str]] = importlib.import_module(package)._MODULES
    names = ((module, name) for module in sorted(modules) for name in _sorted(modules[module]))
    lines = [f"from .{module} import {name} as {name}" for module, name in names]
    if package == "dovela":
        lines.insert(0, "from ._version import __version__ as __version__")
    return "\n".join(["# Written by tests/support/stubs.py from the names in __init__.py.", *lines, ""])


def _sorted(names: list[str]) -> list[str]:
    """Constants, classes, functions, as isort has them."""
    return sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))


if __name__ == "__main__":
    for package, path in PACKAGES.items():
        path.write_text(stub(package))
