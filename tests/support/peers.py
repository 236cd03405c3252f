"""Runs a function in a process of its own: next to `transformers`, or where Keras computes with jax.

    peer4(function, *args)         # transformers 4.57.6
    peer4_flax(function, *args)    # the same with its Flax classes
    peer4_tf(function, *args)      # the same with its TensorFlow classes, which are of Keras 2
    peer5(function, *args)         # transformers 5.x
    keras_on_jax(function, *args)  # no peer: dovela's own Keras models on the other backend

A process is started once and kept. `function` lives at the top of an importable module (tests/support/…), imports
what it needs inside its body, and takes and returns what a process boundary can carry (numpy arrays, strings, paths).
The versions are folders that `make peers` fills; a test that needs one that is absent is skipped.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

FOLDERS = Path(os.environ.get("DOVELA_PEERS", Path(__file__).parents[2] / ".peers"))
QUIET = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
TORCH = {"USE_TF": "0", "USE_FLAX": "0"}
FLAX = {"USE_TF": "0", "USE_FLAX": "1"}
TENSORFLOW = {"USE_TF": "1", "USE_FLAX": "0", "TF_USE_LEGACY_KERAS": "1"}


def _enter(folder: str | None, variables: dict[str, str]) -> None:
    """Runs first in the process: a peer's folder shadows what the tests' own environment has."""
    if folder is not None:
        sys.path.insert(0, folder)
    os.environ.update(QUIET | variables)
    import torch

    torch.set_num_threads(2)


@functools.cache
def _pool(folder: str | None, variables: tuple[tuple[str, str], ...]) -> ProcessPoolExecutor:
    started = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, started, initializer=_enter, initargs=(folder, dict(variables)))


def _run(version: str, variables: dict[str, str], function: Callable[..., Any], *args: Any) -> Any:
    folder = FOLDERS / f"transformers-{version}"
    if not (folder / "transformers").is_dir():
        pytest.skip(f"transformers {version} is not installed for comparison (`make peers` does it)")
    return _pool(str(folder), tuple(variables.items())).submit(function, *args).result()


def peer4(function: Callable[..., Any], *args: Any) -> Any:
    return _run("4", TORCH, function, *args)


def peer4_flax(function: Callable[..., Any], *args: Any) -> Any:
    _need("flax", "jax")
    return _run("4", FLAX, function, *args)


def peer4_tf(function: Callable[..., Any], *args: Any) -> Any:
    _need("tensorflow")
    if not (FOLDERS / "transformers-4" / "tf_keras").is_dir():
        pytest.skip("tf-keras is not installed beside transformers 4 (`make peers` does it)")
    return _run("4", TENSORFLOW, function, *args)


def peer5(function: Callable[..., Any], *args: Any) -> Any:
    return _run("5", TORCH, function, *args)


def keras_on_jax(function: Callable[..., Any], *args: Any) -> Any:
    _need("keras", "jax")
    return _pool(None, (("KERAS_BACKEND", "jax"),)).submit(function, *args).result()


def _need(*packages: str) -> None:
    for name in packages:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
