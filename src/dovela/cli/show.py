"""`dovela show`: an architecture as a table, from its configuration alone and without a framework."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..config import PretrainedConfig
    from ..inventory import Inventory, Part


@click.command("show")
@click.argument("name", metavar="PATH|NAME")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Inputs of a forward pass.")
@click.option("--length", type=click.IntRange(min=1), help="Tokens of a text, seconds of sound.  [default: 128, 1]")
@click.option("--json", "as_json", is_flag=True, help="Numbers for programs.")
@click.option(
    "--import", "modules", multiple=True, metavar="MODULE", help="Import a module that defines types of your own."
)
def command(name: str, batch: int, length: int | None, as_json: bool, modules: tuple[str, ...]) -> None:
    """Show an architecture: parts, shapes, parameters, memory, operations.

    PATH is a checkpoint's folder or its config.json; NAME is one on a hub ("org/model"), or a model type ("bert"),
    which stands for its defaults. Only the configuration is read.
    """
    from ..inventory import inventory

    for module in modules:
        _import(module)
    config = find_config(name)
    stock = inventory(config)
    length = _length(length, stock)
    if as_json:
        click.echo(json.dumps(as_dict(stock, batch, length), indent=2))
    else:
        from .terminal import console

        console().print(as_table(stock, batch, length))


def _import(module: str) -> None:
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` would find it
    try:
        importlib.import_module(module.removesuffix(".py"))
    except ModuleNotFoundError as error:
        raise InputError(f"--import {module}", f"{error} (looked in {Path.cwd()} too)") from error


def find_config(name: str) -> PretrainedConfig:
    """What is at a path; else the defaults of a model type; else what a hub has under the name."""
    from ..auto_model import AutoConfig
    from ..config import CONFIGS

    if name in CONFIGS and not Path(name).exists():
        return AutoConfig.for_model(name)
    config: PretrainedConfig = AutoConfig.from_pretrained(name)
    return config


def _length(length: int | None, stock: Inventory) -> int:
    measure = stock.measure
    if length is not None and measure.longest is not None and length > measure.longest:
        most = counted(measure.longest, measure.unit)
        hint = "--batch counts inputs." if measure.longest == 1 else ""
        raise InputError(f"--length {length}", f"this {stock.model_type!r} takes at most {most}", hint=hint)
    return length or measure.usual


def counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


# ---- the numbers -----------------------------------------------------------------------------------------------------


def as_dict(stock: Inventory, batch: int, length: int) -> dict[str, Any]:
    unit = stock.measure.unit
    return {
        "model_type": stock.model_type,
        "architecture": stock.architecture,
        "parts": [
            {
                "name": part.name,
                "shapes": {leaf or _leaf(part): list(shape) for leaf, shape in part.tensors.items()},
                "tied": dict(part.tied),
                "parameters": part.parameters,
                f"flops_per_{unit}": part.flops(length) / length,
            }
            for part in stock.parts
        ],
        "parameters": stock.parameters,
        "bytes": {"float32": stock.bytes(32), "bfloat16": stock.bytes(16)},
        "batch": batch,
        "unit": unit,
        "length": length,
        f"flops_per_{unit}": stock.flops(length) / length,
        "flops": stock.flops(length, batch),
        "notes": list(stock.notes),
    }


def sections(parts: Iterable[Part]) -> Iterator[tuple[str, int, list[Part]]]:
    """Name, how many alike, and the parts of one: `("layers 0-2, 4", 4, [...])`, `("pooler", 1, [...])`."""
    for first, group in itertools.groupby(parts, lambda part: part.name.partition(".")[0]):
        members = list(group)
        if first != "layers":
            yield first, 1, members
            continue
        alike: dict[Any, list[int]] = {}
        shown: dict[Any, list[Part]] = {}
        for index, layer in itertools.groupby(members, lambda part: int(part.name.split(".")[1])):
            one = list(layer)
            key = tuple((part.name.split(".", 2)[2], tuple(part.tensors.items()), part.per_pair) for part in one)
            alike.setdefault(key, []).append(index)
            shown.setdefault(key, one)
        for key, indices in alike.items():
            yield f"layers {ranges(indices)}" if len(indices) > 1 else f"layer {indices[0]}", len(indices), shown[key]


def ranges(numbers: list[int]) -> str:
    """`0-2, 4` of [0, 1, 2, 4]."""
    runs = itertools.groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    ends = [[number for _, number in run] for _, run in runs]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ends)


# ---- the table -------------------------------------------------------------------------------------------------------


def as_table(stock: Inventory, batch: int, length: int) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from .terminal import quantity

    def numbers(parts: list[Part], times: int = 1) -> tuple[str, ...]:
        count, flops = times * sum(p.parameters for p in parts), times * sum(p.flops(length) for p in parts) / length
        return (
            f"{count:,}" if count else "",
            quantity(4 * count, "B") if count else "",
            quantity(2 * count, "B") if count else "",
            quantity(flops) if flops else "",
        )

    title = stock.architecture or f"{stock.model_type}, without a head"
    table = Table(title=title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD, header_style="dim")
    table.add_column("part", no_wrap=True)
    table.add_column("weight", justify="right", no_wrap=True)
    for name in ("parameters", "fp32", "bf16", f"FLOP/{stock.measure.unit}"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, times, parts in sections(stock.parts):
        alone = len(parts) == 1
        head = f"{name} ({times} alike)" if times > 1 else parts[0].name if alone else name
        table.add_row(head, _shape(parts[0]) if alone else "", *numbers(parts, times), style="bold cyan")
        for part in [] if alone else parts:
            leaf = part.name.split(".", 2)[2] if part.name.startswith("layers.") else part.name.partition(".")[2]
            if not part.tensors:
                leaf = leaf.replace(".kernel", f" over {counted(part.tokens(length), 'token')}")
            table.add_row(f"  {leaf}", _shape(part), *numbers([part]))
    table.add_section()
    table.add_row("in all", "", *numbers(list(stock.parts)), style="bold")

    flops, attention = stock.flops(length, batch), [part for part in stock.parts if part.per_pair]
    words = [
        f"A forward pass over {_inputs(stock, batch, length)} takes {quantity(flops, 'FLOP')}, two for each"
        " multiply-add of a matrix product."
        + (
            f" Attention alone takes 4 × {attention[0].tokens(length)} × width for each token and layer."
            * bool(attention)
        )
        + " Layers that are alike are listed once, under their sum.",
        *(f"Note: {note}." for note in stock.notes),
    ]
    return Group(table, *(Text(line, style="dim") for line in words))


def _inputs(stock: Inventory, batch: int, length: int) -> str:
    """`8 × 128 tokens`, `8 images of 224 × 224 pixels (197 tokens each)`."""
    measure = stock.measure
    if measure.longest != 1:
        return f"{batch} × {counted(length, measure.unit)}" + (f" of {measure.of}" if measure.of else "")
    tokens = max((part.tokens(length) for part in stock.parts), default=0)
    return f"{counted(batch, measure.unit)} of {measure.of} ({tokens} tokens each)"


def _leaf(part: Part) -> str:
    return part.name.rpartition(".")[2]


def _shape(part: Part) -> str:
    shape = " × ".join(map(str, part.tensors.get("weight", part.tensors.get("", ()))))
    return f"tied: {shape}" if "weight" in part.tied else shape
