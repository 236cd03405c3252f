"""Cells of a guide: what is read, what is run, what comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovela.cli.cells import read_cells

TEXT = '''"""Not shown."""
# %% First
a = 1
a + 1

# %%
# a comment
b = a
# %% Second [blue round]
c = 3

# %% Second [red]
c = 4
# %% [red]

def broken():
    raise KeyError(c)


broken()
'''


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    path = tmp_path / "guide.py"
    path.write_text(TEXT)
    return path


def test_cells_are_the_text_between_the_marks(guide: Path) -> None:
    cells = list(read_cells(guide, {"blue", "round"}))
    assert [(cell.title, cell.code) for cell in cells] == [
        ("First", "a = 1\na + 1"),
        ("", "# a comment\nb = a"),
        ("Second", "c = 3"),
    ]
    assert [cell.title for cell in read_cells(guide, {"blue"})] == ["First", ""]


def test_cells_share_names_and_give_their_last_expression(guide: Path) -> None:
    names: dict[str, Any] = {}
    assert [cell.run(names) for cell in read_cells(guide, {"blue", "round"})] == [2, None, None]
    assert (names["a"], names["b"], names["c"]) == (1, 1, 3)


def test_a_traceback_points_into_the_file(guide: Path) -> None:
    names: dict[str, Any] = {}
    *cells, last = read_cells(guide, {"red"})
    for cell in cells:
        cell.run(names)
    with pytest.raises(KeyError) as caught:
        last.run(names)
    entry = caught.traceback[-1]
    assert (Path(entry.path), entry.lineno + 1) == (guide, 1 + TEXT.splitlines().index("    raise KeyError(c)"))
