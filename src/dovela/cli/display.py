"""How a value looks in a terminal: matrices coloured, columns as a table, everything else as Python shows it."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.pretty import Pretty
from rich.style import Style
from rich.table import Table
from rich.text import Text

MOST_ROWS, MOST_CHARACTERS = 24, 100
COLD, WARM = (33, 41, 66), (255, 168, 76)


def display(value: Any) -> RenderableType:
    if isinstance(value, bool):
        return Text("✓ True", style="bold green") if value else Text("✗ False", style="bold red")
    if isinstance(value, str):
        return Text(value)
    if isinstance(value, dict) and value:
        if all(is_matrix(item) for item in value.values()):
            return Columns([matrix(item, name) for name, item in value.items()], padding=(0, 4))
        if is_columns(value):
            return columns(value)
    if hasattr(type(value), "__rich__"):
        shown: RenderableType = value
        return shown
    return Pretty(value, max_length=20, max_string=200)


def is_matrix(value: Any) -> bool:
    return hasattr(value, "tolist") and getattr(value, "ndim", 0) == 2


def matrix(value: Any, title: str) -> RenderableType:
    """Numbers from 0 to 1, the higher the warmer."""
    table = Table(title=title, title_style="bold", box=None, padding=0, pad_edge=False)
    table.add_column("", style="dim", justify="right")
    rows = value.tolist()
    for column in range(len(rows[0])):
        table.add_column(f"{column + 1} ", header_style="dim", justify="right")
    for number, row in enumerate(rows, 1):
        table.add_row(f"{number} ", *(Text(f" {cell:7.4f} ", style=heat(cell)) for cell in row))
    return table


def heat(value: float) -> Style:
    part = min(max(value, 0.0), 1.0)
    red, green, blue = (round(cold + part * (warm - cold)) for cold, warm in zip(COLD, WARM, strict=True))
    return Style(color="black" if part > 0.5 else "white", bgcolor=f"rgb({red},{green},{blue})")


def is_columns(value: dict[str, Any]) -> bool:
    return all(isinstance(item, list) for item in value.values()) and len({len(item) for item in value.values()}) == 1


def columns(value: dict[str, list[Any]]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", show_edge=False, pad_edge=False)
    for name, items in value.items():
        text = all(isinstance(item, str) for item in items) and not all(
            item.replace(".", "").isdigit() for item in items
        )
        table.add_column(name, justify="left" if text else "right", overflow="ellipsis", no_wrap=len(value) > 4)
    rows = list(zip(*value.values(), strict=True))
    for row in rows[:MOST_ROWS]:
        table.add_row(*(Text(_short(str(item))) for item in row))
    left = len(rows) - MOST_ROWS
    return Group(table, Text(f"… and {left} more", style="dim")) if left > 0 else table


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
