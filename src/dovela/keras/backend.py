"""Which of Keras's backends computes. It is fixed for the whole process when keras is first imported.

The variable KERAS_BACKEND says which, or the file keras.json, where Keras keeps such settings, if it names one that is
installed; else it is TensorFlow where that is installed, and JAX otherwise.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..errors import MissingBackend
from ..lazy import installed_version, load

BACKENDS = ("tensorflow", "jax")
VARIABLE = "KERAS_BACKEND"


def load_keras(user: str) -> Any:
    """The package keras, with a backend that the models here compute with; MissingBackend where that cannot be."""
    version = installed_version("keras") or ""
    if version.startswith(("1.", "2.")):
        raise MissingBackend(
            user,
            f"needs Keras 3, and Keras {version} is installed",
            hint='Run: pip install --upgrade "dovela[keras]". What is written for Keras 2 goes on with tf-keras.',
        )
    if "keras" not in sys.modules:
        _choose(user)
    keras = load(user, "keras")
    fixed = keras.backend.backend()
    if fixed not in BACKENDS:
        raise MissingBackend(
            user,
            f"Keras computes with the backend {fixed!r} in this process, and the models take tensorflow or jax",
            hint=f'Set os.environ["{VARIABLE}"] = "tensorflow" (or "jax") before the first import of keras.',
        )
    return keras


def _choose(user: str) -> None:
    """Name a backend before keras is imported, unless somebody has done so."""
    wanted = os.environ.get(VARIABLE) or None
    if wanted is None:
        wanted = _configured()
        installed = [name for name in BACKENDS if _is_installed(name)]
        if wanted not in (None, *BACKENDS):
            _refuse(user, str(wanted), f"the file {_settings()}")
        if wanted not in installed:
            if not installed:
                raise MissingBackend(
                    user,
                    "needs a package that Keras computes with, tensorflow or jax, and neither is installed",
                    hint='Run: pip install "dovela[keras]"',
                )
            os.environ[VARIABLE] = installed[0]
    elif wanted not in BACKENDS:
        _refuse(user, wanted, f"the environment variable {VARIABLE}")


def _refuse(user: str, backend: str, who: str) -> None:
    raise MissingBackend(
        user,
        f"{who} names the Keras backend {backend!r}, and the models take tensorflow or jax",
        hint=f'Set os.environ["{VARIABLE}"] = "tensorflow" (or "jax") before the first import of keras.',
    )


def _settings() -> Path:
    """Keras's own file of settings."""
    home = os.environ.get("KERAS_HOME")
    return Path(home or Path.home() / ".keras") / "keras.json"


def _configured() -> Any:
    """The backend that the file names, or None."""
    try:
        return json.loads(_settings().read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError, RuntimeError):  # none, or unreadable, which Keras leaves aside too
        return None


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False
