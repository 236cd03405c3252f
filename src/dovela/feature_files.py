"""Where an extractor's settings are: `preprocessor_config.json`, or inside of `processor_config.json` (5.x)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .checkpoint import read_json
from .errors import CheckpointError, InputError
from .features import FILE, NESTED, NESTING_FILE
from .folder import resolve
from .hub import Source, source

WHAT = "feature extractor's configuration"


def read_settings(where: str, name_or_path: Any, **options: Any) -> dict[str, Any]:
    """The settings in a folder, a JSON file or under a name on the hub. `options` are those of `hub.source`."""
    if not isinstance(name_or_path, (str, os.PathLike)):
        hint = "A dictionary is opened by from_dict." if isinstance(name_or_path, Mapping) else ""
        raise InputError(where, f"expected a folder, a JSON file or a name on the hub, got {name_or_path!r}", hint=hint)
    path = Path(name_or_path).expanduser()
    if os.path.isfile(path) or (path.suffix == ".json" and not path.is_dir()):  # noqa: PTH113 (Path's refuses long names)
        found = resolve(path.parent, path.name)
        if found is None:
            raise CheckpointError(str(name_or_path), f"there is no such file (looked in {Path.cwd()})")
        data = read_json(found, WHAT)
        return nested(data) or data
    src = source(name_or_path, **options)
    settings = find_settings(src)
    return read_json(src.require(FILE), WHAT) if settings is None else settings  # not there: the error lists what is


def find_settings(src: Source) -> dict[str, Any] | None:
    """The settings among the files of `src`; None where it has none. 5.x's place wins, as it does in 5.x."""
    with src.reading():
        path = src.find(NESTING_FILE)
        inner = nested(read_json(path, "processor configuration")) if path else None
        if inner is not None:
            return inner
        path = src.find(FILE)
        return None if path is None else read_json(path, WHAT)


def nested(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The extractor's part of a processor's settings."""
    return next((dict(data[key]) for key in NESTED if isinstance(data.get(key), Mapping)), None)
