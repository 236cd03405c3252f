"""`dovela tokenize`: text files of any size to token ids on disk."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from ..text.corpus import Progress
    from ..text.token_rows import TokenRows


def amount(_: click.Context, __: click.Parameter, value: str) -> int:
    """`500k`, `32M`: an integer with a decimal prefix."""
    match = re.fullmatch(r"(\d+)([kMG]?)", value)
    if match is None or not int(match[1]):
        raise click.BadParameter(f"expected a number such as 500000, 500k or 32M, got {value!r}")
    return int(match[1]) * {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[match[2]]


@click.command("tokenize")
@click.argument("files", nargs=-1, required=True, metavar="FILES...")
@click.option("--tokenizer", "name", required=True, metavar="NAME|DIR", help="A checkpoint's tokenizer.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Write into this folder.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that tokenize.  [default: one a core]")
@click.option("--format", "kind", type=click.Choice(["npy", "arrow"]), default="npy", show_default=True)
@click.option("--max-length", type=click.IntRange(min=1), help="Cut longer documents to so many ids.")
@click.option(
    "--shard-size",
    callback=amount,
    metavar="N",
    default="32M",
    show_default=True,
    help="Ids after which a shard is closed.",
)
@click.option(
    "--batch",
    callback=amount,
    metavar="N",
    default="500k",
    show_default=True,
    help="Bytes that a worker gets at a time.",
)
@click.option("--no-special-tokens", is_flag=True, help="Write texts alone, without [CLS], [SEP] and the like.")
@click.option("--skip-blank", is_flag=True, help="Leave out lines without text.")
@click.option("--errors", type=click.Choice(["strict", "replace"]), default="strict", show_default=True)
@click.option("--slow", is_flag=True, help="Use the engine in Python.")
@click.option("--restart", is_flag=True, help="Throw away what the folder has of this or another run.")
def command(
    files: tuple[str, ...],
    name: str,
    out: Path,
    workers: int | None,
    kind: str,
    no_special_tokens: bool,
    slow: bool,
    **options: Any,
) -> None:
    """Turn text files into token ids on disk, one document a line.

    FILES are UTF-8, gzip files among them; - is standard input. They may be larger than memory. Stop it, or kill it,
    and the same command goes on where it was. `dovela.open_tokens(DIR)` reads the result.
    """
    from ..auto import AutoTokenizer
    from ..text.corpus import tokenize_files
    from .terminal import console

    tokenizer = AutoTokenizer.from_pretrained(name, use_fast=not slow)
    screen = console(stderr=True)
    meter = Meter(screen)
    try:
        with meter.bar:
            rows = tokenize_files(
                tokenizer,
                files,
                out,
                workers=workers or cores(),
                format=kind,
                add_special_tokens=not no_special_tokens,
                progress=meter.update,
                **options,
            )
    except KeyboardInterrupt:
        screen.print(f"stopped; the same command goes on from there ({out})", soft_wrap=True)
        raise SystemExit(130) from None
    summary(console(), rows, meter)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Meter:
    """A bar with rates and the time left, on a terminal; and what this run did, for the summary."""

    def __init__(self, screen: Console) -> None:
        from rich import progress as rich

        columns = [
            rich.TextColumn("{task.description}"),
            rich.BarColumn(),
            rich.TaskProgressColumn(),
            rich.TextColumn("{task.fields[rate]}"),
            rich.TimeRemainingColumn(),
        ]
        self.bar = rich.Progress(*columns, console=screen, disable=not screen.is_terminal)
        self._task = self.bar.add_task("tokenizing", total=None, rate="")
        self.first: Progress | None = None
        self.last: Progress | None = None
        self._began = time.perf_counter()

    def update(self, now: Progress) -> None:
        if self.first is None:  # the workers start after this
            self.first, self._began = now, time.perf_counter()
        self.last = now
        self.bar.update(self._task, completed=now.consumed, total=now.total, rate=self.rate())

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    def rate(self) -> str:
        from .terminal import quantity

        if self.first is None or self.last is None or self.last.text == self.first.text:
            return ""
        text, tokens = self.last.text - self.first.text, self.last.tokens - self.first.tokens
        return f"{quantity(text / self.seconds, 'B')}/s  {quantity(tokens / self.seconds)} tokens/s"


def summary(screen: Console, rows: TokenRows, meter: Meter) -> None:
    from .terminal import quantity

    header = rows.header
    size = sum(sum(shard["bytes"]) for shard in header["shards"])
    screen.print(
        f"{len(rows):,} documents, {rows.tokens:,} tokens of {quantity(header['bytes'], 'B')} of text\n"
        f"{len(header['shards'])} shards, {quantity(size, 'B')}, in {rows.folder}",
        soft_wrap=True,
    )
    if meter.first is None:
        screen.print("It was all there already: nothing was done.")
    else:
        resumed = f", after {meter.first.documents:,} documents of an earlier run" if meter.first.documents else ""
        screen.print(f"{meter.seconds:.1f} s{resumed}  {meter.rate()}".rstrip())
