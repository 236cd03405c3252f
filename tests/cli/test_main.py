"""The command itself: help, version, errors, what it imports, how it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import dovela
from command import run
from dovela.cli import main

HEAVY = ["torch", "numpy", "safetensors", "tokenizers", "huggingface_hub"]


def test_help_lists_the_commands() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert any(line.startswith("show Show an architecture") for line in lines)
    assert "tour Walk the guide on real input, step by step: text, images, sound." in lines
    assert "vocab Learn a vocabulary from text FILES, and write a tokenizer." in lines


@pytest.mark.parametrize("arguments", [["--help"], ["tour", "--help"], ["show", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    result = run(*arguments, blocked=(*HEAVY, "rich"))
    assert (result.returncode, result.stderr) == (0, "")


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"dovela, version {dovela.__version__}\n"


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["tuor"])
    assert result.exit_code == 2
    assert "No such command 'tuor'" in result.output


def test_an_error_is_one_message_without_a_traceback() -> None:
    result = run("show", "./nowhere")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"error: ./nowhere: there is no such folder (looked in {Path.cwd()}). "
        "A name on the hub looks like 'org/model'.\n"
    )


def test_an_error_is_red_in_a_terminal_that_has_colours() -> None:
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    assert run("show", "./nowhere", **terminal).stderr.startswith("\x1b[31merror:")
    assert run("show", "./nowhere", NO_COLOR="1", **terminal).stderr.startswith("error:")


def test_a_pipe_gets_plain_text_of_a_fixed_width() -> None:
    result = run("show", "bert")
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    assert "\x1b[" in run("show", "bert", FORCE_COLOR="1", TERM="xterm-256color").stdout


def test_a_terminal_of_few_characters_is_no_traceback() -> None:
    result = run("show", "bert", PYTHONIOENCODING="ascii")
    assert result.returncode == 0
    assert "109,482,240" in result.stdout
