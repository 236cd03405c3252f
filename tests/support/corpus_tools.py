"""Tokenizers and programs for tests of large corpora, where other processes can import them.

As a program: `corpus_tools.py every FOLDER` kills runs at each file operation, `corpus_tools.py memory FILE OUT` prints
the peak of a run's memory, `corpus_tools.py refuse FILE OUT` runs into a limit of the size of files.
"""

import itertools
import json
import os
import random
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from crash import killed
from dovela.errors import DovelaError
from dovela.text.corpus import tokenize_files
from dovela.text.tokenizer import PreTrainedTokenizer

VOCAB = ["<pad>", "<unk>", "a", "b", "c", "deadly"]


class Words(PreTrainedTokenizer, register=False):
    """One token a word, none special; and a word that ends the process."""

    def __init__(self, **options: Any) -> None:
        super().__init__(dict(zip(VOCAB, range(len(VOCAB)), strict=True)), unk_token="<unk>", **options)

    def _tokenize(self, text: str) -> list[str]:
        if "deadly" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "interrupting" in text:
            raise KeyboardInterrupt
        return text.split()

    def build_inputs_with_special_tokens(self, first: list[int], second: list[int] | None = None) -> list[int]:
        return first + (second or [])

    def create_token_type_ids_from_sequences(self, first: list[int], second: list[int] | None = None) -> list[int]:
        return [0] * (len(first) + len(second or []))


def write_words(path: Path, lines: int, seed: int = 0) -> Path:
    """Lines of up to nine words, some of them blank."""
    chance = random.Random(seed)
    path.write_text("".join(" ".join(chance.choices("abc", k=chance.randrange(10))) + "\n" for _ in range(lines)))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def every(root: Path, format: str) -> None:
    """Kill a run at each of its file operations in turn, kill its successor too, and compare what the third leaves."""
    os.fsync = lambda descriptor: None  # the death of a process does not ask what is on the disk
    files = [write_words(root / "a.txt", 80), write_words(root / "b.txt", 3, seed=1)]
    tokenizer = Words()

    def run(out: Path) -> None:
        tokenize_files(tokenizer, files, out, shard_size=60, batch=80, format=format)

    run(root / "whole")
    expected = contents(root / "whole")
    for n in itertools.count(1):
        out = root / f"killed-{n}"
        if not killed(run, out, at=n):
            break
        killed(run, out, at=1 + n * 7 % 50)
        run(out)
        assert contents(out) == expected, f"killed at operation {n}"
    sys.stdout.write(f"{n - 1} kills, {len(json.loads(expected['index.json'])['shards'])} shards\n")


def memory(file: str, out: str) -> None:
    tokenize_files(Words(), file, out, shard_size=200_000)
    status = Path("/proc/self/status").read_text()  # ru_maxrss would begin at the peak of the process that forked
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(f"{int(peak.split()[1]) * 1024}\n")


def refuse(file: str, out: str) -> None:
    """A disk with room for 3,000 bytes a file."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
    try:
        tokenize_files(Words(), file, out, batch=100)
    except DovelaError as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    sys.stdout.write(f"{sorted(contents(Path(out)))}\n{len(tokenize_files(Words(), file, out, batch=100))}\n")


if __name__ == "__main__":
    if sys.argv[1] == "every":
        every(Path(sys.argv[2]), sys.argv[3])
    else:
        {"memory": memory, "refuse": refuse}[sys.argv[1]](*sys.argv[2:])
