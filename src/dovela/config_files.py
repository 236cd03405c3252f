"""A configuration's file: where it is found, and what is written into it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import CheckpointError, ConfigError
from .origins import KEY, origins, part_origins

if TYPE_CHECKING:
    from pathlib import Path  # slower to import than all of this

CONFIG_NAME = "config.json"


def find_config(owner: str, name_or_path: str | Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """The parsed file of a folder, a name on the hub or a JSON file itself. `options` are the hub's."""
    from pathlib import Path

    from .checkpoint import read_json
    from .folder import resolve
    from .hub import source

    if not isinstance(name_or_path, (str, os.PathLike)):
        raise ConfigError(
            f"{owner}.from_pretrained",
            f"expected a folder, a JSON file or a name on the hub, got {name_or_path!r}",
            hint=f"A dictionary is opened by {owner}.from_dict." if isinstance(name_or_path, Mapping) else "",
        )
    path = Path(name_or_path).expanduser()
    if os.path.isfile(path) or (path.suffix == ".json" and not path.is_dir()):  # noqa: PTH113 (Path's refuses long names)
        found = resolve(path.parent, path.name)
        if found is None:
            raise CheckpointError(str(name_or_path), f"there is no such file (looked in {Path.cwd()})")
    else:
        found = source(name_or_path, **options).require(CONFIG_NAME)
    return read_json(found, "configuration")


def file_content(config: Any, use_diff: bool = False, classes: Iterable[type] = ()) -> bytes:
    """config.json: what is printed, and where its class and the other `classes` were defined if they are one's own."""
    text: str = config.to_json_string(use_diff)
    own = origins([type(config), *classes]) | part_origins(config)
    if own and KEY not in config.field_names():
        text = json.dumps({**json.loads(text), KEY: own}, indent=2, sort_keys=True) + "\n"
    return text.encode()
