"""`python -m benchmarks run [TOPIC…]` and `python -m benchmarks page`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from . import measure, page, results
from .entries import entries, topics
from .environments import ROOT
from .fixtures import Checkpoints

PAGE = ROOT / "docs" / "benchmarks.md"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Measure dovela beside its peers, in turn, and write down what came out."""


@main.command(
    help="Run topics, all by default: print their tables and write benchmarks/results/TOPIC.json. "
    f"The topics are {', '.join(topics())}."
)
@click.argument("names", metavar="[TOPIC]...", nargs=-1, type=click.Choice(topics()))
@click.option(
    "--rounds", type=click.IntRange(1), help="Turns of each contender, for every entry (else its own number)."
)
def run(names: tuple[str, ...], rounds: int | None) -> None:
    """Each topic's file is written as soon as it is done, so that an interrupted run loses one topic at most."""
    command = " ".join(["python -m benchmarks run", *names, *(["--rounds", str(rounds)] if rounds else [])])
    with tempfile.TemporaryDirectory(prefix="benchmark-checkpoints-") as folder:
        checkpoints = Checkpoints(Path(folder))
        for name in names or topics():
            place, records = results.machine(), []
            for entry in entries(name):
                records.append(
                    measure.run(entry, rounds, checkpoints, lambda text, entry=entry: _say(entry.name, text))
                )
                _say("", "")
                click.echo(page.section(records[-1]))
            click.echo(f"wrote {results.relative(results.write(name, command, records, place))}", err=True)


@main.command("page")
@click.option("--check", is_flag=True, help="Write nothing; fail if the page is not what the results say.")
def write_page(check: bool) -> None:
    """Make docs/benchmarks.md from the results."""
    text = page.page(results.read())
    if not check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        raise click.ClickException(f"{results.relative(PAGE)} is out of date; run: python -m benchmarks page")


def _say(entry: str, text: str) -> None:
    """One line that overwrites itself, where a person is watching."""
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{entry}: {text}" if text else "\r\033[K", nl=False, err=True)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
