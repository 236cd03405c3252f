"""What `print(model)` shows: short, and never an error."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import dovela
from dovela import BertConfig, DistilBertConfig, EncoderConfig, PreTrainedModel
from dovela.torch import Attention, Encoder
from dovela.torch.display import MOST_LINES, WIDEST, describe

PRESETS = [
    "BertForSequenceClassification",
    "DistilBertForSequenceClassification",
    "ViTForImageClassification",
    "Wav2Vec2ForCTC",
]
TINY: dict[str, Any] = {"num_hidden_layers": 6, "hidden_size": 24, "num_attention_heads": 4, "intermediate_size": 20}


def on_meta(name: str) -> PreTrainedModel:
    with torch.device("meta"):
        cls = getattr(dovela, name)
        return cls(cls.config_class())


def test_the_whole_of_a_model() -> None:
    model = on_meta("DistilBertForSequenceClassification").eval()
    model.backbone.requires_grad_(False)
    assert repr(model) == describe(model)
    assert repr(model).splitlines() == [
        "DistilBertForSequenceClassification: 67 M parameters (592 k trainable), 268 MB, float32 on meta, eval",
        "  backbone: DistilBertModel, 66.4 M",
        "    embeddings, 23.8 M: tokens 30522 x 768, positions 512 x 768, LayerNorm",
        "    layers: 6 x PostNormBlock, 42.5 M",
        "      Attention (12 heads of 64), LayerNorm, MLP (768 -> 3072, gelu)",
        "  classifier, 592 k: hidden 768 -> 768, out 768 -> 2",
    ]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_short_and_narrow(name: str) -> None:
    lines = repr(on_meta(name)).splitlines()
    assert len(lines) <= 15
    assert max(map(len, lines)) <= 100


def test_layers_that_are_alike_are_told_together() -> None:
    config = EncoderConfig(**TINY, attention=["window", "window", "full"], window=7, num_key_value_heads=2)
    lines = describe(Encoder(config)).splitlines()
    start = next(i for i, line in enumerate(lines) if "layers: 6 of 2 kinds" in line)
    told = [line.strip() for line in lines[start + 1 : start + 5]]
    assert told[0].startswith("0-1, 3-4: PostNormBlock")
    assert told[1].startswith("WindowAttention (4 heads of 6, 2 of keys and values, window 7), LayerNorm")
    assert told[2].startswith("MLP (24 -> 20, gelu)")
    assert told[3].startswith("2, 5: PostNormBlock")


def test_pruned_layers_are_told_apart() -> None:
    model = dovela.BertModel(BertConfig(**TINY, vocab_size=30))
    model.prune_heads({1: [0, 2]})
    assert "0, 2-5: PostNormBlock" in repr(model)
    assert "Attention (2 heads of 6)" in repr(model)


class Stacked(PreTrainedModel, config=EncoderConfig, task="displayed"):
    """One's own, with a part of one's own and a parameter."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config)
        self.encoder, self.odd = Encoder(config), Odd(nn.Linear(3, 4))
        self.scale = nn.Parameter(torch.ones(()))


class Odd(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.same = inner, inner


class Cyclic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.layer.owner = self


class Mixed(nn.Module):
    """Two parts of one class, a chain of matrices, and a norm."""

    def __init__(self, other: int) -> None:
        super().__init__()
        self.rows, self.columns = Odd(nn.Linear(3, 4)), Odd(nn.Linear(3, other))
        self.chain = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16))


class Reaching(Attention):
    """A class whose name says nothing of its reach."""

    @property
    def reach(self) -> int:
        return 5


class Untellable(nn.Module):
    def extra_repr(self) -> str:
        raise ValueError("no")


class HalfBuilt(nn.Module):
    def __init__(self) -> None:
        self.told = describe(self)


def test_parts_of_ones_own_go_by_their_names() -> None:
    told = repr(Stacked(EncoderConfig(**TINY, vocab_size=30)))
    assert "odd: Odd, 16: inner 3 -> 4" in told
    assert "  scale 1 number" in told


def test_parts_of_one_class_go_by_their_names_where_they_differ() -> None:
    told = describe(nn.ModuleDict({"mix": Mixed(5), "same": Mixed(4), "norm": nn.LayerNorm(32)})).splitlines()
    assert told[1:5] == [
        "  mix: Mixed, 1.11 k",
        "    rows: Odd (inner 3 -> 4), columns: Odd (inner 3 -> 5), Sequential (16 -> 32 -> 16)",
        "  same: Mixed, 1.1 k: 2 x Odd (inner 3 -> 4), Sequential (16 -> 32 -> 16)",
        "  norm: LayerNorm(32), 64",
    ]


def test_what_is_shared_is_said() -> None:
    model = nn.ModuleDict({"tokens": nn.Embedding(9, 4), "out": nn.Linear(4, 9, bias=False)})
    assert "shared" not in describe(model)
    model["out"].weight = model["tokens"].weight
    assert describe(model).splitlines()[-1] == "  shared: tokens.weight = out.weight"
    assert describe(Odd(nn.Linear(3, 4))).splitlines()[-1] == "  shared: inner = same"


def test_a_window_is_read_from_what_attention_says() -> None:
    told = Reaching(EncoderConfig(**TINY))
    assert "4 heads of 6, window 5" in describe(nn.ModuleDict({"near": nn.ModuleList([told])}))


@pytest.mark.parametrize(
    "model",
    [
        nn.Identity(),
        Odd(nn.LazyLinear(3)),
        Odd(Odd(nn.Linear(2, 2))),
        Cyclic(),
        nn.ModuleList([Untellable(), Untellable()]),
        nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)}),
        nn.Sequential(),
        nn.Sequential(*(nn.Linear(i, i) for i in range(1, 60))),
        nn.TransformerEncoderLayer(8, 2),
        nn.Conv1d(3, 3, 2).to("meta", torch.bfloat16),
        nn.BatchNorm1d(3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_odd_models(model: nn.Module) -> None:
    lines = describe(model).splitlines()
    assert lines[0].startswith(f"{type(model).__name__}: ")
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= WIDEST


def test_a_model_that_is_half_built() -> None:
    assert HalfBuilt().told == "HalfBuilt"


def test_how_much_is_not_shown() -> None:
    told = describe(nn.Sequential(*(nn.Linear(i, i) for i in range(1, 60)))).splitlines()
    assert told[-1] == "  … and 41 more lines"


def test_a_model_within_another_is_told_within_it() -> None:
    model = dovela.DistilBertModel(DistilBertConfig(n_layers=1, dim=12, n_heads=2, vocab_size=30))
    assert "inner: DistilBertModel" in describe(Odd(model))
    assert "in_features=12" in nn.Module.__repr__(model)
