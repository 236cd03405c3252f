"""`dovela vocab`: what it writes, what it says, what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from command import run
from dovela import AutoTokenizer, BertTokenizerFast, DistilBertTokenizerFast
from dovela.cli import main
from tokenizer_jsons import CORPUS


def vocab(*arguments: object, stdin: bytes | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["vocab", *map(str, arguments)], input=stdin)
    return result.exit_code, result.output


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(CORPUS), "utf-8")
    return path


def test_it_writes_what_training_gives(corpus: Path, tmp_path: Path) -> None:
    code, output = vocab(corpus, "--size", 150, "--out", tmp_path / "mine")
    assert code == 0, output
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "mine")
    assert type(tokenizer) is DistilBertTokenizerFast
    assert tokenizer.get_vocab() == DistilBertTokenizerFast.train(corpus, 150).get_vocab()
    assert (tmp_path / "mine/vocab.txt").read_text("utf-8").splitlines()[:2] == ["[PAD]", "[UNK]"]


def test_every_option_arrives(corpus: Path, tmp_path: Path) -> None:
    options = ("--model", "bert", "--cased", "--keep-accents", "--min-frequency", 1, "--limit-alphabet", 30)
    code, output = vocab(corpus, corpus, "--size", 120, "--out", tmp_path / "mine", *options)
    assert code == 0, output
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "mine")
    options = {"do_lower_case": False, "strip_accents": False}
    wanted = BertTokenizerFast.train([corpus, corpus], 120, min_frequency=1, limit_alphabet=30, **options)
    assert type(tokenizer) is BertTokenizerFast
    assert (tokenizer.do_lower_case, tokenizer.strip_accents) == (False, False)
    assert tokenizer.get_vocab() == wanted.get_vocab()


def test_it_says_what_it_made_and_what_to_do_next(corpus: Path, tmp_path: Path) -> None:
    _, output = vocab(corpus, "--size", 150, "--out", tmp_path / "mine")
    assert output.startswith(f"DistilBertTokenizerFast in {tmp_path / 'mine'}")
    assert re.search(r"tokens +150\s", output)
    assert re.search(r"tokens a word +\d\.\d\d +in the first 24 lines", output)
    assert "⟨[CLS]⟩the quick brown fox jumps over the lazy dog⟨[SEP]⟩" in output
    assert f'AutoTokenizer.from_pretrained("{tmp_path / "mine"}")' in output
    assert "DistilBertConfig(vocab_size=150)" in output
    assert "More text" not in output
    code, output = vocab(corpus, "--out", tmp_path / "mine")
    assert code == 0
    assert re.search(r"tokens +\d+ +of at most 30,000", output)
    assert "More text would fill the 30,000 tokens." in output


def test_standard_input_is_read(tmp_path: Path) -> None:
    code, output = vocab("-", "--size", 150, "--out", tmp_path / "mine", stdin="\n".join(CORPUS).encode())
    assert code == 0, output
    assert "tokens a word" not in output
    assert AutoTokenizer.from_pretrained(tmp_path / "mine").get_vocab() == (
        DistilBertTokenizerFast.train(iter(CORPUS), 150).get_vocab()
    )


def test_a_terminal_sees_a_bar_and_a_pipe_none(corpus: Path, tmp_path: Path) -> None:
    arguments = ("vocab", str(corpus), "--size", "150", "--out", str(tmp_path / "mine"))
    quiet = run(*arguments)
    assert (quiet.returncode, quiet.stderr) == (0, "")
    seen = run(*arguments, FORCE_COLOR="1", TERM="xterm-256color")
    assert "Reading" in seen.stderr
    assert "Counting pairs" in seen.stderr


def test_it_needs_no_framework(corpus: Path, tmp_path: Path) -> None:
    done = run("vocab", str(corpus), "--out", str(tmp_path / "mine"), blocked=("torch", "jax", "huggingface_hub"))
    assert (done.returncode, done.stderr) == (0, "")
    assert run("vocab", "--help", blocked=("torch", "numpy", "tokenizers", "rich")).returncode == 0


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("gone.txt", None, (), "gone.txt does not exist"),
        ("empty.txt", b"", (), "there is no word to learn from in these texts"),
        ("blank.txt", b"\n \n", (), "there is no word to learn from in these texts"),
        ("latin.txt", b"a\nb\ncaf\xe9\n", (), "latin.txt, line 3, byte 4: is not UTF-8 text"),
        ("tiny.txt", b"abc", ("--size", 8), "vocab_size=8 is less than the 10 tokens that these texts need"),
    ],
)
def test_what_it_refuses(name: str, content: bytes | None, options: tuple, message: str, tmp_path: Path) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    code, output = vocab(file, "--out", tmp_path / "mine", *options)
    assert code == 1
    assert output.startswith("error: ")
    assert message in output
    assert not (tmp_path / "mine").exists()


def test_wrong_usage(corpus: Path, tmp_path: Path) -> None:
    assert vocab("--out", tmp_path)[0] == 2
    assert "Missing option '--out'" in vocab(corpus)[1]
    assert "'gpt' is not one of 'distilbert', 'bert'" in vocab(corpus, "--out", tmp_path, "--model", "gpt")[1]
    assert vocab(corpus, "--out", tmp_path, "--size", 0)[0] == 2
    assert vocab(corpus, "--out", corpus)[0] == 2  # a file
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == '["corpus.txt"]'
