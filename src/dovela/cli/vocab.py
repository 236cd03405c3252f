"""`dovela vocab`: a tokenizer of one's own, learnt from text files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CheckpointError

if TYPE_CHECKING:
    from rich.console import Console

    from ..text.base import PreTrainedTokenizerBase
    from ..text.training_texts import Progress

CLASSES = {"distilbert": "DistilBertTokenizerFast", "bert": "BertTokenizerFast"}
STAGES = {"reading": "Reading", "learning": "Counting pairs"}
SAMPLE = 1000  # lines that the summary is taken from
LONGEST = 200  # characters of the sentence that is shown


@click.command("vocab")
@click.argument("files", nargs=-1, required=True)
@click.option("--size", type=click.IntRange(min=1), default=30_000, show_default=True, help="Tokens, at most.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder to write.")
@click.option("--model", type=click.Choice(list(CLASSES)), default="distilbert", show_default=True)
@click.option("--lowercase/--cased", default=True, show_default=True, help="Whether A is a.")
@click.option(
    "--strip-accents/--keep-accents", default=None, help="Whether é is e.  [default: with --lowercase, as BERT does]"
)
@click.option(
    "--min-frequency",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="How often two pieces must meet to be joined.",
)
@click.option(
    "--limit-alphabet", type=click.IntRange(min=1), help="Keep the most frequent characters.  [default: all of them]"
)
def command(
    files: tuple[str, ...],
    size: int,
    out: Path,
    model: str,
    lowercase: bool,
    strip_accents: bool | None,
    min_frequency: int,
    limit_alphabet: int | None,
) -> None:
    """Learn a vocabulary from text FILES, and write a tokenizer.

    FILES are UTF-8 with a text on each line, gzip or not; - is standard input. The same files give the same vocabulary.
    """
    import dovela

    from .terminal import console

    terminal, status = console(), console(stderr=True)
    if out.exists() and not out.is_dir():
        raise CheckpointError(str(out), "is a file, where a folder is to be written")
    with _bar(status) as progress:
        tokenizer = getattr(dovela, CLASSES[model]).train(
            list(map(Path, files)),
            size,
            min_frequency=min_frequency,
            limit_alphabet=limit_alphabet,
            progress=progress,
            do_lower_case=lowercase,
            strip_accents=strip_accents,
        )
    tokenizer.save_pretrained(out)
    _summary(terminal, tokenizer, files, size, out)


@contextmanager
def _bar(console: Console) -> Iterator[Progress]:
    """A line for each stage; on the way to the end of the last one the library merges, which nothing measures."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    parts = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*parts, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def progress(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                for before in tasks.values():
                    bar.update(before, total=bar.tasks[before].completed)
                tasks[stage] = bar.add_task(STAGES[stage], total=total)
            bar.update(tasks[stage], completed=done, total=total)
            if stage == "learning" and done == total:
                bar.add_task("Joining pieces", total=None)

        yield progress


def _summary(
    console: Console, tokenizer: PreTrainedTokenizerBase, files: tuple[str, ...], size: int, out: Path
) -> None:
    from rich.table import Table
    from rich.text import Text

    vocab = tokenizer.get_vocab()
    pieces = [token for token in vocab if token not in tokenizer.all_special_tokens]
    words = [token for token in pieces if not token.startswith("##")]
    table = Table.grid(padding=(0, 3))
    table.add_row("tokens", f"{len(vocab):,}", f"of at most {size:,}" if len(vocab) < size else "")
    table.add_row("begin a word", f"{len(words):,}", _few(words))
    table.add_row("go on in one", f"{len(pieces) - len(words):,}", _few([t for t in pieces if t.startswith("##")]))
    texts = _sample(files)
    if texts:
        encoded = tokenizer(texts, add_special_tokens=False)
        rows = encoded.encodings or []
        count = sum(len(row.ids) for row in rows)
        unknown = sum(index == tokenizer.unk_token_id for row in rows for index in row.ids)
        words_in_all = sum(len(text.split()) for text in texts)
        table.add_row("tokens a word", f"{count / words_in_all:.2f}", f"in the first {len(texts):,} lines")
        table.add_row("unknown", f"{unknown / max(count, 1):.2%}", "of those")
    console.print(f"{type(tokenizer).__name__} in {out}\n", soft_wrap=True)
    console.print(table)
    if texts:
        console.print()
        console.print(tokenizer(texts[0]))
    if len(vocab) < size:
        console.print(Text(f"\nMore text would fill the {size:,} tokens.", style="yellow"))
    console.print("\nTry next:")
    console.print(f'  [green]AutoTokenizer.from_pretrained("{out}")', soft_wrap=True)
    model = "DistilBertConfig" if "Distil" in type(tokenizer).__name__ else "BertConfig"
    console.print(f"  [green]{model}(vocab_size={len(vocab)})", soft_wrap=True)


def _few(tokens: list[str]) -> Any:
    from rich.text import Text

    return Text(" ".join(sorted(tokens, key=len, reverse=True)[:4]), style="dim", overflow="ellipsis", no_wrap=True)


def _sample(files: tuple[str, ...]) -> list[str]:
    """The first lines with something in them; nothing where the text came in a stream, which is gone."""
    from itertools import islice

    from ..text.training_texts import read_texts

    if not Path(files[0]).is_file():
        return []
    lines = (line.strip()[:LONGEST] for line in read_texts("dovela vocab", Path(files[0])))
    return list(islice((line for line in lines if line), SAMPLE))
