"""Models and heads of one's own: what their constructors do survives loading; what cannot come back is not saved."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

import dovela
from architectures import config_of
from dovela import CheckpointError, ConfigError, InputError, MissingWeights, ShapeMismatch
from dovela.torch import Encoder, Linear, MaskedLM, SequenceClassification

IDS = torch.arange(1, 25).view(2, 12)


def bert(**changes: Any) -> dovela.BertConfig:
    return dovela.BertConfig(**{**config_of("BertModel"), **changes})


@pytest.fixture
def base(tmp_path: Path) -> Path:
    dovela.BertModel(bert()).save_pretrained(tmp_path / "base")
    return tmp_path / "base"


class Scaled(nn.Linear):
    def __init__(self, width: int, labels: int) -> None:
        super().__init__(width, labels)
        self.gain = nn.Parameter(torch.ones(labels))
        self.register_buffer("table", torch.full((labels,), 3.0))


class ScaledHead(SequenceClassification, backbone=dovela.BertModel, task="scaled-in-tests"):
    def make_head(self, config: Any, labels: int) -> nn.Module:
        return Scaled(config.hidden_size, labels)


class PriorHead(SequenceClassification, backbone=dovela.BertModel, task="prior-in-tests"):
    def make_head(self, config: Any, labels: int) -> nn.Module:
        head = Linear(config.hidden_size, labels, std=1.0)
        nn.init.zeros_(head.weight)
        nn.init.constant_(head.bias, -2.0)
        return head


class NormedHead(SequenceClassification, backbone=dovela.BertModel, task="normed-in-tests"):
    def make_head(self, config: Any, labels: int) -> nn.Module:
        return weight_norm(Linear(config.hidden_size, labels, std=0.1))


class TwiceHead(SequenceClassification, backbone=dovela.BertModel, task="twice-in-tests"):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.other = nn.Linear(config.hidden_size, config.num_labels)
        self.other.weight = self.classifier.out.weight
        self.kernel = torch.ones(3) * 2  # a plain tensor, neither parameter nor buffer


def test_a_fresh_head_is_as_its_constructor_makes_it(base: Path) -> None:
    scaled = ScaledHead.from_pretrained(base).classifier
    assert torch.equal(scaled.gain, torch.ones(3))
    assert torch.equal(scaled.table, torch.full((3,), 3.0))
    prior = PriorHead.from_pretrained(base).classifier
    assert not prior.weight.any()
    assert (prior.bias == -2).all()
    normed = NormedHead.from_pretrained(base).classifier
    assert normed.weight.isfinite().all()
    assert not normed.bias.any()
    twice = TwiceHead.from_pretrained(base)
    assert twice.other.weight is twice.classifier.out.weight
    assert torch.equal(twice.kernel, torch.full((3,), 2.0))
    for model in (ScaledHead, PriorHead, NormedHead, TwiceHead):
        opened = model.from_pretrained(base)
        assert opened(IDS).logits.isfinite().all()
        assert torch.equal(
            opened.backbone.embeddings.tokens.weight, dovela.BertModel.from_pretrained(base).embeddings.tokens.weight
        )


@pytest.mark.parametrize("cls", [ScaledHead, PriorHead, NormedHead, TwiceHead])
def test_and_comes_back_from_its_own_checkpoint(cls: Any, tmp_path: Path) -> None:
    model = cls(bert()).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01)
    model.save_pretrained(tmp_path)
    again = cls.from_pretrained(tmp_path)
    assert torch.equal(again(IDS).logits, model(IDS).logits)


def test_a_head_that_lost_a_tensor_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    dovela.BertForMaskedLM(bert()).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["cls.predictions.transform.LayerNorm.weight"]
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(MissingWeights, match=r"masked_lm\.norm\.weight"):
        dovela.BertForMaskedLM.from_pretrained(tmp_path)


def test_a_fresh_head_has_the_dtype_of_the_checkpoint(base: Path, tmp_path: Path) -> None:
    dovela.BertModel.from_pretrained(base).to(torch.bfloat16).save_pretrained(tmp_path / "half")
    model = dovela.BertForSequenceClassification.from_pretrained(tmp_path / "half")
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert model(IDS).logits.dtype == torch.bfloat16


class CountingConfig(dovela.EncoderConfig, model_type="counting-in-tests"):
    pass


class CountingModel(dovela.PreTrainedModel, config=CountingConfig):
    """Buffers that are no floating-point numbers, shared buffers, and memory shared by two parameters."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.norm = nn.BatchNorm1d(8)
        self.register_buffer("seen", torch.tensor([True, False]))
        self.one, self.two = nn.Module(), nn.Module()
        self.one.register_buffer("shared", torch.arange(3.0))
        self.two.shared = self.one.shared
        self.left = nn.Linear(8, 8)
        self.right = nn.Linear(8, 8)
        self.right.weight = nn.Parameter(self.left.weight.data)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.right(self.left(self.norm(x)))


def test_counters_masks_and_shared_memory_come_back(tmp_path: Path) -> None:
    model = CountingModel(CountingConfig())
    model(torch.randn(4, 8))
    model.save_pretrained(tmp_path)
    again = CountingModel.from_pretrained(tmp_path)
    assert again.norm.num_batches_tracked == 1
    assert all(torch.equal(again.state_dict()[key], value) for key, value in model.state_dict().items())


class NearHead(dovela.PreTrainedModel, config=CountingConfig, task="near-head-in-tests"):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.encoder, self.head = Encoder(config), nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(input_ids).last_hidden_state[:, 0])


SMALL = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 16, "vocab_size": 40}


def test_a_model_without_a_backbone_can_have_a_new_head(tmp_path: Path) -> None:
    model = NearHead(CountingConfig(**SMALL))
    model.save_pretrained(tmp_path)
    with pytest.raises(ShapeMismatch, match="new_head=True"):
        NearHead.from_pretrained(tmp_path, num_labels=5)
    again, report = NearHead.from_pretrained(tmp_path, num_labels=5, new_head=True, output_loading_info=True)
    assert report.fresh == ["head.weight", "head.bias"]
    assert torch.equal(again.encoder.embeddings.tokens.weight, model.encoder.embeddings.tokens.weight)


class OwnBase(dovela.PreTrainedModel, config=CountingConfig, task="own-base-in-tests"):
    """Takes its inputs in an order of its own."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)

    def forward(self, input_ids: Any, token_type_ids: Any = None, attention_mask: Any = None) -> Any:
        assert token_type_ids is None
        return self.encoder(input_ids, attention_mask)


def test_ready_made_heads_stand_on_a_backbone_of_ones_own() -> None:
    class OwnClassifier(SequenceClassification, backbone=OwnBase, task="own-classifier-in-tests"): ...

    class OwnMasked(MaskedLM, backbone=OwnBase, task="own-masked-in-tests"): ...

    config, mask = CountingConfig(**SMALL), torch.ones_like(IDS)
    mask[1, 5:] = 0
    classifier = OwnClassifier(config).eval()
    assert classifier(IDS, mask, labels=torch.tensor([0, 1])).loss.dim() == 0
    masked = OwnMasked(config).eval()
    inner = masked.backbone.encoder(IDS, mask).last_hidden_state
    assert torch.allclose(masked(IDS, mask).logits[0], masked.masked_lm(inner)[0])


def test_a_forward_that_passes_the_rest_on_takes_what_is_above_it() -> None:
    class Extra(dovela.BertForSequenceClassification):
        def forward(self, input_ids: Any, extra: Any = None, **kwargs: Any) -> Any:
            return super().forward(input_ids, **kwargs)

    model = Extra(bert())
    assert model(IDS, extra=1, labels=torch.tensor([0, 1])).loss is not None
    with pytest.raises(InputError, match="there is no input 'label'; did you mean 'labels'"):
        model(IDS, label=1)


def test_labels_are_given_by_name_and_never_taken_for_token_types() -> None:
    model = dovela.BertForTokenClassification(bert())
    with pytest.raises(TypeError, match="positional"):
        model(IDS, torch.ones_like(IDS), torch.zeros_like(IDS))


def test_transposed_labels_are_refused() -> None:
    model = dovela.BertForTokenClassification(bert())
    with pytest.raises(InputError, match=r"labels: expected the shape \[2, 12\], got \[12, 2\]"):
        model(IDS, labels=torch.zeros(12, 2, dtype=torch.long))


@pytest.mark.parametrize("bad", [[1, 2], torch.tensor([1.0, 2.0]), torch.tensor([1, 2, 3])])
def test_positions_of_answers_are_checked(bad: Any) -> None:
    model = dovela.BertForQuestionAnswering(bert())
    with pytest.raises(InputError, match="start_positions: expected"):
        model(IDS, start_positions=bad, end_positions=torch.tensor([1, 2]))


def test_a_subclass_is_opened_as_what_it_stands_on_with_a_notice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Variant(dovela.BertForSequenceClassification): ...

    Variant(bert()).save_pretrained(tmp_path)
    names = json.loads((tmp_path / "config.json").read_text())["architectures"]
    assert names == ["Variant", "BertForSequenceClassification"]
    with caplog.at_level(logging.WARNING, "dovela"):
        model = dovela.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert type(model) is dovela.BertForSequenceClassification
    assert "was saved from Variant, which is not registered" in caplog.text
    _, report = dovela.BertForTokenClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert len(report.fresh) == 2


def test_a_configuration_that_contradicts_the_weights_unseen(base: Path) -> None:
    with pytest.raises(ConfigError, match=r"num_attention_heads: is 2, and the weights of .* were trained with 4"):
        dovela.BertModel.from_pretrained(base, config=bert(num_attention_heads=2))
    with pytest.raises(ConfigError, match="were trained with 4"):
        dovela.BertModel.from_pretrained(base, num_attention_heads=2)


def test_what_would_not_come_back_is_not_saved(tmp_path: Path) -> None:
    class Clash(dovela.BertForQuestionAnswering):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.qa_outputs = nn.Linear(2, 2)

    class Prefix(dovela.BertForMaskedLM):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.bert = nn.Linear(2, 2)

    for cls in (Clash, Prefix):
        with pytest.raises(CheckpointError, match=r"another tensor's name. Give the part another name"):
            cls(bert()).save_pretrained(tmp_path / "out")
    model = dovela.BertModel(bert())
    model.save_pretrained(tmp_path / "kept")
    before = (tmp_path / "kept" / "model.safetensors").read_bytes()
    wrapped = {"module." + name: value for name, value in model.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"names are not this model's, or lack in it"):
        model.save_pretrained(tmp_path / "kept", state_dict=wrapped)
    assert (tmp_path / "kept" / "model.safetensors").read_bytes() == before
    with pytest.raises(CheckpointError, match="pickles are not written"):
        model.save_pretrained(tmp_path / "kept", safe_serialization=False)


def test_a_state_dict_is_taken_by_the_models_names_too() -> None:
    model = dovela.BertForMaskedLM(bert()).eval()
    again = dovela.BertForMaskedLM.from_pretrained(None, config=bert(), state_dict=model.state_dict())
    assert torch.equal(again(IDS).logits, model(IDS).logits)


def test_a_wrappers_prefix_is_named(tmp_path: Path) -> None:
    model = dovela.BertModel(bert())
    state = {"module." + name: value for name, value in model.state_dict().items()}
    with pytest.raises(MissingWeights, match=r"Every name begins with 'module\.'.* was it saved from a wrapper"):
        dovela.BertModel.from_pretrained(None, config=bert(), state_dict=state)


def test_a_model_class_without_a_configuration_class_says_so() -> None:
    class Bare(dovela.PreTrainedModel): ...

    with pytest.raises(ConfigError, match=r"Bare: names no configuration class. Write: class Bare\(…, config="):
        Bare(bert())


def test_a_class_of_ones_own_cannot_take_a_built_in_task() -> None:
    with pytest.raises(dovela.RegistryError, match=r"model .bert/base.: is already dovela.models.bert"):

        class Mine(dovela.PreTrainedModel, config=dovela.BertConfig): ...


def test_half_precision_rows_that_see_nothing_are_the_same_in_every_kernel() -> None:
    model = dovela.BertModel(bert(initializer_range=0.5)).eval().half()
    mask = torch.ones_like(IDS)
    mask[0] = 0
    states = []
    for kernel in ("eager", "sdpa"):
        model.set_attn_implementation(kernel)
        with torch.no_grad():
            states.append(model(IDS, attention_mask=mask).last_hidden_state)
    assert (states[0] - states[1]).abs().max() < 0.1  # rounding; it was 1.6 where scores shone through


def test_two_encoders_are_resized_together() -> None:
    class Twin(dovela.PreTrainedModel, config=CountingConfig, task="twin-in-tests"):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.left, self.right = Encoder(config), Encoder(config)

        def forward(self, input_ids: Any) -> Any:
            return self.left(input_ids).last_hidden_state + self.right(input_ids).last_hidden_state

    twin = Twin(CountingConfig(**SMALL))
    twin.resize_token_embeddings(50)
    assert twin.left.embeddings.tokens.weight.shape == twin.right.embeddings.tokens.weight.shape == (50, 16)
    with pytest.raises(InputError, match=r"needs one stack of blocks .* and there are 2"):
        twin.prune_heads({0: [0]})
