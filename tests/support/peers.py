"""Runs a function next to `transformers`: one process a version, started once and kept.

    peer4(function, *args)   # transformers 4.57.6
    peer5(function, *args)   # transformers 5.x

`function` lives at the top of an importable module (tests/support/…), imports `transformers` inside its body, and takes
and returns what a process boundary can carry (numpy arrays, strings, paths). The versions are folders that `make peers`
fills; a test that needs one that is absent is skipped.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

FOLDERS = Path(os.environ.get("DOVELA_PEERS", Path(__file__).parents[2] / ".peers"))


def _enter(folder: str) -> None:
    """Runs first in the peer's process: its folder shadows what the tests' own environment has."""
    sys.path.insert(0, folder)
    os.environ.update(TRANSFORMERS_VERBOSITY="error", HF_HUB_OFFLINE="1", USE_TF="0", USE_FLAX="0", TQDM_DISABLE="1")
    import torch

    torch.set_num_threads(2)


@functools.cache
def _pool(folder: str) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_enter, initargs=(folder,))


def _run(version: str, function: Callable[..., Any], *args: Any) -> Any:
    folder = FOLDERS / f"transformers-{version}"
    if not (folder / "transformers").is_dir():
        pytest.skip(f"transformers {version} is not installed for comparison (`make peers` does it)")
    return _pool(str(folder)).submit(function, *args).result()


def peer4(function: Callable[..., Any], *args: Any) -> Any:
    return _run("4", function, *args)


def peer5(function: Callable[..., Any], *args: Any) -> Any:
    return _run("5", function, *args)
