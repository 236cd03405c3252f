"""Where a class of one's own was defined: noted beside what it saves, so that an error can say what to import.

The note is data for messages, and nothing is ever imported or run because of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import ConfigError
from .parts import ACTIVATIONS, ATTENTIONS, BLOCKS, FEED_FORWARDS, NORMS, POOLERS, POSITIONS

PART_WORDS = {
    "activation": ACTIVATIONS,
    "attention": ATTENTIONS,
    "expert": FEED_FORWARDS,
    "feed_forward": FEED_FORWARDS,
    "norm": NORMS,
    "norm_order": BLOCKS,
    "pooler": POOLERS,
    "positions": POSITIONS,
}
KEY = "defined_in"  # in config.json: {class name: module, or a script's file name}
_LONGEST = 200


def origins(classes: Iterable[type]) -> dict[str, str]:
    """Class name -> where it was defined, for those that are not dovela's."""
    own = (cls for cls in classes if cls.__module__.partition(".")[0] != "dovela")
    return {cls.__name__: _place(cls.__module__) for cls in own}


def part_origins(config: Any) -> dict[str, str]:
    """The same of the parts of one's own that a configuration names: "attention 'near'" -> where it was defined."""
    found = {}
    for word, registry in PART_WORDS.items():
        value = getattr(config, word, None)
        for name in value if isinstance(value, list) else [value]:
            part = registry.loaded(name)
            module = getattr(part, "__module__", "dovela")
            if part is not None and module.partition(".")[0] not in ("dovela", "torch"):
                found[f"{registry.kind} {name!r}"] = _place(module)
    return found


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


def with_import(error: ConfigError, data: Mapping[str, Any]) -> ConfigError:
    """The error about a file's content, and which import it lacks if a part that it names is one's own."""
    noted = data.get(KEY)
    parts = (name for name in noted if name.endswith("'")) if isinstance(noted, Mapping) else ()
    missing = [name for name in parts if name[name.index("'") :] in str(error)]
    return ConfigError(error.where, *error.problems, hint=missing_import(data, missing)) if missing else error


def _told(names: str, place: str) -> str:
    if place.endswith(".py"):
        return f"define {names} not in the script {place} but in a module, for others to import"
    if place == "__main__":
        return f"define {names} again, as in the session or notebook that saved it, or in a module to import"
    return f"write `import {place}`, which defines {names}"


def _readable(word: object) -> bool:
    return isinstance(word, str) and 0 < len(word) <= _LONGEST and word.isprintable()
