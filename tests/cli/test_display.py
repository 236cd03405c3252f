"""Values as they are shown."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from dovela.cli.display import COLD, WARM, display, heat
from dovela.models.bert.tokenizer import BertTokenizer
from small_vocab import small_vocab


def shown(value: Any, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(display(value))
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]


def test_checks_and_texts() -> None:
    assert shown(True) == "✓ True"
    assert shown(False) == "✗ False"
    assert shown("[bold] is text") == "[bold] is text"
    assert shown({}) == "{}"


def test_matrices_stand_side_by_side() -> None:
    one, two = np.array([[1.0, 0.25], [0.25, 1.0]]), np.array([[1.0, -0.5], [-0.5, 1.0]])
    lines = shown({"one": one, "two": two}).splitlines()
    assert lines[0].split() == ["one", "two"]
    assert lines[1].split() == ["1", "2", "1", "2"]
    assert lines[2].split() == ["1", "1.0000", "0.2500", "1", "1.0000", "-0.5000"]


def test_columns_of_equal_length_are_a_table() -> None:
    lines = shown({"id": [101, 7], "token": ["[CLS]", "a"]}).splitlines()
    assert lines[0].split() == ["id", "token"]
    assert [line.split() for line in lines[2:]] == [["101", "[CLS]"], ["7", "a"]]
    assert shown({"id": [101, 7], "token": ["a"]}).startswith("{'id': [101, 7]")


def test_long_tables_and_long_texts_are_cut() -> None:
    lines = shown({"number": list(range(30)), "text": ["x" * 500] * 30}, width=200).splitlines()
    assert lines[-1] == "… and 6 more"
    assert lines[-2].split() == ["23", "x" * 99 + "…"]


@pytest.mark.parametrize(("value", "colour"), [(-3.0, COLD), (0.0, COLD), (1.0, WARM), (7.0, WARM)])
def test_heat_stays_in_its_range(value: float, colour: tuple[int, int, int]) -> None:
    background = heat(value).bgcolor
    assert background is not None
    assert background.triplet == colour


def test_what_shows_itself_is_shown_as_it_does() -> None:
    batch = BertTokenizer(small_vocab())(["the fox", "hello"])
    assert shown(batch) == "⟨[CLS]⟩the fox⟨[SEP]⟩\n⟨[CLS]⟩hello⟨[SEP]⟩"
