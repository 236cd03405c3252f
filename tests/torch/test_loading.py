"""Opening checkpoints: what fits, what is new, and every way in which something does not fit."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import dovela
from architectures import config_of
from dovela import CheckpointError, ConfigError, InputError, MissingWeights, ShapeMismatch, UnexpectedWeights
from dovela.torch import Linear


@pytest.fixture
def saved(small: Any, tmp_path: Path) -> Any:
    """`saved("BertModel")`: the folder of a small random model, and the model."""

    def save(name: str, **changes: Any) -> tuple[Path, Any]:
        model, folder = small(name, **changes), tmp_path / name
        model.save_pretrained(folder)
        return folder, model

    return save


def edit(folder: Path, change: Any) -> None:
    """Rewrite the weights of a checkpoint through `change`."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def equal(a: nn.Module, b: nn.Module) -> bool:
    x, y = a.state_dict(), b.state_dict()
    return x.keys() == y.keys() and all(torch.equal(x[key], y[key]) for key in x)


def test_a_base_opens_from_a_headed_checkpoint_and_the_reverse(saved: Any) -> None:
    folder, headed = saved("BertForSequenceClassification")
    base, report = dovela.BertModel.from_pretrained(folder, output_loading_info=True)
    assert equal(base, headed.backbone)
    assert set(report.ignored) == {"classifier.weight", "classifier.bias"}
    assert "head that this model does not have" in report.ignored["classifier.bias"]

    folder, base = saved("BertModel")
    headed, report = dovela.BertForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert equal(headed.backbone, base)
    assert set(report.fresh) == {"classifier.out.weight", "classifier.out.bias"}
    assert not headed.classifier.out.bias.any()
    assert 0.01 < headed.classifier.out.weight.detach().std() < 0.04


def test_a_fresh_head_gives_one_notice_that_names_it(saved: Any, caplog: pytest.LogCaptureFixture) -> None:
    folder, _ = saved("DistilBertModel")
    with caplog.at_level(logging.WARNING, "dovela"):
        dovela.DistilBertForQuestionAnswering.from_pretrained(folder)
    (record,) = caplog.records
    assert "DistilBertForQuestionAnswering from" in record.message
    assert "spans is new and untrained (2 of its tensors were drawn)" in record.message


def test_loading_information_in_the_spelling_of_elsewhere(saved: Any) -> None:
    folder, _ = saved("BertModel")
    _, info = dovela.BertForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert sorted(info["missing_keys"]) == ["classifier.out.bias", "classifier.out.weight"]
    assert info["unexpected_keys"] == info["mismatched_keys"] == info["error_msgs"] == []


def test_the_pooler_may_be_missing_or_left_out(saved: Any) -> None:
    folder, model = saved("BertForMaskedLM")
    _base, report = dovela.BertModel.from_pretrained(folder, output_loading_info=True)
    assert sorted(report.fresh) == ["pooler.dense.bias", "pooler.dense.weight"]
    assert equal(dovela.BertModel.from_pretrained(folder, add_pooling_layer=False), model.backbone)
    folder, _ = saved("BertModel")
    bare, report = dovela.BertModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
    assert bare.pooler is None
    assert len(report.ignored) == 2


def test_a_head_of_another_task_is_not_taken_for_this_one(saved: Any) -> None:
    """Both call it `classifier`, of the same shape; what the checkpoint was saved from tells them apart."""
    folder, tokens = saved("BertForTokenClassification")
    model, report = dovela.BertForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not torch.equal(model.classifier.out.weight, tokens.classifier.out.weight)
    assert report.ignored["classifier.weight"] == "belongs to the head of another task"
    assert "classifier.out.weight" in report.fresh


def test_a_shared_head_is_taken_across_classes(saved: Any) -> None:
    folder, both = saved("BertForPreTraining")
    masked = dovela.BertForMaskedLM.from_pretrained(folder)
    assert equal(masked.masked_lm, both.masked_lm)
    following = dovela.BertForNextSentencePrediction.from_pretrained(folder)
    assert equal(following.next_sentence, both.next_sentence)


def test_a_head_of_another_size_names_the_way_out(saved: Any) -> None:
    folder, model = saved("DistilBertForSequenceClassification")
    cls = dovela.DistilBertForSequenceClassification
    with pytest.raises(ShapeMismatch, match=r"classifier.weight \[3, 48\] where the model has \[5, 48\]") as caught:
        cls.from_pretrained(folder, num_labels=5)
    assert "new_head=True" in str(caught.value)
    assert len(caught.value.report.mismatched) == 2

    kept = cls.from_pretrained(folder, num_labels=5, ignore_mismatched_sizes=True)
    assert equal(kept.classifier.hidden, model.classifier.hidden)
    assert kept.classifier.out.weight.shape == (5, 48)
    fresh = cls.from_pretrained(folder, num_labels=5, new_head=True)
    assert equal(fresh.backbone, model.backbone)
    assert not equal(fresh.classifier.hidden, model.classifier.hidden)
    assert fresh.config.id2label[4] == "LABEL_4"


def test_a_checkpoint_of_another_kind(saved: Any) -> None:
    folder, _ = saved("BertModel")
    with pytest.raises(ConfigError, match="configuration of type 'bert', not 'distilbert'"):
        dovela.DistilBertModel.from_pretrained(folder)
    with pytest.raises(ConfigError, match="checkpoint of type 'bert', not 'distilbert'"):
        dovela.DistilBertModel.from_pretrained(folder, config=dovela.DistilBertConfig(**config_of("DistilBertModel")))


def test_every_key_wrong_is_an_error_and_never_a_random_model(saved: Any) -> None:
    folder, _ = saved("BertModel")
    edit(folder, lambda weights: {f"student.{name}": value for name, value in weights.items()})
    with pytest.raises(MissingWeights) as caught:
        dovela.BertModel.from_pretrained(folder)
    text = str(caught.value)
    assert "3 problems" in text
    assert "none of its 55 tensors belongs to this model" in text
    assert "student.embeddings" in text
    assert len(caught.value.report.unexpected) == 55


@pytest.mark.parametrize("gone", ["encoder.layer.1.output.dense.bias", "embeddings.word_embeddings.weight"])
def test_a_missing_tensor_is_named(saved: Any, gone: str) -> None:
    folder, _ = saved("BertModel")
    edit(folder, lambda weights: {k: v for k, v in weights.items() if k != gone})
    with pytest.raises(MissingWeights, match="1 tensors of the model are missing: "):
        dovela.BertModel.from_pretrained(folder)


def test_an_unexpected_tensor_is_named(saved: Any) -> None:
    folder, _ = saved("BertModel")
    edit(folder, lambda weights: {**weights, "encoder.layer.0.adapter.weight": torch.ones(2)})
    with pytest.raises(UnexpectedWeights, match=r"no place in the model: encoder.layer.0.adapter"):
        dovela.BertModel.from_pretrained(folder)


def test_more_or_fewer_layers_than_the_checkpoint_has(saved: Any) -> None:
    folder, _ = saved("DistilBertModel")
    with pytest.raises(UnexpectedWeights, match="has more layers than the configuration asks for"):
        dovela.DistilBertModel.from_pretrained(folder, n_layers=2)
    with pytest.raises(MissingWeights, match="has fewer layers than the configuration asks for"):
        dovela.DistilBertModel.from_pretrained(folder, n_layers=4)


def test_a_body_of_another_size(saved: Any) -> None:
    folder, _ = saved("DistilBertModel")
    with pytest.raises(ShapeMismatch, match=r"distilbert|transformer.layer.0.ffn.lin1.weight") as caught:
        dovela.DistilBertModel.from_pretrained(folder, hidden_dim=81)
    assert "new_head" not in str(caught.value)
    with pytest.raises(ShapeMismatch):
        dovela.DistilBertModel.from_pretrained(folder, hidden_dim=81, ignore_mismatched_sizes=True)


def test_old_spellings_are_read(saved: Any) -> None:
    folder, model = saved("BertForMaskedLM")

    def old(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        spelled = {
            k.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): v
            for k, v in weights.items()
        }
        spelled["cls.predictions.decoder.bias"] = spelled.pop("cls.predictions.bias")
        spelled["bert.embeddings.position_ids"] = torch.arange(40)[None]
        return spelled

    edit(folder, old)
    again, report = dovela.BertForMaskedLM.from_pretrained(folder, output_loading_info=True)
    assert equal(again, model)
    assert report.ignored == {"bert.embeddings.position_ids": "a buffer that old versions saved"}


def test_tied_tensors_are_one_and_a_difference_is_an_error(saved: Any) -> None:
    folder, _model = saved("BertForMaskedLM")
    weights = load_file(folder / "model.safetensors")
    assert "cls.predictions.decoder.weight" not in weights
    edit(folder, lambda w: {**w, "cls.predictions.decoder.weight": w["bert.embeddings.word_embeddings.weight"].clone()})
    again = dovela.BertForMaskedLM.from_pretrained(folder)
    assert again.masked_lm.decoder.weight is again.backbone.embeddings.tokens.weight
    edit(folder, lambda w: {**w, "cls.predictions.decoder.weight": w["cls.predictions.decoder.weight"] + 1})
    with pytest.raises(CheckpointError, match=r"differs from .*tie_word_embeddings=False"):
        dovela.BertForMaskedLM.from_pretrained(folder)
    apart = dovela.BertForMaskedLM.from_pretrained(folder, tie_word_embeddings=False)
    assert apart.masked_lm.decoder.weight is not apart.backbone.embeddings.tokens.weight
    assert torch.equal(apart.masked_lm.decoder.weight, apart.backbone.embeddings.tokens.weight + 1)


def test_only_the_output_matrix_of_a_tie_is_enough(saved: Any) -> None:
    folder, model = saved("DistilBertForMaskedLM")
    name = "distilbert.embeddings.word_embeddings.weight"
    edit(folder, lambda w: {("vocab_projector.weight" if k == name else k): v for k, v in w.items()})
    assert equal(dovela.DistilBertForMaskedLM.from_pretrained(folder), model)


def test_integer_weights_are_refused(saved: Any) -> None:
    folder, _ = saved("BertModel")
    edit(folder, lambda w: {k: v.to(torch.int8) if "query.weight" in k else v for k, v in w.items()})
    with pytest.raises(CheckpointError, match=r"3 weights are not floating-point numbers.*quantised"):
        dovela.BertModel.from_pretrained(folder)


@pytest.mark.parametrize("name", ["bfloat16", "torch.bfloat16", torch.bfloat16])
def test_the_dtype_is_as_stored_or_as_asked(saved: Any, name: Any) -> None:
    folder, _model = saved("BertModel")
    assert dovela.BertModel.from_pretrained(folder).dtype == torch.float32
    half = dovela.BertModel.from_pretrained(folder, dtype=name)
    assert {p.dtype for p in half.parameters()} == {torch.bfloat16}
    assert dovela.BertModel.from_pretrained(folder, torch_dtype=name).dtype == torch.bfloat16
    half.save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["dtype"] == "bfloat16"
    again = dovela.BertModel.from_pretrained(folder, dtype="auto")
    assert equal(half, again)
    for wrong in ("int8", "float33", 16):
        with pytest.raises(InputError, match="expected a floating torch dtype or its name"):
            dovela.BertModel.from_pretrained(folder, dtype=wrong)


def test_pickled_weights_are_opened_only_when_asked(saved: Any) -> None:
    folder, model = saved("BertModel")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="allow_pickle=True"):
        dovela.BertModel.from_pretrained(folder)
    assert equal(dovela.BertModel.from_pretrained(folder, allow_pickle=True), model)


class Hostile:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("executed"),))


def test_a_pickle_never_runs_code(saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder, _ = saved("BertModel")
    (folder / "model.safetensors").unlink()
    torch.save({"bert.embeddings.word_embeddings.weight": Hostile()}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="is no pickle of tensors alone"):
        dovela.BertModel.from_pretrained(folder, allow_pickle=True)
    assert not (tmp_path / "executed").exists()


def test_a_state_dict_in_place_of_files(saved: Any) -> None:
    folder, model = saved("BertModel")
    state = {k: v + 1 for k, v in load_file(folder / "model.safetensors").items()}
    for place, config in ((folder, None), (None, model.config)):
        changed = dovela.BertModel.from_pretrained(place, config=config, state_dict=state)
        assert torch.equal(changed.embeddings.tokens.weight, model.embeddings.tokens.weight + 1)
    with pytest.raises(InputError, match="both config and state_dict are needed"):
        dovela.BertModel.from_pretrained(None)


def test_configuration_given_overridden_or_elsewhere(saved: Any, tmp_path: Path) -> None:
    folder, _model = saved("BertForSequenceClassification")
    other = dovela.BertConfig.from_pretrained(folder, hidden_act="relu")
    loaded = dovela.BertForSequenceClassification.from_pretrained(folder, config=other)
    assert loaded.config.hidden_act == "relu"
    assert dovela.BertModel.from_pretrained(folder, hidden_act="relu").config.hidden_act == "relu"
    other.save_pretrained(tmp_path / "elsewhere")
    elsewhere = dovela.BertModel.from_pretrained(folder, config=tmp_path / "elsewhere")
    assert elsewhere.config.hidden_act == "relu"
    with pytest.raises(ConfigError, match="did you mean 'hidden_act'"):
        dovela.BertModel.from_pretrained(folder, hiden_act="relu")
    assert loaded.config.name_or_path == str(folder)


def test_subfolder_and_variant(saved: Any, tmp_path: Path) -> None:
    _folder, model = saved("BertModel")
    model.save_pretrained(tmp_path / "outer" / "inner", variant="fp32")
    (found,) = (tmp_path / "outer" / "inner").glob("*.safetensors")
    assert found.name == "model.fp32.safetensors"
    assert equal(dovela.BertModel.from_pretrained(tmp_path / "outer", subfolder="inner", variant="fp32"), model)
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        dovela.BertModel.from_pretrained(tmp_path / "outer", subfolder="inner")


def test_truncated_weights(saved: Any) -> None:
    folder, _ = saved("BertModel")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model.safetensors"):
        dovela.BertModel.from_pretrained(folder)


def test_weights_survive_that_their_file_is_saved_over(saved: Any) -> None:
    """A loaded model maps its file; saving another into the same folder must not change it."""
    folder, model = saved("DistilBertModel")
    mapped = dovela.DistilBertModel.from_pretrained(folder)
    before = {key: value.clone() for key, value in mapped.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    model.save_pretrained(folder)
    assert all(torch.equal(value, before[key]) for key, value in mapped.state_dict().items())
    mapped.save_pretrained(folder)
    assert equal(dovela.DistilBertModel.from_pretrained(folder), mapped)
    shutil.rmtree(folder)
    assert all(torch.equal(value, before[key]) for key, value in mapped.state_dict().items())


class OddConfig(dovela.EncoderConfig, model_type="odd-for-loading"):
    depth: int = 3


class OddModel(dovela.PreTrainedModel, config=OddConfig):
    """Everything that a constructor may do and that must survive loading."""

    def __init__(self, config: OddConfig) -> None:
        super().__init__(config)
        self.rates = [float(x) for x in torch.linspace(0, 0.3, config.depth)]  # needs values while it is built
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)
        self.second.weight = self.first.weight  # tied by hand
        self.scale = nn.Parameter(torch.full((8,), 0.25))
        self.register_buffer("steps", torch.arange(4.0) + self.rates[-1], persistent=False)
        self.register_buffer("seen", torch.tensor([7.0]))
        self.out = Linear(8, 2, std=0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.second(self.first(x)) * self.scale)


class QuietModel(dovela.PreTrainedModel, config=OddConfig, task="quiet"):
    """Builds on the meta device, and has values that no file holds."""

    def __init__(self, config: OddConfig) -> None:
        super().__init__(config)
        self.scale = nn.Parameter(torch.full((8,), 0.25))
        self.register_buffer("steps", torch.arange(4.0) * 2, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale


@pytest.mark.parametrize("cls", [OddModel, QuietModel])
def test_a_model_of_ones_own_comes_back_as_it_was(cls: Any, tmp_path: Path) -> None:
    model = cls(OddConfig())
    with torch.no_grad():
        model.scale.mul_(3)
    model.save_pretrained(tmp_path)
    again = cls.from_pretrained(tmp_path)
    assert equal(again, model)
    assert torch.equal(again.steps, model.steps)
    assert not any(tensor.is_meta for tensor in [*again.parameters(), *again.buffers()])
    if cls is OddModel:
        assert again.second.weight is again.first.weight
        assert again.rates == model.rates
        assert "second.weight" not in load_file(tmp_path / "model.safetensors")


class ReaderModel(dovela.PreTrainedModel, config=dovela.BertConfig, task="reading-in-tests"):
    """A head of one's own on BERT: the backbone's table names the weights."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.backbone = dovela.BertModel(config)
        self.gauge = nn.Linear(config.hidden_size, 1)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.gauge(self.backbone(input_ids).pooler_output)


def test_a_head_of_ones_own_opens_a_checkpoint_of_the_backbone_and_its_own(saved: Any, tmp_path: Path) -> None:
    folder, base = saved("BertModel")
    model, report = ReaderModel.from_pretrained(folder, output_loading_info=True)
    assert equal(model.backbone, base)
    assert report.fresh == ["gauge.weight", "gauge.bias"]
    model.save_pretrained(tmp_path / "own")
    assert "bert.encoder.layer.0.output.dense.weight" in load_file(tmp_path / "own" / "model.safetensors")
    assert equal(ReaderModel.from_pretrained(tmp_path / "own"), model)
    assert equal(dovela.BertModel.from_pretrained(tmp_path / "own"), base)


class UnnamedConfig(dovela.DistilBertConfig):
    window: int = 3


def test_a_configuration_without_a_type_of_its_own_is_not_saved_as_its_parent(tmp_path: Path) -> None:
    model = dovela.DistilBertModel(UnnamedConfig(**config_of("DistilBertModel")))
    with pytest.raises(ConfigError, match=r'UnnamedConfig.*model_type="a-new-name"'):
        model.save_pretrained(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_registering_under_another_name_is_refused() -> None:
    with pytest.raises(dovela.RegistryError, match="calls itself 'odd-for-loading' and is to be named 'even'"):
        dovela.AutoConfig.register("even", OddConfig)


def test_a_task_without_a_head_lists_the_heads(saved: Any) -> None:
    folder, _ = saved("DistilBertModel")
    with pytest.raises(dovela.RegistryError, match="it has no model for the task 'seq2seq-lm'") as caught:
        dovela.AutoModelForSeq2SeqLM.from_pretrained(folder)
    assert "masked-lm, multiple-choice, question-answering" in str(caught.value)


def test_auto_picks_opens_and_builds(saved: Any, tmp_path: Path) -> None:
    folder, model = saved("DistilBertForTokenClassification")
    opened = dovela.AutoModelForTokenClassification.from_pretrained(folder)
    assert equal(opened, model)
    assert type(dovela.AutoModel.from_pretrained(folder)) is dovela.DistilBertModel
    relu = dovela.AutoModel.from_pretrained(folder, activation="relu")
    assert relu.config.activation == "relu"
    built = dovela.AutoModelForMaskedLM.from_config(dovela.AutoConfig.from_pretrained(folder))
    assert type(built) is dovela.DistilBertForMaskedLM
    with pytest.raises(dovela.RegistryError, match=r"AutoModel.from_pretrained\(…\) or AutoModel.from_config"):
        dovela.AutoModel()
    (tmp_path / "config.json").write_text('{"model_type": "gpt17"}')
    with pytest.raises(dovela.RegistryError, match="model type 'gpt17': is not registered"):
        dovela.AutoModel.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="names no model_type"):
        dovela.AutoModel.from_pretrained(tmp_path)


def test_opens_in_a_new_process_through_auto_bit_equal(saved: Any) -> None:
    folder, model = saved("BertForSequenceClassification")
    ids = torch.arange(1, 21).view(2, 10)
    script = (
        "import sys, torch; from dovela import AutoModelForSequenceClassification as A;"
        "m = A.from_pretrained(sys.argv[1]); print(m(torch.arange(1, 21).view(2, 10)).logits.tolist())"
    )
    out = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True).stdout
    assert torch.equal(torch.tensor(json.loads(out)), model(ids).logits)
