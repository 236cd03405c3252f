"""`dovela new`: a small project of one's own, with a model, a test and a training on real data."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from ..disk import reason
from ..errors import InputError


@click.command("new")
@click.argument("name", metavar="NAME")
@click.option("--from", "start", metavar="KIND", help="distilbert, bert, encoder (texts), vit, image-encoder (images).")
@click.option("--task", metavar="TASK", help="What it does.  [default: sequence- or image-classification]")
@click.option("--attention", metavar="PART", help="Who attends to whom; a,b,… repeats over the layers.")
@click.option("--window", type=int, help="Tokens to each side that window attention sees.")
@click.option("--num-key-value-heads", type=int, help="Heads of keys and values, where several share them.")
@click.option("--positions", metavar="PART", help="How the model knows where a token stands.")
@click.option("--norm", metavar="PART", help="layer or rms.")
@click.option("--norm-order", metavar="PART", help="post, pre or parallel.")
@click.option("--feed-forward", metavar="PART", help="The part on each token alone; a,b,… repeats over the layers.")
@click.option("--activation", metavar="PART", help="Of the feed-forward parts that leave it open.")
@click.option("--pooler", metavar="PART", help="How a sequence becomes one vector.")
@click.option("--layers", type=int, help="How many blocks.  [default: 3]")
@click.option("--hidden-size", type=int, help="Width of the hidden states.  [default: 128; of images 64]")
@click.option("--heads", type=int, help="Attention heads of each layer.  [default: 4]")
@click.option(
    "--own",
    multiple=True,
    metavar="PART",
    help="Begin a part of your own; may be repeated. model takes no named parts.",
)
def command(name: str, start: str | None, task: str | None, own: tuple[str, ...], **options: Any) -> None:
    """Write the folder NAME: a model of your own, a test, and a training on real data. All of it runs at once.

    \b
      dovela new near --from distilbert --attention window --positions rotary
      dovela new near --own attention          # attention, feed-forward, norm,
                                               # positions, pooler, head or model
      dovela new tiles --from vit --norm rms --feed-forward swiglu
      dovela new teller --task causal-lm

    The sizes are small, so that it learns something within a minute on one core; they are fields of the configuration.
    """
    from .new_files import project_files
    from .new_request import Request

    folder = Path(name)
    request = Request.of(folder.name, start, task, own, options)
    files = project_files(request)
    write_new(folder, files)
    _told(folder, request, files)


def write_new(folder: Path, files: dict[str, str]) -> None:
    """All files in a folder that was not there, or nothing."""
    if folder.exists() or folder.is_symlink():
        raise InputError(str(folder), "is there already, and nothing is written over", hint="Choose another name.")
    if not folder.parent.is_dir():
        raise InputError(str(folder), f"there is no folder {str(folder.parent)!r} to write it in")
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as aside:
            made = Path(aside) / folder.name
            made.mkdir()
            for name, text in files.items():
                (made / name).write_text(text, encoding="utf-8", newline="\n")
            made.rename(folder)
    except OSError as error:
        raise InputError(str(folder), f"cannot be written ({reason(error)})") from error


def _told(folder: Path, request: Any, files: dict[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from .new_files import described
    from .terminal import console

    terminal = console()
    terminal.print(Text(f"{folder}/  {request.summary}"), soft_wrap=True)
    table = Table.grid(padding=(0, 3))
    for name in files:
        table.add_row(f"  {name}", Text(described(request, name), style="dim"))
    terminal.print(table)
    terminal.print("\nTry next:")
    for line in (f"cd {folder}", "python -m pytest", "python train.py"):
        terminal.print(Text(f"  {line}", style="green"), soft_wrap=True)
    if missing := request.missing():
        terminal.print(Text(f"\nThey also need: pip install {' '.join(missing)}", style="yellow"))
