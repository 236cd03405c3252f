"""Every combination of parts that makes sense is a model: it runs, learns, ignores padding, is saved and opened again.

In the quick tests every two choices that go together meet somewhere; the slow ones go through the whole product. There
poolers, which read the last states and are read by nothing, all stand on the same encoder.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest
import torch

import dovela
from combinations import CHOICES, POOLERS, Words, pairwise, product, senseless
from dovela import AutoModel
from dovela.torch.poolers import make_pooler, pool
from parts import config_for, inputs_for, near, real_places

MODELS = {"text": "EncoderModel", "images": "ImageEncoderModel", "sound": "AudioEncoderModel"}
SMALL = {"window": 3, "num_experts": 3, "attn_implementation": "sdpa"}


def check(reads: str, words: Words, folder: Path) -> Any:
    """Builds, runs, ignores padding, has gradients everywhere, comes back bit-equal; returns model, states and mask."""
    torch.manual_seed(0)
    config = config_for(reads, **words, **SMALL)
    model = getattr(dovela, MODELS[reads])(config).eval()
    inputs = inputs_for(reads)
    real, main = real_places(model, inputs), model.main_input_name
    output = model(**inputs)
    states = output.last_hidden_state
    assert states.shape == (*real.shape, 16), words
    assert states.isfinite().all(), words
    mask = inputs.get("attention_mask", torch.ones(len(real), 12))  # nothing of an image is padding
    with torch.no_grad():
        for row in (1, 4):
            length, places = int(mask[row].sum()), int(real[row].sum())
            alone = model(**{main: inputs[main][row : row + 1, ..., :length]}).last_hidden_state
            assert near(alone[0], states[row, :places], 1e-4), words

    model.train()(**inputs).last_hidden_state[real].square().sum().backward()
    without = {name for name, p in model.named_parameters() if p.requires_grad and p.grad is None}
    assert all(name.startswith(("pooler", "mask_token")) for name in without), (words, without)
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None), words

    model.eval().save_pretrained(folder)
    again = AutoModel.from_pretrained(folder)
    assert again.config == config, words
    with torch.no_grad():
        assert torch.equal(again(**inputs).last_hidden_state, model(**inputs).last_hidden_state), words
    return model, states.detach(), real


def check_poolers(config: Any, reads: str, words: Words, states: torch.Tensor, real: torch.Tensor) -> int:
    """Every pooler that goes with these words, on the states; how many there are."""
    fitting = [name for name in POOLERS if not senseless(reads, {**words, "pooler": name})]
    for name in fitting:
        pooler = make_pooler(config.replace(pooler=name))
        x = states.clone().requires_grad_()
        vector = pool(pooler, x, real)
        vector.sum().backward()
        assert vector.shape == (len(x), 16), (words, name)
        assert x.grad is not None, (words, name)
        assert name in ("first", "dense") or not x.grad[~real].any(), (words, name)
    return len(fitting)


@pytest.fixture
def _unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk is most of the time that saving a tiny model takes."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.mark.usefixtures("_unsynced")
@pytest.mark.parametrize("reads", ["text", "images", "sound"])
def test_every_two_choices_that_go_together(reads: str, tmp_path: Path) -> None:
    rows = pairwise(reads)
    allowed = [words for words in product() if not senseless(reads, words)]
    for a, b in itertools.combinations(CHOICES, 2):
        assert {f"{w[a]} {w[b]}" for w in rows} == {f"{w[a]} {w[b]}" for w in allowed}
    for number, words in enumerate(rows):
        check(reads, words, tmp_path / str(number))


FEWER: dict[str, Any] = {"feed_forward": ["swiglu", ["mlp", "moe"]], "num_key_value_heads": [None, 2]}
LESS: dict[str, dict[str, Any]] = {"text": {}, "images": FEWER, "sound": FEWER}


@pytest.mark.slow
@pytest.mark.usefixtures("_unsynced")
@pytest.mark.parametrize("attention", CHOICES["attention"], ids=str)
@pytest.mark.parametrize("reads", ["text", "images", "sound"])
def test_all_combinations(reads: str, attention: Any, tmp_path: Path) -> None:
    """All that go together for texts; for images and sound, on the same layers, with fewer feed-forwards and heads."""
    less = {**LESS[reads], "attention": [attention]}
    expected = sum(not senseless(reads, words) for words in product(**less))
    found = 0
    for number, words in enumerate(product(**less, pooler=[None])):
        if not senseless(reads, words):
            model, states, real = check(reads, words, tmp_path / str(number % 8))
            found += check_poolers(model.config, reads, words, states, real)
    assert found == expected


@pytest.mark.parametrize(("reads", "count"), [("text", 26496), ("images", 2016), ("sound", 7032)])
def test_how_many_there_are(reads: str, count: int) -> None:
    assert sum(not senseless(reads, words) for words in product(**LESS[reads])) == count
