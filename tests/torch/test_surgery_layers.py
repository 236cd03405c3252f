"""Fewer and more layers out of a model, in any order."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import dovela
from architectures import MODELS
from dovela import EncoderConfig, InputError
from dovela.torch import Encoder, Layers, Padded, WindowAttention, keep_layers
from surgeries import check_surgery, outputs_of, snapshot

IDS = torch.arange(1, 25).view(2, 12)
TINY = {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}


@pytest.mark.parametrize("name", MODELS)
def test_layers_in_any_order_and_number(name: str, small: Any, tmp_path: Path) -> None:
    model = small(name)
    before = snapshot(model)
    new, report = keep_layers(model, [2, 0, 0, -2])
    check_surgery(model, before, new, report, tmp_path)
    assert type(new) is type(model)
    assert new.config.num_hidden_layers == 4
    assert report.changed == {model.config.aliases().get("num_hidden_layers", "num_hidden_layers"): (3, 4)}
    front = "" if name.endswith("Model") else "backbone."
    there = "attention.q_proj.weight"
    assert report.kept[f"{front}layers.3.{there}"] == f"{front}layers.1.{there}"
    assert not report.cut
    assert not report.fresh
    outputs_of(new, name)
    same, _ = keep_layers(model, range(3))
    expected, got = outputs_of(model, name), outputs_of(same, name)
    assert all(torch.equal(got[k], v) for k, v in expected.items() if isinstance(v, torch.Tensor))


def test_every_second_layer_as_distilbert_began(small: Any, tmp_path: Path) -> None:
    """The blocks that stay, run by hand."""
    model = small("BertModel", num_hidden_layers=12)
    before = snapshot(model)
    new, report = keep_layers(model, range(0, 12, 2))
    check_surgery(model, before, new, report, tmp_path)
    x = model.embeddings(IDS)
    for layer in (0, 2, 4, 6, 8, 10):
        x, _ = model.layers[layer](x, Padded(None))
    assert torch.equal(new(IDS).last_hidden_state, x)
    assert len(report.cut) == 6 * 16
    assert str(report) == (
        "BertModel: kept 6 of 12 layers (0, 2, 4, 6, 8, 10)\n"
        "  kept         103 of 199 tensors\n"
        "  cut          layers.{1, 3, 5, 7, 9, 11}\n"
        "  configured   num_hidden_layers 12 → 6"
    )
    assert repr(report) == str(report)


def test_a_layer_that_is_there_twice_has_two_copies(small: Any) -> None:
    new, _ = keep_layers(small("BertModel"), [1, 1])
    first, second = (block.mlp.up_proj.weight for block in new.layers)
    with torch.no_grad():
        first.add_(1)
    assert not torch.equal(first, second)


def test_pruned_heads_patterns_and_shares_follow(small: Any, tmp_path: Path) -> None:
    model = small("BertModel")
    model.prune_heads({0: [1], 2: [0, 3]})
    new, report = keep_layers(model, [2, 1, 2])
    assert new.config.pruned_heads == {0: [0, 3], 2: [0, 3]}
    check_surgery(model, snapshot(model), new, report, tmp_path / "pruned")
    new(IDS)

    kinds, parts = ["window", "full", "causal"], ["mlp", "swiglu"]
    config = EncoderConfig(**TINY, num_hidden_layers=6, attention=kinds, feed_forward=parts)
    model = dovela.EncoderModel(config)
    new, report = keep_layers(model, [1, 4])
    assert (new.config.attention, new.config.feed_forward) == (["full"], ["swiglu", "mlp"])
    check_surgery(model, snapshot(model), new, report, tmp_path / "pattern")
    new, _ = keep_layers(model, [0, 1, 3, 4])
    assert (new.config.attention, new.config.feed_forward) == (["window", "full"], ["mlp", "swiglu", "swiglu"])

    model = small("Wav2Vec2ForSequenceClassification", use_weighted_layer_sum=True)
    with torch.no_grad():
        model.mixture.weight.copy_(torch.arange(4.0))
    new, report = keep_layers(model, [2, 0])
    assert new.mixture.weight.tolist() == [0, 3, 1]
    assert report.interpolated == {"mixture.weight": "the shares of the layers that are there"}
    check_surgery(model, snapshot(model), new, report, tmp_path / "mixture")


def test_how_a_model_was_set_is_kept(small: Any) -> None:
    model = small("BertForMaskedLM", attn_implementation="eager").to(torch.bfloat16).train()
    model.requires_grad_(False)
    model.masked_lm.requires_grad_(True)
    model.backbone.eval()
    model.gradient_checkpointing_enable()
    new, _ = keep_layers(model, [2, 1])
    assert {p.dtype for p in new.parameters()} == {torch.bfloat16}
    assert {n.partition(".")[0] for n, p in new.named_parameters() if not p.requires_grad} == {"backbone"}
    assert new.training
    assert not any(module.training for module in new.backbone.modules())
    assert new.is_gradient_checkpointing
    assert new.config.attn_implementation == "eager"
    assert new.config.id2label == {0: "red", 1: "green", 2: "blue"}
    assert new.masked_lm.decoder.weight is new.backbone.embeddings.tokens.weight
    assert keep_layers(dovela.BertModel(model.config.replace(), add_pooling_layer=False), [0])[0].pooler is None
    assert (
        keep_layers(dovela.ViTModel(small("ViTModel").config.replace(), use_mask_token=True), [0])[0].mask_token.any()
        == 0
    )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "expected at least one layer to keep, got none"),
        (2, "expected the numbers of the layers to keep, got 2"),
        ("01", "expected the numbers of the layers to keep, got '01'"),
        ([3], "there is no layer 3; there are 3, numbered from 0"),
        ([-4], "there is no layer -4"),
        ([True], "True is not the number of a layer"),
        ([0, "a", 1.5], "2 problems"),
    ],
)
def test_what_names_no_layers(layers: Any, message: str, small: Any) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        keep_layers(small("BertModel"), layers)
    assert "range(0, 12, 2) for every second layer" in str(caught.value)


class OwnConfig(EncoderConfig, model_type="own-in-surgery-tests"):
    pass


class OwnModel(dovela.PreTrainedModel, config=OwnConfig):
    def __init__(self, config: Any, towers: int = 1) -> None:
        super().__init__(config)
        self.towers = nn.ModuleList(Encoder(config) for _ in range(towers))

    def forward(self, input_ids: Any) -> Any:
        return self.towers[0](input_ids).last_hidden_state


def test_models_of_ones_own(tmp_path: Path) -> None:
    config = OwnConfig(**TINY, num_hidden_layers=3)
    model = OwnModel(config).eval()
    new, report = keep_layers(model, [2])
    check_surgery(model, snapshot(model), new, report, tmp_path)
    assert list(report.kept.items())[-1] == (
        "towers.0.layers.0.mlp_norm.bias",
        "towers.0.layers.2.mlp_norm.bias",
    )
    with pytest.raises(InputError, match=r"needs one stack of blocks \(dovela.torch.Layers\), and OwnModel has 2"):
        keep_layers(OwnModel(config, towers=2), [0])
    with pytest.raises(InputError, match=r"expected a model of dovela.PreTrainedModel, got Linear"):
        keep_layers(nn.Linear(2, 2), [0])
    with pytest.raises(InputError, match=r"expected a model of dovela.PreTrainedModel, got OwnModel"):
        keep_layers(OwnModel, [0])


def test_what_cannot_be_built_again_is_told(small: Any) -> None:
    model = small("BertModel")
    model.pooler.dense = nn.Sequential(nn.Linear(48, 48))
    with pytest.raises(InputError, match=r"pooler.dense is a Sequential, and its constructor makes a Linear \(1 more"):
        keep_layers(model, [0])
    model = small("BertModel")
    model.pooler.dense.weight = nn.Parameter(torch.zeros(2, 48))
    with pytest.raises(
        InputError, match=r"pooler.dense.weight is of the shape \[2, 48\], and its constructor makes of"
    ):
        keep_layers(model, [0])
    model = small("BertModel")
    model.layers[0].mlp.up_proj.weight = model.layers[1].mlp.up_proj.weight
    with pytest.raises(InputError, match=r"layers.0.mlp.up_proj.weight and layers.1.mlp.up_proj.weight are one tensor"):
        keep_layers(model, [0])
    with torch.device("meta"):
        model = small("BertModel")
    with pytest.raises(InputError, match=r"have no values \(they are on the meta device\)"):
        keep_layers(model, [0])

    class Asking(dovela.PreTrainedModel, config=OwnConfig, task="asking-in-tests"):
        def __init__(self, config: Any, width: int) -> None:
            super().__init__(config)
            self.layers = Layers(config)

    with pytest.raises(InputError, match=r"Asking cannot be built from a configuration alone: it asks for width too"):
        keep_layers(Asking(OwnConfig(**TINY, num_hidden_layers=1), 3), [0])

    class Fixed(dovela.PreTrainedModel, config=OwnConfig, task="fixed-in-tests"):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.layers = Layers(config)
            self.layers[1].attention = WindowAttention(config, 1)

    with pytest.raises(InputError, match=r"layers.1.attention would be a WindowAttention with the weights of layers.0"):
        keep_layers(Fixed(OwnConfig(**TINY, num_hidden_layers=2)), [0, 0])
