"""An inventory as a table, and as a dictionary for programs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..inventory_layers import every_pair, tied_names
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


@dataclass(frozen=True)
class Section:
    """A row of the table and those below it: a stack's layers that are alike, or parts under one first word."""

    title: str
    times: int
    "How many layers are alike."
    members: list[tuple[str, Part]]
    "The parts of one, with what to call them there."
    whole: list[Part]
    "The parts of all: a tensor that several share is counted with the first."
    kinds: tuple[str, ...] = ()
    "What tells these layers from the others of the stack, besides shapes."


def sections(parts: Iterable[Part], length: int) -> Iterator[Section]:
    """`layers 0-2, 4`, 4 of them, of `mlp.up_proj` and others; `pooler`, one, of `dense`.

    A stack is what has numbers in its names, and at least two layers alike, or layers of several kinds.
    """
    for (name, numbered), group in itertools.groupby(parts, _section):
        members = list(group)
        runs = list(_runs(members, length)) if numbered else []
        told = _kinds([layers[0] for _, layers in runs])
        composed = any(told) and any(len(layers[0]) > 1 for _, layers in runs)
        if not composed and not any(len(numbers) > 1 for numbers, _ in runs):
            first = name.partition(".")[0] if numbered else name
            yield Section(first, 1, [(part.name.removeprefix(f"{first}."), part) for part in members], members)
            continue
        for (numbers, layers), kinds in zip(runs, told, strict=True):
            title = f"{name} {ranges(numbers)}" if len(numbers) > 1 or name != "layers" else f"layer {numbers[0]}"
            inside = [(_match(part)["leaf"] or "", part) for part in layers[0]]
            yield Section(title, len(numbers), inside, [part for layer in layers for part in layer], kinds)


def _kinds(layers: list[list[Part]]) -> list[tuple[str, ...]]:
    """For each layer, the kinds that it has and another has not; of what lies in one of these, nothing."""
    found = [dict(layer[0].kinds) for layer in layers]
    paths = dict.fromkeys(path for kinds in found for path in kinds)
    odd = [path for path in paths if len({kinds.get(path) for kinds in found}) > 1]
    outer = [path for path in odd if not any(path != other and f"{path}.".startswith(_within(other)) for other in odd)]
    return [tuple(kinds[path] for path in outer if path in kinds) for kinds in found]


def _within(path: str) -> str:
    return f"{path}." if path else ""


def _match(part: Part) -> re.Match[str]:
    return NUMBERED.fullmatch(part.name)  # type: ignore[return-value]


def _section(part: Part) -> tuple[str, bool]:
    """A stack, or the first words of a name: two where a model is inside another."""
    if found := NUMBERED.fullmatch(part.name):
        return found["stack"], True
    return part.name.partition(".")[0], False


def _runs(members: list[Part], length: int) -> Iterator[tuple[list[int], list[list[Part]]]]:
    """The numbers of layers that are alike, and the parts of each."""
    alike: dict[Any, tuple[list[int], list[list[Part]]]] = {}
    for number, layer in itertools.groupby(members, lambda part: int(_match(part)["number"])):
        one = list(layer)
        key = tuple((_match(part)["leaf"], tuple(part.tensors.items()), part.flops(length)) for part in one)
        numbers, layers = alike.setdefault((key, one[0].kinds), ([], []))
        numbers.append(number)
        layers.append(one)
    yield from alike.values()


def as_table(stock: Inventory, batch: int, length: int, width: int = ROOM) -> RenderableType:
    """For a terminal of a width; a narrow one is told the memory of all parts together, below the table."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    def numbers(parts: list[Part]) -> tuple[str, ...]:
        count, flops = sum(p.parameters for p in parts), sum(p.flops(length) for p in parts) / length
        memory = [quantity(size * count, "B") if count else "" for size in (4, 2)]
        return f"{count:,}" if count else "", *(memory if wide else ()), quantity(flops) if flops else ""

    wide = width >= ROOM

    title = stock.architecture or f"{stock.model_type}, without a head"
    table = Table(title=title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD, header_style="dim")
    table.add_column("part", overflow="ellipsis", no_wrap=True)
    table.add_column("weight", justify="right", no_wrap=True)
    for name in ("parameters", *(("fp32", "bf16") if wide else ()), f"FLOP/{stock.measure.unit}"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in sections(stock.parts, length):
        parts = [part for _, part in one.members]
        alone = len(parts) == 1 and (one.times == 1 or not one.members[0][0])
        head = f"{one.title} ({one.times} alike)" if one.times > 1 else parts[0].name if alone else one.title
        table.add_row(Text(head), _shape(parts[0]) if alone else "", *numbers(one.whole), style="bold cyan")
        for kind in one.kinds:
            table.add_row(Text(f"  {kind}", style="cyan"))
        for leaf, part in [] if alone else one.members:
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
        return f"{leaf}, by itself"
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
    if any(one.times > 1 for one in sections(stock.parts, length)):
        told += " Layers that are alike are listed once, under their sum."
    if flops:
        yield told
    if tied := tied_names(stock.parts):
        yield f"Tied, and counted once: {'; '.join(map(_as_one, tied[:3]))}{_more(len(tied) - 3)}."
    state, kept = stock.state_bytes(), stock.activation_bytes(length, batch)
    training = f"{quantity(state, 'B')} for weights, gradients and two moments of Adam"
    if kept:
        training += f", and about {quantity(kept, 'B')} for the activations of that batch"
    weights = f"The weights take {quantity(stock.bytes(32), 'B')} in fp32, {quantity(stock.bytes(16), 'B')} in bf16."
    if kept:
        training += f" ({'fused attention, ' if stock.attends else ''}nothing computed twice)"
    yield f"{weights} Training in fp32 takes {training}."
    yield from (f"Note: {note}." for note in stock.notes)


def _inputs(stock: Inventory, batch: int, length: int) -> str:
    """`8 × 128 tokens`, `8 images of 224 × 224 pixels (197 tokens each)`."""
    measure = stock.measure
    if measure.longest != 1:
        return f"{batch} × {counted(length, measure.unit)}" + (f" of {measure.of}" if measure.of else "")
    tokens = max((part.tokens(length) for part in stock.parts), default=0)
    told = f"{counted(batch, measure.unit)} of {measure.of}"
    return f"{told} ({tokens} tokens each)" if tokens else told


def _as_one(names: list[str]) -> str:
    """`a = b`."""
    return " = ".join(names[:3]) + (f" = … ({len(names)} names)" if len(names) > 3 else "")


def _more(number: int) -> str:
    return f"; and {number} more" if number > 0 else ""


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
