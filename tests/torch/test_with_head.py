"""Another head on a model that is there: what is shared, what is fresh, and what it refuses."""

from __future__ import annotations

import copy
import io
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import dovela
from architectures import config_of
from dovela import ConfigError, InputError, RegistryError
from dovela.torch import (
    Classification,
    Encoder,
    HeadedModel,
    MaskedLM,
    NextSentencePrediction,
    SequenceClassification,
    TextModel,
    register_head,
)

IDS = torch.arange(1, 25).view(2, 12)
SMALL = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 16, "vocab_size": 40}


class SharedConfig(dovela.EncoderConfig, model_type="shared-in-tests"):
    margin: float = 0.5
    head_fields = ("margin",)


class SharedModel(dovela.PreTrainedModel, config=SharedConfig):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)

    def forward(self, input_ids: Any, attention_mask: Any = None, output_attentions: Any = None) -> Any:
        return self.encoder(input_ids, attention_mask, output_attentions=output_attentions)


@register_head("ranking-in-tests")
class Ranking(TextModel):
    output_class = dovela.SequenceClassifierOutput

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.rank = nn.Linear(config.hidden_size, 1)

    def scores(self, output: Any) -> torch.Tensor:
        return self.rank(output.last_hidden_state[:, 0]) * self.config.margin


def bert(cls: Any = dovela.BertForMaskedLM, **changes: Any) -> Any:
    return cls(dovela.BertConfig(**config_of("BertModel")).replace(**{"num_labels": 2, **changes})).eval()


@pytest.mark.parametrize("task", ["sequence-classification", "token-classification", "question-answering"])
@pytest.mark.parametrize("make", [bert, lambda: SharedModel(SharedConfig(**SMALL)).eval()], ids=["bert", "own"])
def test_the_backbone_is_shared_and_the_head_fresh_and_both_come_back(make: Any, task: str, tmp_path: Path) -> None:
    model = make()
    new = model.with_head(task, num_labels=5)
    assert new.backbone is model.base_model
    assert new.config.num_labels == 5
    assert model.config.num_labels == 2
    assert not any(module.training for module in new.modules())
    new.save_pretrained(tmp_path)
    again = type(new).from_pretrained(tmp_path)
    assert type(again) is type(new)
    assert again.config.architectures == [type(new).__name__]
    for one, other in zip(again(IDS).values(), new(IDS).values(), strict=True):
        assert torch.equal(one, other)


def test_a_head_on_a_headed_model_takes_its_place_and_the_old_one_goes_on_working() -> None:
    model = bert(dovela.BertForTokenClassification, num_labels=4)
    before = model(IDS).logits
    new = model.with_head("sequence-classification")
    assert new.config.num_labels == 4
    assert torch.equal(model(IDS).logits, before)
    back = new.with_head(dovela.BertForTokenClassification, num_labels=2)
    assert back.backbone is model.backbone
    assert back(IDS).logits.shape == (2, 12, 2)
    loss = new(IDS, labels=torch.tensor([0, 1])).loss
    loss.backward()
    assert model.backbone.embeddings.tokens.weight.grad is not None  # one and the same


def test_ties_of_the_new_head_are_made_with_the_shared_tokens() -> None:
    model = bert(dovela.BertForSequenceClassification)
    new = model.with_head("masked-lm")
    assert new.get_output_embeddings().weight is model.get_input_embeddings().weight
    untied = model.with_head("masked-lm", tie_word_embeddings=False)
    assert untied.get_output_embeddings().weight is not model.get_input_embeddings().weight


def test_what_the_backbone_lacks_is_made_and_told(small: Any, caplog: pytest.LogCaptureFixture) -> None:
    model = bert()
    assert model.backbone.pooler is None
    with caplog.at_level(logging.WARNING, "dovela"):
        new = model.with_head("sequence-classification")
        images = small("ViTModel")
        masked = images.with_head("masked-image-modeling")
    assert "BertForSequenceClassification on BertModel: pooler of the backbone is new and untrained" in caplog.text
    assert "mask_token of the backbone is new" in caplog.text
    assert new.backbone is model.backbone
    assert new.backbone.pooler.dense.weight.std() > 0
    assert new(IDS).logits.shape == (2, 2)
    assert masked.backbone is images
    assert isinstance(images.mask_token, nn.Parameter)


def test_every_built_in_head_goes_on_its_own_backbone(small: Any) -> None:
    for name in ("BertModel", "DistilBertModel", "ViTModel", "Wav2Vec2Model"):
        model = small(name)
        kind = model.config.model_type + "/"
        known = {entry.removeprefix(kind): entry for entry in dovela.parts.MODELS.names() if entry.startswith(kind)}
        for task in known.keys() - {"base"}:
            if dovela.parts.MODELS.get(known[task]).__module__.startswith("dovela."):  # and not another test's
                assert model.with_head(task).backbone is model


def test_dtype_mode_and_frozen_weights_are_the_backbones() -> None:
    model = bert().to(torch.bfloat16).train()
    model.backbone.layers.eval().requires_grad_(False)
    new = model.with_head("token-classification")
    assert {p.dtype for p in new.parameters()} == {torch.bfloat16}
    assert new.training
    assert new.classifier.training
    assert not new.backbone.layers.training
    assert not any(p.requires_grad for p in new.backbone.layers.parameters())
    assert all(p.requires_grad for p in new.classifier.parameters())
    with torch.device("meta"):
        hollow = dovela.BertModel(dovela.BertConfig(**config_of("BertModel")))
    assert hollow.with_head("token-classification").classifier.out.weight.is_meta


def test_fields_of_the_backbone_act_wherever_they_are_set() -> None:
    model = bert()
    new = model.with_head("token-classification", output_hidden_states=True)
    assert model.config.output_hidden_states
    assert new(IDS).hidden_states is not None
    other = new.with_head("question-answering")
    new.config.output_attentions = True
    assert model(IDS).attentions is not None
    model.set_attn_implementation("eager")
    assert {m.config.attn_implementation for m in (model, new, other, model.backbone)} == {"eager"}
    new.config.id2label = {0: "no", 1: "yes"}
    assert model.config.id2label == {0: "LABEL_0", 1: "LABEL_1"}
    model.prune_heads({0: [0]})
    assert new.config.pruned_heads == {0: [0]}
    with pytest.raises(ConfigError, match="pad_token_id"):
        new.config.update({"pad_token_id": 7})
    assert model.config.pad_token_id == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: torch.load(_saved(m), weights_only=False)])
def test_a_copy_is_apart_from_the_original_and_in_one_piece(copied: Any) -> None:
    new = SharedModel(SharedConfig(**SMALL)).eval().with_head("token-classification")
    twin = copied(new)
    assert type(twin) is type(new)
    assert torch.equal(twin(IDS).logits, new(IDS).logits)
    twin.config.output_attentions = True
    assert twin.backbone.config.output_attentions
    assert not new.config.output_attentions
    assert new.config.replace(output_attentions=True).output_attentions
    assert not new.config.output_attentions


def _saved(model: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(model, buffer)
    buffer.seek(0)
    return buffer


def test_a_registered_head_goes_on_any_backbone_that_reads_the_same(tmp_path: Path) -> None:
    model = SharedModel(SharedConfig(**SMALL)).eval()
    new = model.with_head("ranking-in-tests", margin=2.0)
    assert type(new).__name__ == "SharedForRanking"
    assert (new.config.margin, model.config.margin) == (2.0, 0.5)
    assert new(IDS).logits.shape == (2, 1)
    new.save_pretrained(tmp_path)
    assert torch.equal(type(new).from_pretrained(tmp_path)(IDS).logits, new(IDS).logits)
    assert type(model.with_head(Ranking)) is type(new)
    for head in (Ranking, "ranking-in-tests"):
        assert type(bert().with_head(head)).__name__ == "BertForRanking"
    assert type(bert().with_head(SequenceClassification)) is dovela.BertForSequenceClassification


def test_a_derived_backbone_comes_back_as_what_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Doubled(dovela.BertModel):
        def forward(self, input_ids: Any, **inputs: Any) -> Any:
            output = super().forward(input_ids, **inputs)
            output.last_hidden_state = 2 * output.last_hidden_state
            return output

    new = bert(Doubled).with_head("token-classification")
    assert (type(new).__name__, type(new.backbone)) == ("DoubledForTokenClassification", Doubled)
    new.save_pretrained(tmp_path)
    again = type(new).from_pretrained(tmp_path)
    assert torch.equal(again(IDS).logits, new(IDS).logits)
    with caplog.at_level(logging.WARNING, "dovela"):
        dovela.AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert "was saved from DoubledForTokenClassification, which is not registered" in caplog.text


def test_a_head_class_of_ones_own_with_several_heads(tmp_path: Path) -> None:
    """Two heads on one backbone, in one class: trained together, saved and reloaded."""

    class Both(TextModel, backbone=SharedModel, task="both-in-tests"):
        output_class = dovela.SequenceClassifierOutput

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.topic = nn.Linear(config.hidden_size, config.num_labels)
            self.tone = nn.Linear(config.hidden_size, 2)

        def scores(self, output: Any) -> torch.Tensor:
            x = output.last_hidden_state[:, 0]
            return torch.cat([self.topic(x), self.tone(x)], -1)

    model = SharedModel(SharedConfig(**SMALL)).eval()
    new = model.with_head(Both, num_labels=3)
    assert new.backbone is model
    new.save_pretrained(tmp_path)
    again = Both.from_pretrained(tmp_path)
    assert again(IDS).logits.shape == (2, 5)
    assert torch.equal(again(IDS).logits, new(IDS).logits)


def test_what_cannot_be_is_refused_and_leaves_the_model_as_it_was() -> None:
    model = bert()
    with pytest.raises(
        ConfigError, match=r"with_head: 2 problems(.|\n)*hidden_act: the backbone is built with 'gelu'"
    ) as e:
        model.with_head("sequence-classification", hidden_size=96, activation="relu")
    assert "change_parts" in str(e.value)
    assert "BertConfig.head_fields" in str(e.value)
    assert model.with_head("token-classification", hidden_size=48).config.hidden_size == 48  # as it is
    with pytest.raises(ConfigError, match="there is no such field; did you mean 'num_labels'"):
        model.with_head("token-classification", num_label=3)
    with pytest.raises(RegistryError, match=r"no model for the task 'token-clasification'.*did you mean 'token-class"):
        model.with_head("token-clasification")
    with pytest.raises(InputError, match=r"the task 'base' has no head. model.base_model"):
        model.with_head("base")
    with pytest.raises(InputError, match="expected a task, as 'sequence-classification', or a head class, got 3"):
        model.with_head(3)
    with pytest.raises(InputError, match="DistilBertForMaskedLM is built from a DistilBertConfig, and this model has"):
        model.with_head(dovela.DistilBertForMaskedLM)
    with pytest.raises(InputError, match="ImageClassification passes pixel_values on, and BertModel reads input_ids"):
        model.with_head(dovela.torch.ImageClassification)
    assert model.backbone.pooler is None


def test_a_model_without_a_backbone_has_none_to_share() -> None:
    class Whole(dovela.PreTrainedModel, config=SharedConfig, task="whole-in-tests"):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.encoder, self.out = Encoder(config), nn.Linear(config.hidden_size, 2)

        def forward(self, input_ids: Any) -> Any:
            return self.out(self.encoder(input_ids).last_hidden_state)

    with pytest.raises(InputError, match=r"Whole.with_head: the model keeps none .* dovela.torch.HeadedModel"):
        Whole(SharedConfig(**SMALL)).with_head("masked-lm")
    with pytest.raises(ConfigError, match=r"with_head\(Whole\): its constructor builds no SharedModel"):
        SharedModel(SharedConfig(**SMALL)).with_head(Whole)


def test_a_head_that_needs_a_pooler_says_so_when_it_is_built() -> None:
    class Follows(NextSentencePrediction, backbone=SharedModel): ...

    class Unpooled(NextSentencePrediction, backbone=dovela.BertModel, task="unpooled-in-tests"):
        backbone_options = {"add_pooling_layer": False}

    with pytest.raises(
        ConfigError, match=r"Follows: its head reads .* SharedModel has no `pooler`. Build the backbone"
    ):
        Follows(SharedConfig(**SMALL))
    with pytest.raises(ConfigError, match=r"BertModel has no `pooler`.*add_pooling_layer=True"):
        Unpooled(dovela.BertConfig(**config_of("BertModel")))
    with pytest.raises(ConfigError, match=r"Follows: its head reads"):
        SharedModel(SharedConfig(**SMALL)).with_head(NextSentencePrediction)


def test_a_head_that_is_none_is_refused() -> None:
    with pytest.raises(RegistryError, match=r"head 'linear-in-tests': 'Linear' is no class of heads. Derive"):
        register_head("linear-in-tests")(nn.Linear)

    class Bare(Classification): ...

    with pytest.raises(ConfigError, match=r"Bare: names no configuration class. Write: class Bare\(…, backbone="):
        Bare(SharedConfig(**SMALL))
    with pytest.raises(ConfigError, match="Wrong: backbone=Linear is no model class"):

        class Wrong(HeadedModel, backbone=nn.Linear): ...


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (lambda: [nn.Linear(2, 2)], r"is a plain list that holds a module: write nn\.ModuleList"),
        (lambda: {"a": nn.Parameter(torch.ones(2))}, r"is a plain dict that holds a parameter"),
        (lambda: torch.ones(2, requires_grad=True), r"is a tensor to train that is not registered"),
    ],
)
def test_what_a_head_forgot_is_named_on_any_backbone(value: Any, told: str) -> None:
    class Forgetful(Ranking):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.thing = value()

    for model in (SharedModel(SharedConfig(**SMALL)), dovela.EncoderModel(dovela.EncoderConfig(**SMALL))):
        with pytest.raises(ConfigError, match=rf"ForForgetful\.thing {told}"):
            model.with_head(Forgetful)


def test_a_joined_head_without_a_task_says_where_to_write_it() -> None:
    class Taskless(TextModel): ...

    with pytest.raises(
        ConfigError,
        match=r'BertForTaskless: has no task.* Write @register_head\("…"\) above Taskless, or task="…" in the class',
    ):

        class BertForTaskless(Taskless, backbone=dovela.BertModel): ...


def test_a_head_without_what_it_gives_or_a_forward_says_what_to_write() -> None:
    class Unnamed(TextModel):
        def scores(self, output: Any) -> Any:
            return output.last_hidden_state[:, 0, :1]

    class Silent(HeadedModel): ...

    model = SharedModel(SharedConfig(**SMALL))
    with pytest.raises(
        ConfigError, match=r"SharedForUnnamed: must define output_class, a ModelOutput .*: output_class = Sequence"
    ):
        model.with_head(Unnamed)(IDS)
    Unnamed.output_class = dovela.BaseModelOutput
    with pytest.raises(ConfigError, match=r"hidden_states, attentions, and BaseModelOutput lacks loss, logits\."):
        model.with_head(Unnamed)(IDS)
    hint = r"forward\(self, input_ids=None, attention_mask=None, \*, labels=None, \*\*inputs\)"
    with pytest.raises(ConfigError, match=rf"SharedForSilent: defines no forward.* Write: def {hint}"):
        model.with_head(Silent)(IDS)


def test_what_hooks_return_is_checked_and_the_class_is_named() -> None:
    class Listed(Ranking):
        def scores(self, output: Any) -> Any:
            return [1.0]

    class Vector(Ranking):
        def loss(self, logits: Any, labels: Any) -> Any:
            return logits[:, 0]

    class Nothing(TextModel):
        output_class = dovela.SequenceClassifierOutput

    model = SharedModel(SharedConfig(**SMALL))
    with pytest.raises(
        InputError, match=r"SharedForListed.scores: expected logits \(B, …\), a floating tensor, got list"
    ):
        model.with_head(Listed)(IDS)
    with pytest.raises(InputError, match=r"SharedForVector.loss: expected one number, .* got \[2\] of torch.float32"):
        model.with_head(Vector)(IDS, labels=torch.tensor([0, 1]))
    with pytest.raises(ConfigError, match=r"SharedForNothing: must define scores\(self, output\) -> logits"):
        model.with_head(Nothing)(IDS)

    class States(dovela.PreTrainedModel, config=SharedConfig, task="states-in-tests"):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.encoder = Encoder(config)

        def forward(self, input_ids: Any) -> Any:
            return self.encoder(input_ids).last_hidden_state

    class OnStates(MaskedLM, backbone=States, task="on-states-in-tests"): ...

    with pytest.raises(
        InputError, match=r"States.forward: expected what heads read, a BaseModelOutput.* got \[2, 12, 16\]"
    ):
        OnStates(SharedConfig(**SMALL))(IDS)


# Frozen backbones, and models inside other modules.


def test_a_frozen_backbone_keeps_no_activations_and_leaves_the_head_to_train() -> None:
    model = bert(dovela.BertForSequenceClassification).train()
    model.base_model.requires_grad_(False)
    head = sum(p.numel() for p in model.classifier.parameters())
    assert model.num_parameters(only_trainable=True) == head
    kept: list[torch.Tensor] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = model(IDS, labels=torch.tensor([0, 1])).loss
    assert all(tensor.shape[1:] != (12, 48) for tensor in kept)  # of no layer's states (B, S, D)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loss.backward()
    torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0).step()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"classifier.out.weight", "classifier.out.bias"}


def test_a_backbone_inside_any_other_module() -> None:
    class TwoTower(nn.Module):
        def __init__(self, texts: nn.Module, width: int) -> None:
            super().__init__()
            self.texts, self.scale = texts, nn.Linear(width, 8)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.scale(self.texts(ids).last_hidden_state.mean(1))

    backbone = SharedModel(SharedConfig(**SMALL)).eval()
    tower = TwoTower(backbone, 16)
    twin = copy.deepcopy(tower)
    assert torch.equal(twin(IDS), tower(IDS))
    fresh = TwoTower(SharedModel(SharedConfig(**SMALL)).eval(), 16)
    fresh.load_state_dict(tower.state_dict())
    assert torch.equal(fresh(IDS), tower(IDS))
    twin.texts.config.output_attentions = True
    assert backbone(IDS).attentions is None
    chain = nn.Sequential(backbone.encoder.embeddings, nn.Flatten())
    assert chain(IDS).shape == (2, 12 * 16)
