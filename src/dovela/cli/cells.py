"""A guide as cells of one Python file, each run as it stands: what is shown is what ran.

# %% Title [word]      begins a step; the cell runs only where `word` holds
# %%                   the step's next cell
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MARK = re.compile(r"^# %%(?P<title>[^\[\n]*)(?:\[(?P<words>[^\]\n]*)\])?[ \t]*\n", re.MULTILINE)
_VALUE = "_"  # as in Python's prompt


@dataclass(frozen=True)
class Cell:
    title: str
    "Of the step that it begins, or nothing."
    code: str
    file: Path
    line: int
    "Of its first line in the file."

    def run(self, names: dict[str, Any]) -> Any:
        """Execute it with `names`, which it changes; gives the value of its last line if that is an expression."""
        tree = ast.parse(self.code)
        last = tree.body[-1]
        if isinstance(last, ast.Expr):
            store = ast.Assign([ast.Name(_VALUE, ast.Store())], last.value)
            tree.body[-1] = ast.copy_location(store, last)
        names[_VALUE] = None
        ast.increment_lineno(ast.fix_missing_locations(tree), self.line - 1)
        exec(compile(tree, str(self.file), "exec"), names)  # noqa: S102 - the guide of this package, which is to be run
        return names[_VALUE]


def read_cells(file: Path, words: Collection[str]) -> Iterator[Cell]:
    """The cells of a file that run where `words` hold."""
    text = file.read_text(encoding="utf-8")
    marks = list(_MARK.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=True):
        if set((mark["words"] or "").split()) <= set(words):
            code = text[mark.end() : end].lstrip()
            line = 1 + text.count("\n", 0, end - len(code))
            yield Cell(mark["title"].strip(), code.rstrip(), file, line)
