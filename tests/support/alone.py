"""Programs in a process of their own, where some packages are not installed, and what those import."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterable

FRAMEWORKS = ("torch", "jax", "jaxlib", "flax", "optax", "orbax", "keras", "tensorflow")


def python(code: str, *, blocked: Iterable[str] = (), **environment: str) -> str:
    """What `code` prints in a new process where importing `blocked` fails as if they were not installed."""
    block = f"""
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {tuple(blocked)!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Absent())
        def loaded(*names):
            return [name for name in names if name in sys.modules]
    """
    env = {name: value for name, value in os.environ.items() if name not in ("KERAS_BACKEND", "KERAS_HOME")}
    env |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HF_HUB_OFFLINE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    program = textwrap.dedent(block) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**env, "JAX_PLATFORMS": "cpu", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.strip()
