"""One file a topic; each holds a list `ENTRIES`, and is found by its being here."""

from __future__ import annotations

import importlib
import pkgutil

from ..entry import Entry


def topics() -> list[str]:
    """The names of all topics."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def entries(topic: str) -> list[Entry]:
    """The benchmarks of one topic, in the order of its file."""
    found: list[Entry] = importlib.import_module(f"{__name__}.{topic}").ENTRIES
    return found
