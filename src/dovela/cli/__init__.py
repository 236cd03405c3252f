"""The command `dovela`. Each subcommand is a file here, imported when it is called (`--help` loads no framework)."""

from __future__ import annotations

import importlib
from typing import Any, cast

import click

from .._version import __version__
from ..errors import DovelaError

COMMANDS = ("new", "show", "tokenize", "tour", "vocab")


class Failure(click.ClickException):
    """One of our errors, told without a traceback; exit code 1."""

    def show(self, file: Any = None) -> None:
        from rich.text import Text

        from .terminal import console

        console(stderr=True).print(Text(f"error: {self.message}", style="red"), soft_wrap=True)


class Commands(click.Group):
    """The files of this package as commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return cast(click.Command, importlib.import_module(f"{__name__}.{name}").command)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DovelaError as error:
            raise Failure(str(error)) from error


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dovela")
def main() -> None:
    """Build transformers from parts."""
