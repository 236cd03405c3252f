"""Write docs/tour.svg: what two steps of `dovela tour` look like in a terminal.

python scripts/make_tour_picture.py
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from rich.terminal_theme import MONOKAI

from dovela.cli.terminal import console
from dovela.cli.tour import walk

TARGET = Path(__file__).parents[1] / "docs" / "tour.svg"
FIRST, END = "Trained weights", "A head on top"


def main() -> None:
    screen = console(file=io.StringIO(), record=True)
    with tempfile.TemporaryDirectory() as folder:
        for step in walk(screen, out=Path(folder)):
            if step == FIRST:
                screen.export_text(clear=True)  # forget what was shown so far
            if step == END:
                break
    TARGET.write_text(screen.export_svg(title="dovela tour", theme=MONOKAI), encoding="utf-8")


if __name__ == "__main__":
    main()
