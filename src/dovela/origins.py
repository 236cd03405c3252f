"""Where a class of one's own was defined: noted beside what it saves, so that an error can say what to import.

The note is data for messages, and nothing is ever imported or run because of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

KEY = "defined_in"  # in config.json: {class name: module, or a script's file name}
_LONGEST = 200


def origins(classes: Iterable[type]) -> dict[str, str]:
    """Class name -> where it was defined, for those that are not dovela's."""
    own = (cls for cls in classes if cls.__module__.partition(".")[0] != "dovela")
    return {cls.__name__: _place(cls.__module__) for cls in own}


def _place(module: str) -> str:
    """A module's name, or the file of a script, which is a module without a name."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return module if module != "__main__" or not file else file.replace("\\", "/").rpartition("/")[2]


def missing_import(data: Mapping[str, Any], names: Iterable[str] = ()) -> str:
    """What to do about a class that a file was saved from and nobody has imported; `names`: of these classes alone."""
    noted = data.get(KEY)
    chosen, places = set(names), dict(noted) if isinstance(noted, Mapping) else {}
    by_place: dict[str, list[str]] = {}
    for name, place in places.items():
        if _readable(name) and _readable(place) and (not chosen or name in chosen):
            by_place.setdefault(place, []).append(name)
    told = "; ".join(_told(" and ".join(names), place) for place, names in by_place.items())
    return f"A class of your own must be imported first{': ' if told else ''}{told}."


def _told(names: str, place: str) -> str:
    if place.endswith(".py"):
        return f"define {names} not in the script {place} but in a module, for others to import"
    if place == "__main__":
        return f"define {names} again, as in the session or notebook that saved it, or in a module to import"
    return f"write `import {place}`, which defines {names}"


def _readable(word: object) -> bool:
    return isinstance(word, str) and 0 < len(word) <= _LONGEST and word.isprintable()
