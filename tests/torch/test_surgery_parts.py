"""Other parts with the old weights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import dovela
from architectures import MODELS, inputs_for
from dovela import ConfigError, EncoderConfig, InputError, RegistryError
from dovela.config import CONFIGS
from dovela.tables import sinusoids
from dovela.torch import (
    AddedPositions,
    Attention,
    SequenceClassification,
    change_parts,
    register_attention,
    register_positions,
)
from surgeries import check_surgery, outputs_of, snapshot

IDS = torch.arange(1, 25).view(2, 12)
TINY = {"vocab_size": 40, "hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "num_hidden_layers": 2}
WITHOUT = ["BertForPreTraining", "BertForNextSentencePrediction", "Wav2Vec2ForPreTraining"]  # tasks of presets alone


def equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return all(torch.equal(b[name], value) for name, value in a.items() if isinstance(value, torch.Tensor))


@pytest.mark.parametrize("name", [name for name in MODELS if name not in WITHOUT])
def test_a_preset_is_its_open_type_with_the_same_parts(name: str, small: Any, tmp_path: Path) -> None:
    model = small(name, **({"do_stable_layer_norm": True} if name == "Wav2Vec2ForCTC" else {}))
    before = snapshot(model)
    new, report = change_parts(model, window=5)
    check_surgery(model, before, new, report, tmp_path)
    assert not report.fresh
    assert report.changed["window"][1] == 5
    kind, head = re.match(r"(DistilBert|Bert|ViT|Wav2Vec2)(.*)", name).groups()  # type: ignore[union-attr]
    opened = {"ViT": "ImageEncoder", "Wav2Vec2": "AudioEncoder"}.get(kind, "Encoder") + head
    assert type(new) is getattr(dovela, opened)
    assert report.title == f"{name} → {opened}: other window"
    assert not report.cut
    assert equal(outputs_of(model, name), outputs_of(new, name))


@pytest.mark.parametrize("name", WITHOUT)
def test_a_task_of_the_preset_alone(name: str, small: Any) -> None:
    with pytest.raises(RegistryError, match=r"it has no model for the task .* Change the parts of model.base_model"):
        change_parts(small(name), attention="window")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("BertForMaskedLM", {"attention": ["window", "full"], "window": 4, "positions": "rotary", "norm": "rms"}),
        ("BertForSequenceClassification", {"attention": "causal", "pooler": "mean", "norm_order": "pre"}),
        (
            "DistilBertForTokenClassification",
            {"positions": "alibi", "feed_forward": "swiglu", "norm_order": "parallel"},
        ),
        ("ViTForImageClassification", {"positions": "rotary", "pooler": "attention", "feed_forward": "geglu"}),
        ("Wav2Vec2ForCTC", {"positions": "learned", "attention": "window"}),
        ("Wav2Vec2ForSequenceClassification", {"pooler": "attention", "attention": "linear"}),
    ],
)
def test_other_parts_report_save_and_train(name: str, parts: dict[str, Any], small: Any, tmp_path: Path) -> None:
    model = small(name)
    before = snapshot(model)
    new, report = change_parts(model, **parts)
    check_surgery(model, before, new, report, tmp_path)
    assert {word: new for word, (_, new) in report.changed.items() if word in parts} == parts
    assert new.config.id2label == model.config.id2label
    outputs_of(new, name)
    inputs = {key: torch.from_numpy(value) for key, value in inputs_for(name).items()}
    new.train()(**inputs).loss.backward()
    assert all(p.grad is None for p in model.parameters())


def test_what_parts_lack_is_cut_and_what_they_add_is_fresh(small: Any) -> None:
    new, report = change_parts(small("BertModel"), positions="none", norm="rms", feed_forward="glu", norm_order="pre")
    norms = {n for n in small("BertModel").state_dict() if "norm" in n and n.endswith("bias")}
    assert report.cut.keys() == {"embeddings.positions.weight"} | norms
    gates = {f"layers.{i}.mlp.gate_proj.{kind}" for i in range(3) for kind in ("weight", "bias")}
    assert report.fresh.keys() == gates | {"norm.weight"}
    assert torch.equal(new.norm.weight, torch.ones(48))


def test_positions_of_one_scheme_are_never_taken_for_anothers(small: Any) -> None:
    model = small("BertModel")
    new, report = change_parts(model, positions="sinusoidal")
    assert torch.equal(new.embeddings.positions.weight, torch.from_numpy(sinusoids(40, 48)).float())
    assert not new.embeddings.positions.weight.requires_grad
    assert report.cut.keys() == report.fresh.keys() == {"embeddings.positions.weight"}
    back, report = change_parts(new, positions="learned")  # a table to begin with
    assert torch.equal(back.embeddings.positions.weight, new.embeddings.positions.weight)
    assert back.embeddings.positions.weight.requires_grad
    assert type(back) is type(new)

    @register_positions("doubled-in-surgery-tests")
    class Doubled(AddedPositions):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(config.max_position_embeddings, config.hidden_size))

        def added(self, x: Any, position_ids: Any) -> Any:
            return self.weight[: x.shape[1]]

    new, report = change_parts(model, positions="doubled-in-surgery-tests")
    assert not new.embeddings.positions.weight.any()


def test_shared_heads_are_means(small: Any, tmp_path: Path) -> None:
    """Ainslie et al. 2023: and heads that were alike give what they gave."""
    model = small("BertModel")
    with torch.no_grad():
        for block in model.layers:
            for proj in (block.attention.k_proj, block.attention.v_proj):
                proj.bias.normal_()
    new, report = change_parts(model, attention="grouped-query", num_key_value_heads=2)
    check_surgery(model, snapshot(model), new, report, tmp_path)
    old = model.layers[1].attention.k_proj
    expected = torch.stack([(old.weight[i : i + 12] + old.weight[i + 12 : i + 24]) / 2 for i in (0, 24)]).flatten(0, 1)
    assert torch.allclose(new.layers[1].attention.k_proj.weight, expected, atol=1e-7)
    assert len(report.merged) == 12
    assert set(report.merged.values()) == {"2 heads, each the mean of 2"}
    bare, report = change_parts(model, num_key_value_heads=2, qkv_bias=False)
    check_surgery(model, snapshot(model), bare, report, tmp_path / "bare")
    again, report = change_parts(new, attention="full", num_key_value_heads=4)
    assert torch.allclose(again(IDS)[0], new(IDS)[0], atol=1e-6)
    assert set(report.interpolated.values()) == {"each of 2 heads 2 times"}
    three = dovela.EncoderModel(
        EncoderConfig(**{**TINY, "hidden_size": 24, "num_attention_heads": 6}, num_key_value_heads=3)
    )
    two, report = change_parts(three, num_key_value_heads=2)
    a, b, c = three.layers[0].attention.v_proj.weight.view(3, 4, 24)
    assert torch.allclose(
        two.layers[0].attention.v_proj.weight.view(2, 4, 24), torch.stack([(2 * a + b) / 3, (b + 2 * c) / 3]), atol=1e-7
    )
    assert set(report.merged.values()) == {"2 heads, 3 spread evenly"}


def test_experts_begin_as_copies(small: Any, tmp_path: Path) -> None:
    """Whatever the fresh router says, the experts agree (Komatsuzaki et al. 2022)."""
    model = small("BertModel")
    new, report = change_parts(model, feed_forward="moe", num_experts=3)
    check_surgery(model, snapshot(model), new, report, tmp_path)
    assert report.fresh.keys() == {f"layers.{i}.mlp.router.weight" for i in range(3)}
    assert report.kept["layers.1.mlp.experts.2.up_proj.weight"] == "layers.1.mlp.up_proj.weight"
    assert torch.allclose(new(IDS)[0], model(IDS)[0], atol=1e-5)
    _, report = change_parts(new, feed_forward="mlp")
    assert "layers.0.mlp.up_proj.weight" in report.fresh
    assert "layers.0.mlp.experts.0.up_proj.weight" in report.cut


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "expected parts to change, got none"),
        (
            {"atention": "window"},
            "'atention' is no part; did you mean 'attention'? BertModel can have other: activation",
        ),
        ({"vocab_size": 3}, "'vocab_size' is no part; resize_vocabulary changes it"),
        ({"num_hidden_layers": 3, "hidden_size": 3}, "2 problems"),
    ],
)
def test_what_is_no_part(parts: dict[str, Any], message: str, small: Any) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        change_parts(small("BertModel"), **parts)


def test_parts_that_do_not_fit(small: Any) -> None:
    model = small("BertModel")
    with pytest.raises(ConfigError, match=r"EncoderConfig.attention: 'widow' is not .* did you mean 'window'"):
        change_parts(model, attention="widow")
    with pytest.raises(ConfigError, match="attention 'linear' never has them"):
        change_parts(model, attention="linear", positions="rotary")


class HalfConfig(dovela.PretrainedConfig, model_type="half-open-in-tests"):
    hidden_size: int = 4


class HalfModel(dovela.PreTrainedModel, config=HalfConfig):
    def forward(self, x: Any) -> Any:
        return x


class OpenConfig(EncoderConfig, model_type="open-in-tests"):
    near: int = 3


class OpenModel(dovela.torch.TextEncoder, config=OpenConfig): ...


def test_classes_of_ones_own(small: Any, tmp_path: Path) -> None:
    model = OpenModel(OpenConfig(**TINY))
    new, report = change_parts(model, attention="window", near=4)
    assert type(new) is OpenModel
    assert (new.config.near, new.config.attention) == (4, "window")
    check_surgery(model, snapshot(model), new, report, tmp_path)

    class Own(SequenceClassification, backbone=dovela.BertModel, task="own-in-parts-tests"):
        pass

    class Derived(dovela.BertForSequenceClassification):
        pass

    for cls in (Own, Derived):
        own = cls(small("BertModel").config.replace())
        with pytest.raises(
            InputError, match=f"{cls.__name__} is a class of your own, which cannot be built from another"
        ):
            change_parts(own, attention="window")
        relu, _ = change_parts(own, activation="relu")  # which its own configuration has
        assert type(relu) is cls
    with pytest.raises(InputError, match=r"HalfModel can have other: none. Derive HalfConfig from EncoderConfig"):
        change_parts(HalfModel(HalfConfig()), attention="window")


class SteppedConfig(EncoderConfig, model_type="stepped-in-tests"):
    step: int = 4


def test_a_part_of_ones_own_with_a_setting_of_its_own(small: Any, tmp_path: Path) -> None:
    @register_attention("stepped-in-tests")
    class Stepped(Attention):
        def allow(self, q_pos: torch.Tensor, k_pos: torch.Tensor) -> torch.Tensor:
            return (q_pos - k_pos) % self.config.step == 0

    CONFIGS.register("stepped-in-tests", SteppedConfig)
    model = small("BertForSequenceClassification")
    new, report = change_parts(model, config=SteppedConfig, attention="stepped-in-tests", step=3)
    assert not report.cut
    assert not report.fresh
    assert (type(new.config), new.config.step) == (SteppedConfig, 3)
    new.save_pretrained(tmp_path)
    again = dovela.AutoModelForSequenceClassification.from_pretrained(tmp_path)  # no class of its own is needed
    assert torch.equal(again(IDS).logits, new(IDS).logits)
    assert again(IDS, output_attentions=True).attentions[0][0, 0, 0].nonzero().flatten().tolist() == [0, 3, 6, 9]
    lacking, _ = change_parts(model, attention="stepped-in-tests")
    with pytest.raises(AttributeError, match="EncoderConfig has no field 'step'; whoever reads it needs"):
        lacking(IDS)
    with pytest.raises(InputError, match=r"expected a class derived from EncoderConfig, got 'BertConfig'"):
        change_parts(model, config=dovela.BertConfig)
