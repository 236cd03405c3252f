"""`dovela tokenize`: what it tells, what it takes, and what a kill leaves."""

from __future__ import annotations

import gzip
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from corpus_tools import contents, write_words
from dovela.cli.tokenize import command
from dovela.errors import CheckpointError, InputError
from dovela.models.bert.tokenizer import BertTokenizer
from dovela.text.corpus import open_tokens, tokenize_files
from small_vocab import small_vocab

PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell has its jobs in the background ignore
from dovela.cli.tokenize import command
command(prog_name="dovela tokenize")
"""


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    BertTokenizer(small_vocab()).save_pretrained(folder)
    return folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_words(tmp_path / "text.txt", 3000)


def tokenize(*arguments: object, data: bytes | None = None) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)), input=data)


def test_it_writes_and_sums_up(tmp_path: Path, saved: Path, text: Path) -> None:
    call = [text, "--tokenizer", saved, "--out", tmp_path / "out", "--workers", 1, "--shard-size", "5k"]
    result = tokenize(*call)
    assert result.exit_code == 0, result.output
    rows = open_tokens(tmp_path / "out")
    tokenizer = BertTokenizer(small_vocab())
    assert [row.tolist() for row in rows] == tokenizer(text.read_text().removesuffix("\n").split("\n"))["input_ids"]
    first, second, third = result.output.splitlines()
    assert first == f"3,000 documents, {rows.tokens:,} tokens of {text.stat().st_size / 1000:.3g} kB of text"
    assert second.startswith(f"{len(rows.header['shards'])} shards, ")
    assert second.endswith(f"in {tmp_path / 'out'}")
    assert "tokens/s" in third
    assert "B/s" in third
    assert tokenize(*call).output.splitlines()[2] == "It was all there already: nothing was done."


def test_options_are_those_of_the_function(tmp_path: Path, saved: Path, text: Path) -> None:
    flags = ["--no-special-tokens", "--skip-blank", "--errors", "replace", "--max-length", 4, "--slow"]
    sizes = ["--shard-size", "2k", "--batch", 900]
    result = tokenize(text, text, "--tokenizer", saved, "--out", tmp_path / "out", "--workers", 2, *flags, *sizes)
    assert result.exit_code == 0, result.output
    tokenize_files(
        BertTokenizer.from_pretrained(saved), [text, text], tmp_path / "same", add_special_tokens=False,
        skip_blank=True, errors="replace", max_length=4, shard_size=2000, batch=900,
    )  # fmt: skip
    assert contents(tmp_path / "out") == contents(tmp_path / "same")


def test_standard_input_and_restart(tmp_path: Path, saved: Path) -> None:
    call = ["-", "--tokenizer", saved, "--out", tmp_path / "out", "--workers", 1]
    assert tokenize(*call, data=b"the dog\n").exit_code == 0
    assert tokenize(*call, "--restart", data=gzip.compress(b"hello\nworld\n")).exit_code == 0
    vocab = small_vocab()
    assert [row.tolist()[1] for row in open_tokens(tmp_path / "out")] == [vocab["hello"], vocab["world"]]


def test_another_command_is_refused(tmp_path: Path, saved: Path, text: Path) -> None:
    call = [text, "--tokenizer", saved, "--out", tmp_path / "out", "--workers", 1]
    tokenize(*call)
    refused = tokenize(*call, "--slow", "--max-length", 9)
    assert isinstance(refused.exception, CheckpointError)
    assert "the tokenizer was BertTokenizerFast from" in str(refused.exception)
    assert "max_length was None, and is 9" in str(refused.exception)
    assert tokenize(*call, "--slow", "--max-length", 9, "--restart").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument 'FILES...'"),
        (["a", "--out", "o"], "Missing option '--tokenizer'"),
        (["a", "--tokenizer", "t", "--out", "o", "--workers", "0"], "0 is not in the range x>=1"),
        (["a", "--tokenizer", "t", "--out", "o", "--format", "csv"], "'csv' is not one of 'npy', 'arrow'"),
        (
            ["a", "--tokenizer", "t", "--out", "o", "--shard-size", "big"],
            "expected a number such as 500000, 500k or 32M",
        ),
        (["a", "--tokenizer", "t", "--out", "o", "--batch", "0k"], "got '0k'"),
    ],
)
def test_a_wrong_call(arguments: list[str], message: str) -> None:
    result = tokenize(*arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_wrong_files_are_errors(tmp_path: Path, saved: Path) -> None:
    result = tokenize(tmp_path / "no.txt", "--tokenizer", saved, "--out", tmp_path / "out")
    assert isinstance(result.exception, InputError)
    assert str(result.exception) == f"tokenize_files: {tmp_path / 'no.txt'} does not exist"
    result = tokenize(tmp_path, "--tokenizer", tmp_path / "none", "--out", tmp_path / "out")
    assert isinstance(result.exception, CheckpointError)
    assert "there is no such folder" in str(result.exception)


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HF_HUB_OFFLINE": "1"}
    program = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.Popen(
        program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, **options
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_random_and_resumed(tmp_path: Path, saved: Path, text: Path, workers: int) -> None:
    call = [text, "--tokenizer", saved, "--shard-size", 500, "--batch", 150, "--workers", workers, "--out"]
    began = time.perf_counter()
    whole = start(*call, tmp_path / "whole")
    whole.communicate(timeout=120)
    duration, chance = time.perf_counter() - began, random.Random(workers)
    for _ in range(3):
        process = start(*call, tmp_path / "out")
        time.sleep(chance.uniform(0.3, 0.9) * duration)
        process.kill()
        process.communicate(timeout=120)  # returns once the workers, which share its output, have ended too
    last = start(*call, tmp_path / "out")
    output, _ = last.communicate(timeout=120)
    assert (whole.returncode, last.returncode) == (0, 0), output
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_leaves_a_run_to_resume(tmp_path: Path, saved: Path, text: Path, workers: int) -> None:
    """The whole group of processes gets the signal, as from a terminal, while the rest of the text is awaited."""
    call = ["-", "--tokenizer", saved, "--shard-size", 500, "--batch", 500, "--workers", workers]
    process = start(*call, "--out", tmp_path / "out", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(text.read_bytes()[:20_000])
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/ids-00003.npy")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 130
    assert output == f"stopped; the same command goes on from there ({tmp_path / 'out'})\n"
    resumed = tokenize(*call, "--out", tmp_path / "out", data=text.read_bytes())
    assert resumed.exit_code == 0, resumed.output
    assert "documents of an earlier run" in resumed.output
    tokenize(*call, "--out", tmp_path / "whole", data=text.read_bytes())
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
