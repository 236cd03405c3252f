"""Where the commands write: in colours to a terminal, plain and of a fixed width into pipes and files."""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import IO

from rich.console import Console

from ..quantities import quantity as quantity

WIDTH = 100
WIDEST = 120  # lines of a very wide terminal are hard to read


def console(*, stderr: bool = False, file: IO[str] | None = None, record: bool = False) -> Console:
    """rich honours NO_COLOR and what the terminal can do."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")  # a question mark in a terminal of few characters, not a traceback
    made = Console(stderr=stderr, file=file, record=record, highlight=False)
    made.width = min(made.width, WIDEST) if made.is_terminal else WIDTH
    return made
