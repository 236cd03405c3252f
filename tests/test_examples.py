"""The examples run as they stand; what they reach is in the docs."""

from __future__ import annotations

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

DIGITS = Path(__file__).parents[1] / "examples" / "spoken_digits.py"


def run(*arguments: object) -> str:
    command = [sys.executable, "-W", "error", str(DIGITS), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # matrices as small as these gain nothing from more
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
