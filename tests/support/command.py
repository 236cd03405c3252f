"""The command `dovela` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COLOURS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM")


def run(
    *arguments: str, blocked: tuple[str, ...] = (), cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`dovela …` in a process of its own, where the packages `blocked` cannot be imported."""
    program = f"import sys; sys.modules.update(dict.fromkeys({blocked!r})); from dovela.cli import main; main()"
    kept = {k: v for k, v in os.environ.items() if k not in COLOURS}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        env=kept | {"PYTHONIOENCODING": "utf-8", "HF_HUB_OFFLINE": "1"} | environment,
        encoding="utf-8",
        cwd=cwd,
        timeout=600,
    )
