"""Whole models of one's own in plain torch: Auto, ready-made heads, vocabularies, and what a constructor forgot."""

from __future__ import annotations

import importlib
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import dovela
from dovela import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    ConfigError,
    InputError,
    PreTrainedModel,
    RegistryError,
)
from dovela.torch import Encoder, MaskedLM, SequenceClassification

IDS = torch.arange(1, 25).view(2, 12)
SMALL = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 16, "vocab_size": 40}
OWN_BASE = """
from dovela import EncoderConfig, PreTrainedModel
from dovela.torch import Encoder


class {stem}Config(EncoderConfig, model_type="{kind}"):
    pass


class {stem}Model(PreTrainedModel, config={stem}Config):
    def __init__(self, config):
        super().__init__(config)
        self.encoder = Encoder(config)

    def forward(self, input_ids, attention_mask=None):
        return self.encoder(input_ids, attention_mask)
"""


class PlainConfig(dovela.EncoderConfig, model_type="plain-in-tests"):
    pass


class PlainModel(PreTrainedModel, config=PlainConfig):
    """Nothing of dovela's inside: torch's own layers, a tied output, values set by hand, recomputed blocks."""

    supports_gradient_checkpointing = True

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.tokens = nn.Embedding(config.vocab_size, width)
        self.places = nn.Embedding(config.max_position_embeddings, width)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(width, 2, 16, 0.0, batch_first=True) for _ in range(2))
        self.gain = nn.Parameter(torch.full((width,), 1.5))
        self.out = nn.Linear(width, config.vocab_size)
        self.out.weight = self.tokens.weight
        nn.init.constant_(self.out.bias, 0.25)
        self.register_buffer("steps", torch.arange(3), persistent=False)

    def forward(self, input_ids: torch.Tensor) -> Any:
        x = self.tokens(input_ids) + self.places(torch.arange(input_ids.shape[1]))
        for block in self.blocks:
            x = self.checkpoint(block, x)
        return dovela.CausalLMOutput(logits=self.out(x * self.gain))


@pytest.fixture
def plain() -> Any:
    return PlainModel(PlainConfig(**SMALL)).eval()


def module(folder: Path, name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    return importlib.import_module(name)


def run(folder: Path, code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import sys\n" + code, *arguments], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Saved, reloaded, resized, recomputed.


def test_a_plain_model_comes_back_as_it_was_made(plain: Any, tmp_path: Path) -> None:
    plain.save_pretrained(tmp_path)
    assert "out.weight" not in load_file(tmp_path / "model.safetensors")  # it is tokens.weight
    again = AutoModel.from_pretrained(tmp_path)
    assert type(again) is PlainModel
    assert again.out.weight is again.tokens.weight
    assert again.steps.tolist() == [0, 1, 2]
    assert torch.equal(again(IDS).logits, plain(IDS).logits)
    fresh = PlainModel(PlainConfig(**SMALL))
    assert (fresh.gain == 1.5).all()
    assert (fresh.out.bias == 0.25).all()


def test_its_vocabulary_is_resized_with_what_is_tied_to_it(plain: Any, tmp_path: Path) -> None:
    before = plain(IDS).logits
    table = plain.resize_token_embeddings(50)
    assert table is plain.tokens is plain.get_input_embeddings()
    assert plain.out.weight is plain.tokens.weight
    assert plain.config.vocab_size == 50
    assert torch.equal(plain(IDS).logits[..., :40], before)
    plain.save_pretrained(tmp_path)
    assert torch.equal(AutoModel.from_pretrained(tmp_path)(IDS).logits, plain(IDS).logits)
    new = nn.Embedding(50, 16)
    plain.set_input_embeddings(new)
    assert plain.tokens is new
    assert plain.out.weight is new.weight
    with pytest.raises(InputError, match="needs one stack of blocks"):
        plain.prune_heads({0: [0]})


class Untied(PreTrainedModel, config=PlainConfig, task="untied-in-tests"):
    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.encoder = Encoder(config)
        self.out = nn.Linear(config.hidden_size, config.vocab_size)

    def forward(self, input_ids: Any) -> Any:
        return self.out(self.encoder(input_ids).last_hidden_state)


class Known(Untied, config=PlainConfig, task="known-in-tests"):
    def get_output_embeddings(self) -> nn.Linear:
        return self.out


def test_an_output_of_ones_own_is_resized_or_named(tmp_path: Path) -> None:
    model = Untied(PlainConfig(**SMALL))
    with pytest.raises(InputError, match=r"out.weight, out.bias would keep the old .* Override get_output_embeddings"):
        model.resize_token_embeddings(50)
    assert model.config.vocab_size == 40
    known = Known(PlainConfig(**SMALL)).eval()
    known.resize_token_embeddings(50)
    assert known(IDS).shape == (2, 12, 50)
    known.save_pretrained(tmp_path)
    again = Known.from_pretrained(tmp_path)
    assert again.out.weight is not again.encoder.embeddings.tokens.weight  # as the constructor made them
    assert torch.equal(again(IDS), known(IDS))


def test_tables_that_could_both_be_the_vocabulary_are_a_question() -> None:
    class Twice(PreTrainedModel, config=PlainConfig, task="twice-in-tests"):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.left, self.right = (nn.Embedding(config.vocab_size, 4) for _ in range(2))

        def forward(self, input_ids: Any) -> Any:
            return self.left(input_ids) + self.right(input_ids)

    with pytest.raises(InputError, match=r"Twice: has 2 tables of 40 rows. Override get_input_embeddings\(\)"):
        Twice(PlainConfig(**SMALL)).resize_token_embeddings(50)


def test_recomputed_blocks_give_the_same_gradients(plain: Any) -> None:
    gradients = []
    for enable in (False, True):
        plain.zero_grad()
        if enable:
            plain.gradient_checkpointing_enable()
        seen = []
        hook = plain.blocks[0].register_forward_pre_hook(lambda *_: seen.append(1))  # noqa: B023
        plain.train()(IDS).logits.square().sum().backward()
        hook.remove()
        assert len(seen) == 1 + enable
        gradients.append([p.grad.clone() for p in plain.parameters()])
    assert all(torch.allclose(a, b) for a, b in zip(*gradients, strict=True))
    assert plain.is_gradient_checkpointing
    nothing = own("Nothing", lambda self: None)(PlainConfig(**SMALL))
    with pytest.raises(InputError, match=r"no stack of blocks .* self.checkpoint\(block, x\) in forward"):
        nothing.gradient_checkpointing_enable()


def test_two_parameters_in_one_memory_stay_one_after_loading(tmp_path: Path) -> None:
    class Aliased(PreTrainedModel, config=PlainConfig, task="aliased-in-tests"):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.left, self.right = nn.Linear(8, 8), nn.Linear(8, 8)
            self.right.weight = nn.Parameter(self.left.weight.data)
            self.part = nn.Parameter(self.left.weight.data[:2])  # a view of it is something else
            self.register_buffer("seen", torch.ones(3), persistent=False)
            self.register_buffer("kept", self.seen)

        def forward(self, x: Any) -> Any:
            return self.right(self.left(x))

    model = Aliased(PlainConfig(**SMALL))
    model.kept.add_(1)
    model.save_pretrained(tmp_path)
    assert set(load_file(tmp_path / "model.safetensors")) == {"left.weight", "left.bias", "right.bias", "part", "kept"}
    again = Aliased.from_pretrained(tmp_path)
    assert again.right.weight is again.left.weight
    assert all(torch.equal(again.state_dict()[name], value) for name, value in model.state_dict().items())


# Ready-made heads through Auto.


def test_a_base_model_of_ones_own_has_every_head_that_reads_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = module(tmp_path, "near_by", OWN_BASE.format(stem="NearBy", kind="near-by-in-tests"), monkeypatch)
    torch.manual_seed(0)
    model = AutoModelForMaskedLM.from_config(near.NearByConfig(**SMALL)).eval()
    assert (type(model).__name__, type(model).__module__) == ("NearByForMaskedLM", "near_by")
    assert isinstance(model, MaskedLM)
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    model.save_pretrained(tmp_path / "masked")
    torch.save(model(IDS).logits, tmp_path / "logits.pt")
    reopen = """
import torch
from dovela import AutoModelForMaskedLM, RegistryError
try:
    AutoModelForMaskedLM.from_pretrained("masked")
except RegistryError as error:
    message = str(error)
import near_by
model = AutoModelForMaskedLM.from_pretrained("masked")
assert torch.equal(model(torch.arange(1, 25).view(2, 12)).logits, torch.load("logits.pt", weights_only=True))
print(message)
"""
    message = run(tmp_path, "sys.path.insert(0, '.')\n" + reopen)
    assert "masked: model type 'near-by-in-tests': is not registered" in message
    assert "imported first: write `import near_by`, which defines NearByConfig and NearByForMaskedLM." in message


def test_heads_of_one_name_are_told_apart_and_what_is_not_there_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    afar = module(tmp_path, "afar", OWN_BASE.format(stem="Afar", kind="afar-in-tests"), monkeypatch)
    tokens = dovela.AutoModelForTokenClassification.from_config(afar.AfarConfig(**SMALL))
    tokens.save_pretrained(tmp_path / "tokens")
    with caplog.at_level(logging.WARNING, "dovela"):
        texts = AutoModelForSequenceClassification.from_pretrained(tmp_path / "tokens")
    assert "classifier is new and untrained" in caplog.text
    assert "not registered" not in caplog.text
    assert not torch.equal(texts.classifier.out.weight, tokens.classifier.out.weight)
    for auto in (dovela.AutoModelForCTC, dovela.AutoModelForSeq2SeqLM):
        with pytest.raises(RegistryError, match=r"for 'afar-in-tests': it has no model .* base, causal-lm, masked-lm"):
            auto.from_config(afar.AfarConfig())


def test_built_in_types_have_the_heads_that_they_have() -> None:
    with pytest.raises(RegistryError, match="It has: base, masked-lm, multiple-choice, question-answering"):
        dovela.AutoModelForSeq2SeqLM.from_config(dovela.DistilBertConfig())
    with pytest.raises(RegistryError, match="'distilbert': it has no model for the task 'next-sentence-prediction'"):
        dovela.AutoModelForNextSentencePrediction.from_config(dovela.DistilBertConfig())


def test_a_class_that_is_defined_later_takes_the_place_of_the_made_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = module(tmp_path, "later", OWN_BASE.format(stem="Late", kind="late-in-tests"), monkeypatch)
    made = AutoModelForSequenceClassification.from_config(late.LateConfig(**SMALL))
    assert type(made).__name__ == "LateForSequenceClassification"

    class LateForSequenceClassification(SequenceClassification, backbone=late.LateModel): ...

    theirs = AutoModelForSequenceClassification.from_config(late.LateConfig(**SMALL))
    assert type(theirs) is LateForSequenceClassification
    assert type(made.with_head("sequence-classification")) is LateForSequenceClassification


# Saved, and not imported where it is opened.


def test_a_script_is_named_where_its_class_is_missing(tmp_path: Path) -> None:
    code = OWN_BASE.format(stem="Script", kind="script-in-tests")
    code += f"ScriptModel(ScriptConfig(**{SMALL!r})).save_pretrained('saved')\nprint(ScriptConfig())\n"
    (tmp_path / "train.py").write_text(code)
    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "defined_in" not in done.stdout
    with pytest.raises(RegistryError, match=r"define ScriptConfig and ScriptModel not in the script train\.py but"):
        AutoModel.from_pretrained(tmp_path / "saved")
    data = json.loads((tmp_path / "saved" / "config.json").read_text())
    for odd in ({"ScriptConfig": "a\nb"}, "text", {"ScriptConfig": 3}, None):
        (tmp_path / "saved" / "config.json").write_text(json.dumps({**data, "defined_in": odd}))
        with pytest.raises(RegistryError, match=r"A class of your own must be imported first\.$"):
            AutoModel.from_pretrained(tmp_path / "saved")


def test_the_note_stays_out_of_the_way(plain: Any, tmp_path: Path) -> None:
    plain.save_pretrained(tmp_path)
    data = json.loads((tmp_path / "config.json").read_text())
    assert data["defined_in"] == dict.fromkeys(["PlainConfig", "PlainModel"], __name__)
    config = PlainConfig.from_pretrained(tmp_path)
    assert config.extra == {}
    assert "defined_in" not in repr(config)
    config.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["defined_in"] == {"PlainConfig": __name__}
    dovela.BertConfig().save_pretrained(tmp_path)
    assert "defined_in" not in (tmp_path / "config.json").read_text()


def test_a_missing_head_is_told_by_its_module(tmp_path: Path) -> None:
    config = dovela.EncoderConfig(**SMALL)
    dovela.AutoModel.from_config(config).save_pretrained(tmp_path)
    data = json.loads((tmp_path / "config.json").read_text())
    data |= {"architectures": ["PairHead"], "defined_in": {"PairHead": "my.pairs"}}
    (tmp_path / "config.json").write_text(json.dumps(data))
    with pytest.raises(RegistryError, match=r"write `import my.pairs`, which defines PairHead"):
        dovela.AutoModelForPreTraining.from_pretrained(tmp_path)


SOLO = """
from dovela import SequenceClassifierOutput
from dovela.torch import TextModel, register_head
from torch import nn


@register_head("{task}")
class Solo(TextModel):
    head_parts = {{"solo": "texts"}}
    output_class = SequenceClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.solo = nn.Linear(config.hidden_size, 1)

    def scores(self, output):
        return self.solo(output.last_hidden_state[:, 0])
"""


class AutoModelForSolo(AutoModel):
    task = "solo-in-tests"


def test_a_registered_head_on_a_built_in_model_is_opened_by_an_auto_class_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module(tmp_path, "solo_head", SOLO.format(task=AutoModelForSolo.task), monkeypatch)
    model = AutoModel.from_config(dovela.EncoderConfig(**SMALL)).eval().with_head("solo-in-tests")
    assert (type(model).__name__, type(model).__module__) == ("EncoderForSolo", "solo_head")
    model.save_pretrained(tmp_path / "saved")
    again = AutoModelForSolo.from_pretrained(tmp_path / "saved")
    assert type(again) is type(model)
    assert torch.equal(again(IDS).logits, model(IDS).logits)
    assert "not registered" not in caplog.text
    with pytest.raises(dovela.UnexpectedWeights, match="saved from EncoderForSolo, which solo_head defines"):
        AutoModelForMaskedLM.from_pretrained(tmp_path / "saved")
    with pytest.raises(RegistryError, match=r"task 'ctc'.* The checkpoint was saved from EncoderForSolo\.$"):
        dovela.AutoModelForCTC.from_pretrained(tmp_path / "saved")
    with pytest.raises(RegistryError, match=r"no model for the task 'ctc'"):  # built in, on what is built in
        AutoModel.from_config(dovela.EncoderConfig(**SMALL)).with_head("ctc")
    code = """
from dovela import AutoModel, RegistryError
class AutoModelForSolo(AutoModel):
    task = "solo-in-tests"
try:
    AutoModelForSolo.from_pretrained("saved")
except RegistryError as error:
    print(error)
"""
    assert "must be imported first: write `import solo_head`, which defines EncoderForSolo." in run(tmp_path, code)


# What a constructor forgot.


def own(name: str, body: Any) -> Any:
    """A class whose constructor is `body(self, config)`, after the one above it."""

    def __init__(self: Any, config: Any) -> None:
        PreTrainedModel.__init__(self, config)
        body(self)

    made = type(PreTrainedModel)(name, (PreTrainedModel,), {"__init__": __init__, "forward": lambda self: None})
    made.config_class = PlainConfig  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (lambda: torch.ones(3, requires_grad=True), r"is a tensor to train .* nn\.Parameter\(…\), or register_buffer"),
        (lambda: [nn.Linear(2, 2)], r"is a plain list that holds a module: write nn\.ModuleList"),
        (lambda: (nn.Parameter(torch.ones(2)),), r"is a plain tuple that holds a parameter: write nn\.ParameterList"),
        (lambda: {"a": nn.Linear(2, 2)}, r"is a plain dict that holds a module: write nn\.ModuleDict"),
        (lambda: {"a": [nn.Parameter(torch.ones(2))]}, r"is a plain dict .* write nn\.ParameterDict"),
        (lambda: {nn.Linear(2, 2)}, r"is a plain set that holds a module: write nn\.ModuleList"),
        (lambda: [nn.Sequential(nn.Dropout(0.1))], r"is a plain list that holds a module"),
    ],
)
def test_what_trains_and_is_not_registered_is_named(value: Any, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"^Forgetful: Forgetful\.thing {told}"):
        own("Forgetful", lambda self: setattr(self, "thing", value()))(PlainConfig(**SMALL))


def test_a_head_part_that_is_not_there_is_named() -> None:
    class Parts(Untied):
        head_parts: Any = {"otu": "texts"}

    with pytest.raises(
        ConfigError, match=r"Parts\.head_parts: names 'otu', which the model has not; did you mean 'out'"
    ):
        Parts(PlainConfig(**SMALL))
    Parts.head_parts = ["out"]
    with pytest.raises(ConfigError, match=r"Parts\.head_parts: expected a dict \{attribute: .*, got \['out'\]"):
        Parts(PlainConfig(**SMALL))


def test_a_forgotten_part_is_found_inside_and_all_are_told_together() -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scales = [nn.Parameter(torch.ones(2))]
            self.gates = {"x": nn.Linear(2, 2)}

    with pytest.raises(ConfigError, match=r"2 problems") as caught:
        own("Outer", lambda self: setattr(self, "inner", nn.Sequential(Inner())))(PlainConfig(**SMALL))
    assert "Inner.scales (at inner.0) is a plain list" in str(caught.value)
    assert "neither trained, moved to a device nor saved" in str(caught.value)


def test_references_frozen_modules_and_plain_tensors_are_fine() -> None:
    def body(self: Any) -> None:
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1)) for _ in range(3))
        self.weight = nn.Parameter(torch.ones(2))
        self.first, self.by_name = [self.layers[0], self.weight], {"x": self.layers[1]}
        self.slice = [nn.ModuleList(list(self.layers)[:2])]
        self.teacher = [nn.Linear(2, 2).requires_grad_(False)]
        self.acts, self.words, self.table = [nn.ReLU()], ["a"] * 5, torch.ones(3)
        self.loop: list[Any] = []
        self.loop.append(self.loop)
        self.doubled = self.weight * 2

    assert own("Careful", body)(PlainConfig(**SMALL)).num_parameters() == 3 * 6 + 2


def test_a_constructor_that_does_not_call_the_one_above_it() -> None:
    for body in (
        lambda self, config: setattr(self, "x", nn.Linear(2, 2)),
        lambda self, config: PreTrainedModel.__init__(self),
        lambda self, config: nn.Module.__init__(self),
        lambda self, config: None,
    ):
        cls = own("Alone", None)
        cls.__init__ = body
        with pytest.raises(ConfigError, match=r"Alone\.__init__: does not call .* with: super\(\).__init__\(config"):
            cls(PlainConfig(**SMALL))


def test_a_constructors_own_mistakes_are_shown_as_they_are() -> None:
    def body(self: Any) -> None:
        self.x = self.nowhere

    with pytest.raises(AttributeError, match="nowhere"):
        own("Mistaken", body)(PlainConfig(**SMALL))


def test_a_field_that_the_configuration_has_not_is_named() -> None:
    class BareConfig(dovela.PretrainedConfig, model_type="bare-in-tests"):
        width: int = 8

    class BareModel(PreTrainedModel, config=BareConfig):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.tokens = nn.Embedding(10, config.width)

        def forward(self, input_ids: Any) -> Any:
            return dovela.BaseModelOutput(last_hidden_state=self.tokens(input_ids))

    with pytest.raises(ConfigError, match=r"BareForQuestionAnswering\(config\): reads 'hidden_size', which Bare") as e:
        BareModel(BareConfig()).with_head("question-answering")
    assert "Give the configuration a field of that name, or an Alias" in str(e.value)

    class Misspelt(Untied):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.out = nn.Linear(config.hiden_size, 2)

    with pytest.raises(ConfigError, match="reads 'hiden_size', which PlainConfig has not; did you mean 'hidden_size'"):
        Misspelt(PlainConfig(**SMALL))


def test_a_class_statement_without_what_it_needs() -> None:
    class Silent(PreTrainedModel, config=PlainConfig, task="silent-in-tests"): ...

    with pytest.raises(ConfigError, match=r"Silent: defines no forward, so it cannot be called. Write: def forward"):
        Silent(PlainConfig(**SMALL))(IDS)
    with pytest.raises(ConfigError, match=r"Silent\(config\): expected a PlainConfig, got the class PlainConfig. Call"):
        Silent(PlainConfig)
    with pytest.raises(ConfigError, match=r"Lost: names no configuration class. Write: class Lost\(…, config="):

        class Lost(PreTrainedModel, task="lost-in-tests"): ...

    with pytest.raises(ConfigError, match=r"Given: names no configuration class: config is an instance of PlainConfig"):

        class Given(PreTrainedModel, config=PlainConfig()): ...

    class Nameless(dovela.EncoderConfig): ...

    with pytest.raises(ConfigError, match=r"its configuration Nameless has no model type of its own. Write: class"):

        class OfNameless(PreTrainedModel, config=Nameless): ...


def test_two_classes_under_one_name_say_what_to_change() -> None:
    with pytest.raises(
        RegistryError,
        match=r"model 'plain-in-tests/base': is already .*:PlainModel, so .*Other cannot take the name. Each model "
        r"type has one class for a task. Give Other another task=…, or a configuration with a model_type of its own",
    ):

        class Other(PreTrainedModel, config=PlainConfig): ...


def test_an_image_head_says_that_it_reads_the_first_place(told: Any) -> None:
    class PatchesConfig(dovela.PretrainedConfig, model_type="patches-in-tests"):
        hidden_size: int = 8

    class PatchesModel(dovela.PreTrainedModel, config=PatchesConfig):
        main_input_name = "pixel_values"
        pooling = False

        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.patches = nn.Conv2d(1, config.hidden_size, 2, 2)

        def forward(self, pixel_values: torch.Tensor) -> Any:
            x = self.patches(pixel_values).flatten(2).transpose(1, 2)
            pooled = x.mean(1) if self.pooling else None
            return dovela.BaseModelOutputWithPooling(last_hidden_state=x, pooler_output=pooled)

    # No field but the width is needed: a head's dropout is 0 and its spread 0.02 where nothing else is said.
    model = dovela.AutoModelForImageClassification.from_config(PatchesConfig(num_labels=3))
    model(torch.ones(1, 1, 4, 4))
    assert "reads the first of 4 places alone, since PatchesModel returns no pooler_output" in told()[0]
    model.backbone.pooling = True
    model(torch.ones(1, 1, 4, 4))
    assert len(told()) == 1


def test_the_kernel_is_chosen_for_the_models_inside_too() -> None:
    class PairConfig(dovela.PretrainedConfig, model_type="pair-in-tests"):
        width: int = 8

    class Pair(dovela.PreTrainedModel, config=PairConfig):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            inner = dovela.EncoderConfig(hidden_size=8, num_attention_heads=2, num_hidden_layers=1, vocab_size=9)
            self.tower = dovela.EncoderModel(inner)

        def forward(self, input_ids: torch.Tensor) -> Any:
            return self.tower(input_ids)

    pair = Pair(PairConfig())
    pair.set_attn_implementation("eager")
    assert {pair.config.attn_implementation, pair.tower.config.attn_implementation} == {"eager"}
    pair(torch.ones(1, 3, dtype=torch.long))
