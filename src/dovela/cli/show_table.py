"""An inventory as a table, and as a dictionary for programs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..inventory_layers import every_pair
from ..quantities import counted, quantity, ranges

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..inventory import Inventory, Part

ROOM = 100  # columns of a terminal that all of the table fits in
NUMBERED = re.compile(r"(?P<stack>.*?)\.(?P<number>\d+)(?:\.(?P<leaf>.+))?")


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
        "training_bytes": {
            "state": stock.state_bytes(),
            "activations": stock.activation_bytes(length, batch),
            "in_all": stock.training_bytes(length, batch),
        },
        "batch": batch,
        "unit": unit,
        "length": length,
        f"flops_per_{unit}": stock.flops(length) / length,
        "flops": stock.flops(length, batch),
        "notes": list(stock.notes),
    }


def sections(parts: Iterable[Part], length: int) -> Iterator[tuple[str, int, list[tuple[str, Part]]]]:
    """Name, how many alike, and the parts of one with what to call them there.

    `("layers 0-2, 4", 4, [("mlp.up_proj", …), …])`, `("pooler", 1, [("dense", …)])`. A stack is what has numbers in its
    names, and at least two layers alike.
    """
    for (name, numbered), group in itertools.groupby(parts, _section):
        members = list(group)
        runs = list(_runs(members, length)) if numbered else []
        if not any(len(numbers) > 1 for numbers, _ in runs):
            first = name.partition(".")[0] if numbered else name
            yield first, 1, [(part.name.removeprefix(f"{first}."), part) for part in members]
            continue
        for numbers, one in runs:
            title = f"{name} {ranges(numbers)}" if len(numbers) > 1 or name != "layers" else f"layer {numbers[0]}"
            yield title, len(numbers), [(_match(part)["leaf"] or "", part) for part in one]


def _match(part: Part) -> re.Match[str]:
    return NUMBERED.fullmatch(part.name)  # type: ignore[return-value]


def _section(part: Part) -> tuple[str, bool]:
    """A stack, or the first words of a name: two where a model is inside another."""
    if found := NUMBERED.fullmatch(part.name):
        return found["stack"], True
    return part.name.partition(".")[0], False


def _runs(members: list[Part], length: int) -> Iterator[tuple[list[int], list[Part]]]:
    """The numbers of layers that are alike, and the parts of one of them."""
    alike: dict[Any, list[int]] = {}
    shown: dict[Any, list[Part]] = {}
    for number, layer in itertools.groupby(members, lambda part: int(_match(part)["number"])):
        one = list(layer)
        key = tuple((_match(part)["leaf"], tuple(part.tensors.items()), part.flops(length)) for part in one)
        alike.setdefault(key, []).append(number)
        shown.setdefault(key, one)
    for key, numbers in alike.items():
        yield numbers, shown[key]


def as_table(stock: Inventory, batch: int, length: int, width: int = ROOM) -> RenderableType:
    """For a terminal of a width; a narrow one is told the memory of all parts together, below the table."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def numbers(parts: list[Part], times: int = 1) -> tuple[str, ...]:
        count, flops = times * sum(p.parameters for p in parts), times * sum(p.flops(length) for p in parts) / length
        memory = [quantity(size * count, "B") if count else "" for size in (4, 2)]
        return f"{count:,}" if count else "", *(memory if wide else ()), quantity(flops) if flops else ""

    wide = width >= ROOM

    title = stock.architecture or f"{stock.model_type}, without a head"
    table = Table(title=title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD, header_style="dim")
    table.add_column("part", overflow="ellipsis", no_wrap=True)
    table.add_column("weight", justify="right", no_wrap=True)
    for name in ("parameters", *(("fp32", "bf16") if wide else ()), f"FLOP/{stock.measure.unit}"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, times, members in sections(stock.parts, length):
        parts = [part for _, part in members]
        alone = len(parts) == 1 and (times == 1 or not members[0][0])
        head = f"{name} ({times} alike)" if times > 1 else parts[0].name if alone else name
        table.add_row(Text(head), _shape(parts[0]) if alone else "", *numbers(parts, times), style="bold cyan")
        for leaf, part in [] if alone else members:
            table.add_row(Text(f"  {_named(leaf, part, length)}"), _shape(part), *numbers([part]))
    table.add_section()
    table.add_row("in all", "", *numbers(list(stock.parts)), style="bold")
    return Group(table, *(Text(line, style="dim") for line in _words(stock, batch, length)))


def _named(leaf: str, part: Part, length: int) -> str:
    """`attention over 128 tokens` for what has no tensors of its own."""
    if part.tensors:
        return leaf
    tokens = part.tokens(length)  # none where it was measured
    if not tokens:
        return f"{leaf}, between its layers"
    seen = round(part.pairs(tokens) / tokens)
    over = f"over {seen} of" if seen < tokens else "over"
    return leaf.replace(".kernel", " in linear time" if part.per_token else f" {over} {counted(tokens, 'token')}")


def _words(stock: Inventory, batch: int, length: int) -> Iterator[str]:
    """The whole batch, memory, training, and how it was counted."""
    inputs, flops = _inputs(stock, batch, length), stock.flops(length, batch)
    told = (
        f"A forward pass over {inputs} takes {quantity(flops, 'FLOP')}, two for each multiply-add of a matrix product."
    )
    kernels = [part for part in stock.parts if part.per_pair]
    if kernels and all(part.pairs is every_pair for part in kernels):
        told += f" Attention alone takes 4 × {kernels[0].tokens(length)} × width for each token and layer."
    elif kernels:
        told += " Attention is counted for the pairs that may attend, and not for hidden ones that are computed too."
    if any(times > 1 for _, times, _ in sections(stock.parts, length)):
        told += " Layers that are alike are listed once, under their sum."
    if flops:
        yield told
    state, kept = stock.state_bytes(), stock.activation_bytes(length, batch)
    training = f"{quantity(state, 'B')} for weights, gradients and two moments of Adam"
    if kept:
        training += f", and about {quantity(kept, 'B')} for the activations of that batch"
    weights = f"The weights take {quantity(stock.bytes(32), 'B')} in fp32, {quantity(stock.bytes(16), 'B')} in bf16."
    yield f"{weights} Training in fp32 takes {training}{' (fused attention, nothing computed twice)' if kept else ''}."
    yield from (f"Note: {note}." for note in stock.notes)


def _inputs(stock: Inventory, batch: int, length: int) -> str:
    """`8 × 128 tokens`, `8 images of 224 × 224 pixels (197 tokens each)`."""
    measure = stock.measure
    if measure.longest != 1:
        return f"{batch} × {counted(length, measure.unit)}" + (f" of {measure.of}" if measure.of else "")
    tokens = max((part.tokens(length) for part in stock.parts), default=0)
    told = f"{counted(batch, measure.unit)} of {measure.of}"
    return f"{told} ({tokens} tokens each)" if tokens else told


def _leaf(part: Part) -> str:
    return part.name.rpartition(".")[2]


def _shape(part: Part) -> str:
    """Of the tensor that says most: the weight, or the only one."""
    names = list(part.tensors)
    if names and "." in names[0]:
        return f"{len({name.partition('.')[0] for name in names})} experts"
    main = next((name for name in ("weight", "", *names[: len(names) == 1]) if name in part.tensors), None)
    shape = " × ".join(map(str, part.tensors[main])) if main is not None else ""
    return f"tied: {shape}" if main in part.tied else shape
