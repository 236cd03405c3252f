"""More and fewer positions and tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import dovela
from dovela import ConfigError, EncoderConfig, InputError
from dovela.tables import sinusoids
from dovela.torch import resize_positions, resize_vocabulary
from surgeries import check_surgery, outputs_of, snapshot

IDS = torch.arange(1, 25).view(2, 12)
TABLE = "embeddings.positions.weight"


@pytest.mark.parametrize("name", ["BertModel", "DistilBertForQuestionAnswering"])
@pytest.mark.parametrize("how", [None, "repeat", "interpolate", "fresh"])
@pytest.mark.parametrize("size", [90, 12])
def test_positions(name: str, how: str | None, size: int, small: Any, tmp_path: Path) -> None:
    model = small(name)
    before = snapshot(model)
    new, report = resize_positions(model, size, how)
    check_surgery(model, before, new, report, tmp_path)
    assert report.changed == {"max_position_embeddings": (40, size)}
    table = TABLE if name == "BertModel" else f"backbone.{TABLE}"
    old, rows = before[0][table], new.state_dict()[table]
    assert rows.shape == (size, 48)
    if how == "interpolate":
        assert torch.equal(rows[[0, -1]], old[[0, -1]])
        place = torch.linspace(0, 39, size, dtype=torch.float64)
        low, share = place.long().clamp(max=38), (place - place.long().clamp(max=38))[:, None]
        assert torch.allclose(rows.double(), old[low] * (1 - share) + old[low + 1] * share, atol=1e-6)
        assert report.interpolated == {table: f"40 rows stretched to {size}, linearly"}
        return
    assert torch.equal(rows[:40], old[:size])
    assert torch.equal(new(IDS)[0], model(IDS)[0])
    if size == 12:
        assert report.cut == {table: "rows 12 to 39"}
    elif how == "fresh":
        assert report.fresh == {table: "rows 40 to 89"}
        assert 0.01 < rows[40:].std() < 0.03
    else:
        assert torch.equal(rows, old.repeat(3, 1)[:90])
        assert report.interpolated == {table: "rows 40 to 89 repeat those from 0 on"}
    outputs = outputs_of(new, name) if size == 90 else new(IDS)
    assert outputs is not None


def test_sinusoids_are_computed_for_any_length(small: Any, tmp_path: Path) -> None:
    model = small("DistilBertModel", sinusoidal_pos_embds=True)
    new, report = resize_positions(model, 50)
    check_surgery(model, snapshot(model), new, report, tmp_path)
    assert torch.equal(new.embeddings.positions.weight, torch.from_numpy(sinusoids(50, 48)).float())
    assert not new.embeddings.positions.weight.requires_grad
    assert report.fresh == {TABLE: "rows 40 to 49, computed"}
    assert resize_positions(model, 39)[1].cut == {TABLE: "row 39"}
    with pytest.raises(
        InputError, match=r"how='fresh' is for learned positions, and embeddings.positions are computed"
    ):
        resize_positions(model, 50, "fresh")


def test_positions_that_cannot_be_resized(small: Any) -> None:
    model = small("BertModel")
    for size in (0, -1, True, "3", 2.5, None):
        with pytest.raises(ConfigError, match=r"BertConfig.max_position_embeddings: .* is not"):
            resize_positions(model, size)
    with pytest.raises(InputError, match=r"how='interpolat' is none of .*; did you mean 'interpolate'\?"):
        resize_positions(model, 50, "interpolat")
    with pytest.raises(InputError, match=r"ViTModel has no table of text positions. resize_images changes"):
        resize_positions(small("ViTModel"), 50)
    with pytest.raises(InputError, match=r"Wav2Vec2Model has no table of text positions"):
        resize_positions(small("Wav2Vec2Model"), 50)
    rotary = EncoderConfig(hidden_size=16, num_attention_heads=2, num_hidden_layers=1, positions="rotary")
    with pytest.raises(
        InputError, match=r"positions are 'rotary' here, which is no table: nothing to resize. Sequences"
    ):
        resize_positions(dovela.EncoderModel(rotary), 50)
    same, report = resize_positions(model, 40)
    assert report.kept.keys() == same.state_dict().keys()


@pytest.mark.parametrize("name", ["BertModel", "BertForPreTraining", "DistilBertForMaskedLM"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_vocabulary(name: str, tied: bool, small: Any, tmp_path: Path) -> None:
    model = small(name, tie_word_embeddings=tied)
    before = snapshot(model)
    new, report = resize_vocabulary(model, 80)
    check_surgery(model, before, new, report, tmp_path)
    assert set(report.fresh.values()) == {"rows 61 to 79"}
    assert report.changed == {"vocab_size": (61, 80)}
    assert report.title == f"{name}: 61 tokens → 80"
    for row in report.fresh:
        assert torch.equal(new.state_dict()[row][:61], before[0][row])
    output = new.get_output_embeddings()
    assert output is None or (output.weight is new.get_input_embeddings().weight) is tied
    shorter, report = resize_vocabulary(model, 30)
    assert set(report.cut.values()) == {"rows 30 to 60"}
    assert shorter.config.vocab_size == 30
    mean, report = resize_vocabulary(model, 61, new="mean", pad_to_multiple_of=8)
    for row, how in report.merged.items():
        assert how == "rows 61 to 63 are the mean of the others"
        assert torch.allclose(
            mean.state_dict()[row][61:], before[0][row].mean(0).expand_as(mean.state_dict()[row][61:])
        )


def test_a_vocabulary_that_cannot_be_resized(small: Any) -> None:
    model = small("BertForMaskedLM", pad_token_id=40)
    model(IDS).logits.sum().backward()
    new, _ = resize_vocabulary(model, 80)
    assert all(p.grad is None for p in new.parameters())
    assert model.get_input_embeddings().weight.grad is not None
    with pytest.raises(InputError, match="expected a number of tokens of at least 1, got 0"):
        resize_vocabulary(model, 0)
    with pytest.raises(ConfigError, match="pad_token_id"):
        resize_vocabulary(model, 20)
    with pytest.raises(InputError, match=r"new='meen' is none of 'drawn', 'mean'; did you mean 'mean'\?"):
        resize_vocabulary(model, 80, new="meen")
    assert model.config.vocab_size == 61
