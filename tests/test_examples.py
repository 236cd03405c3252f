"""The examples run as they stand; what they reach is in the docs."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data import data_path
from dovela import AutoFeatureExtractor, AutoModelForAudioClassification, AutoModelForCTC, AutoProcessor

EXAMPLES = Path(__file__).parents[1] / "examples"
ALL_BLOCKS = ["DistilBERT's", "+ RoPE", "+ SwiGLU", "+ RMSNorm, pre-norm", "all of them"]


def run(*arguments: object, example: str = "spoken_digits") -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{example}.py"), *map(str, arguments)]
    # Matrices as small as these gain nothing from more threads; a table wants to be wide to keep a row in a line.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "160"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few recordings under the names of the data set, each digit a tone."""
    folder = tmp_path_factory.mktemp("tones")
    rng = np.random.default_rng(0)
    for speaker in ("george", "theo"):
        for digit in range(10):
            for take in range(2):
                time = np.arange(int(rng.integers(1600, 3200))) / 8000
                wave = 0.5 * np.sin(2 * np.pi * (200 + 100 * digit) * time)
                soundfile.write(folder / f"{digit}_{speaker}_{take}.wav", wave, 8000)
    return folder


def test_a_classifier_is_trained_and_opens_again(tones: Path, tmp_path: Path) -> None:
    printed = run("classify", tones, "--epochs", 1, "--out", tmp_path)
    assert printed.startswith("20 recordings to train on, 20 of other speakers to test on\n")
    assert re.search(r"^right: \d+\.\d%$", printed, re.M)
    assert AutoModelForAudioClassification.from_pretrained(tmp_path).config.id2label[7] == "seven"
    assert AutoFeatureExtractor.from_pretrained(tmp_path).sampling_rate == 8000


def test_a_ctc_model_is_trained_and_opens_again(tones: Path, tmp_path: Path) -> None:
    printed = run("ctc", tones, "--epochs", 1, "--out", tmp_path)
    assert re.search(r"^word error rate: \d+\.\d%$", printed, re.M)
    processor, model = AutoProcessor.from_pretrained(tmp_path), AutoModelForCTC.from_pretrained(tmp_path)
    assert model.config.vocab_size == len(processor.tokenizer)
    assert processor.decode(processor(text="seven one")["input_ids"], group_tokens=False) == "seven one"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "said", "least", "most"), [("classify", "right", 72, 100), ("ctc", "word error rate", 0, 55)]
)
def test_spoken_digits_of_speakers_that_were_not_heard(task: str, said: str, least: float, most: float) -> None:
    printed = run(task, data_path("audio/fsdd.tar.gz"))
    assert printed.startswith("2,000 recordings to train on, 1,000 of other speakers to test on\n")
    found = re.search(rf"^{said}: (\d+\.\d)%$", printed, re.M)
    assert found
    assert least <= float(found[1]) <= most


def table(printed: str) -> dict[str, list[str]]:
    """The rows of a printed table by their first cells."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in printed.splitlines() if line[:1] == "│"]
    return {name: cells for name, *cells in rows}


def first_number(cell: str) -> float:
    return float(cell.replace(",", "").split()[0])


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A few lines in the form of SST-2."""
    rng = np.random.default_rng(0)
    words = {1: ["good", "fine", "great"], 0: ["bad", "poor", "dull"]}
    for name in ("train", "dev"):
        lines = [f"a {rng.choice(words[label])} film in {n} reels\t{label}" for n in range(40) for label in (0, 1)]
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_blocks_are_compared(reviews: Path) -> None:
    printed = run(reviews, "--steps", 8, "--seeds", 1, example="modern_block")
    assert printed.startswith("80 sentences to train on, 80 to test on; the larger class: 50.0%\n")
    rows = table(printed)
    assert list(rows) == ALL_BLOCKS
    assert all(0 <= first_number(cell) <= 100 for cells in rows.values() for cell in cells[2:])
    assert rows["DistilBERT's"][1] == "1.00 ×"


def test_attention_on_long_texts_is_compared(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("The quick brown fox jumps over the lazy dog. " * 100, encoding="utf-8")
    printed = run(tmp_path / "text.txt", "--steps", 8, "--seeds", 1, "--length", 400, example="local_global")
    assert printed.startswith("4,050 bytes to train on, 450 to test on;")
    rows = table(printed)
    assert list(rows) == ["global", "local, local, global", "local"]
    assert len({cells[0] for cells in rows.values()}) == 1  # what a layer looks at is no parameter
    memory = [first_number(cells[2]) for cells in rows.values()]
    assert memory == sorted(memory, reverse=True)


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """2,400 noisy pictures in the form of Fashion-MNIST, each kind with a bar of its own."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 10, 2400).astype(np.uint8)
    pixels = np.zeros((2400, 28, 28), np.uint8)
    for row, kind in enumerate(kinds):
        pixels[row, 2 * kind + 2 : 2 * kind + 6] = rng.integers(20, 255)
    for name, header, values in (("images-idx3", 16, pixels), ("labels-idx1", 8, kinds)):
        (tmp_path / f"t10k-{name}-ubyte.gz").write_bytes(gzip.compress(bytes(header) + values.tobytes()))
    return tmp_path


def test_two_towers_are_trained_and_open_again(clothes: Path) -> None:
    printed = run(clothes, "--steps", 8, "--seeds", 1, "--out", clothes / "out", example="two_tower")
    assert re.match(r"\d+ pictures to train on, 2,000 to test on\n", printed)
    rows = table(printed)
    assert list(rows) == ["a class for each caption", "kind and shade as labels", "two towers"]
    assert all(0 <= first_number(cell) <= 100 for cells in rows.values() for cell in cells[2:])
    assert printed.endswith("the same scores\n")


@pytest.mark.slow
def test_every_block_learns_to_tell_good_reviews() -> None:
    printed = run(data_path("text/sst2/train.tsv").parent, "--seeds", 1, example="modern_block")
    most = float(re.search(r"the larger class: (\d+\.\d)%", printed)[1])
    rows = table(printed)
    assert list(rows) == ALL_BLOCKS
    assert all(first_number(cells[3]) > most + 10 for cells in rows.values()), printed


@pytest.mark.slow
def test_windows_and_a_global_layer_guess_as_well() -> None:
    texts = [data_path(f"text/{name}") for name in ("ewt_en/dev.txt", "ewt_en/test.txt", "wiki_en/wiki_00")]
    printed = run(*texts, "--seeds", 1, example="local_global")
    alone = float(re.search(r"from frequencies alone: (\d+\.\d+) bits", printed)[1])
    rows = table(printed)
    found = {name: first_number(cells[3]) for name, cells in rows.items()}
    assert max(found.values()) < alone - 0.5, printed
    assert found["local, local, global"] < found["global"] + 0.2, printed
    assert first_number(rows["local, local, global"][2]) < first_number(rows["global"][2])


@pytest.mark.slow
def test_two_towers_know_captions_that_they_never_saw(tmp_path: Path) -> None:
    folder = data_path("images/fashion_mnist/t10k-images-idx3-ubyte.gz").parent
    printed = run(folder, "--seeds", 1, "--out", tmp_path / "out", example="two_tower")
    rows = {name: [first_number(cell) for cell in cells[2:]] for name, cells in table(printed).items()}
    plain, towers = rows["a class for each caption"], rows["two towers"]
    chance = 100 / 30
    assert plain[2] < chance < towers[2] / 3, printed  # captions that training left out
    assert min(plain[1], towers[1]) > 60, printed  # the others
    assert towers[4] > plain[4] + 20, printed  # the ten pictures that fit a caption best
    assert printed.endswith("the same scores\n")
