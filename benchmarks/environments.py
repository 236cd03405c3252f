"""The environments that contenders run in: one interpreter, and a folder of packages put in front of it for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THREADS = 2
PATHS: dict[str, Path | None] = {
    "python": None,
    "dovela": ROOT / "src",
    "transformers-4": ROOT / ".peers" / "transformers-4",
    "transformers-5": ROOT / ".peers" / "transformers-5",
    "engines": ROOT / ".peers" / "engines",
}
PACKAGES = (
    *("dovela", "transformers", "torch", "tokenizers", "safetensors", "huggingface_hub", "numpy"),
    *("jax", "flax", "keras", "tensorflow-cpu", "tensorflow", "tf-keras", "tokie", "nanotoken", "blingfire"),
)
_PROBE = f"""
import importlib.metadata, json
found = {{}}
for name in {PACKAGES!r}:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
try:
    from dovela._version import __version__
    found["dovela"] = __version__
except ImportError:
    pass
print(json.dumps(found))
"""


class Unavailable(Exception):
    """A contender, or a checkpoint it needs, cannot be had here. The text is the reason."""


def variables(environment: str) -> dict[str, str]:
    """The environment variables of `environment`, the same for all but PYTHONPATH. Unavailable if not installed."""
    path = PATHS[environment]
    if path is not None and not path.is_dir():
        raise Unavailable(f"{path.relative_to(ROOT)} is not there; `make peers` installs it")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    threads = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")}
    quiet = {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TQDM_DISABLE": "1",
        "USE_TF": "0",
        "USE_FLAX": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    return {**inherited, **threads, **quiet, **({"PYTHONPATH": str(path)} if path else {})}


def python(code: str, environment: str, *arguments: str) -> str:
    """What `code` prints in `environment`; Unavailable, with the last line of its error, if it fails."""
    command = [sys.executable, "-P", "-c", code, *arguments]
    done = subprocess.run(command, env=variables(environment), capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(last_line(done.stderr))
    return done.stdout


def last_line(stderr: str) -> str:
    """The line of a traceback that says what went wrong."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else "it died without a word"


def versions(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """The versions of the packages that matter, by environment; those that are not installed are left out."""
    found = {}
    for name in names:
        try:
            found[name] = json.loads(python(_PROBE, name))
        except Unavailable:
            continue
    return found
