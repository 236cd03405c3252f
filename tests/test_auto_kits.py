"""The doors of Flax and Keras: they pick the class that a checkpoint names, or say what there is."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

import dovela
from dovela import (
    BertConfig,
    DistilBertConfig,
    EncoderConfig,
    RegistryError,
    ViTConfig,
    auto_flax,
    auto_keras,
    auto_model,
    parts,
)

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
TEXT = {**SMALL, "vocab_size": 30, "max_position_embeddings": 16}
KITS = {"flax": ("Flax", "Flax", auto_flax), "keras": ("TF", "Keras", auto_keras)}


@pytest.fixture(params=KITS)
def kit(request):
    for package in {"flax": ("jax", "flax"), "keras": ("keras", "tensorflow")}[request.param]:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    return request.param


def door(kit, task=""):
    return getattr(dovela, f"{parts.KITS[kit]}AutoModel{task and 'For'}{task}")


def test_doors_do_the_tasks_of_torchs(kit):
    prefix, _, module = KITS[kit]
    doors = {name: value for name, value in vars(module).items() if name.startswith(f"{prefix}AutoModel")}
    assert len(doors) >= 14
    for name, value in doors.items():
        assert value.task == getattr(auto_model, name.removeprefix(prefix)).task
        assert value.kit == kit
        assert name in dovela.__all__
    tasks = {name.partition("/")[2] for name in parts.MODELS_OF[kit]._builtin}
    assert {value.task for value in doors.values()} == tasks


def test_a_checkpoint_is_opened_by_the_class_of_its_type(kit, tmp_path, caplog):
    pytest.importorskip("torch")
    dovela.BertForMaskedLM(BertConfig(**TEXT)).save_pretrained(tmp_path)
    opened = door(kit, "MaskedLM").from_pretrained(tmp_path)
    assert type(opened) is getattr(dovela, f"{parts.KITS[kit]}BertForMaskedLM")
    assert type(door(kit).from_pretrained(tmp_path)) is getattr(dovela, f"{parts.KITS[kit]}BertModel")
    assert "not registered" not in caplog.text
    given = door(kit, "MaskedLM").from_pretrained(tmp_path, config=opened.config, output_loading_info=True)
    assert type(given[0]) is type(opened)


def test_a_configuration_makes_a_model(kit):
    model = door(kit, "SequenceClassification").from_config(DistilBertConfig(**TEXT, num_labels=3))
    assert type(model) is getattr(dovela, f"{parts.KITS[kit]}DistilBertForSequenceClassification")
    assert model.config.num_labels == 3


def test_a_task_that_an_architecture_has_no_head_for_lists_those_it_has(kit):
    with pytest.raises(RegistryError) as caught:
        door(kit, "CTC").from_config(ViTConfig(**SMALL))
    called, name = KITS[kit][1], f"{parts.KITS[kit]}AutoModelForCTC"
    assert str(caught.value) == (
        f"{name} for 'vit': it has no {called} model for the task 'ctc'. "
        "It has: base, image-classification, masked-image-modeling. A class of your own must be imported first."
    )


def test_a_task_that_torch_alone_has_says_so(kit):
    class PartlyConfig(BertConfig, model_type=f"partly-{kit}"):
        pass

    door(kit).register(PartlyConfig, getattr(dovela, f"{parts.KITS[kit]}BertModel"))
    dovela.AutoModelForMaskedLM.register(PartlyConfig, dovela.BertForMaskedLM)
    with pytest.raises(
        RegistryError, match=r"it has no (Flax|Keras) model for the task 'masked-lm', but a torch model"
    ):
        door(kit, "MaskedLM").from_config(PartlyConfig(**TEXT))


def test_a_type_with_torch_models_only_says_so(kit):
    with pytest.raises(RegistryError) as caught:
        door(kit, "MaskedLM").from_config(EncoderConfig(**TEXT))
    prefix = parts.KITS[kit]
    assert str(caught.value) == (
        f"{prefix}AutoModelForMaskedLM for 'encoder': the type has torch models only. Use AutoModelForMaskedLM, or "
        f"derive a class of your own from {prefix}PreTrainedModel and import it."
    )


def test_a_type_without_any_model(kit):
    class LonelyConfig(dovela.PretrainedConfig, model_type=f"lonely-{kit}"):
        pass

    with pytest.raises(RegistryError, match=r"It has: none that is imported. A class of your own must be imported"):
        door(kit).from_config(LonelyConfig())


def test_a_configuration_of_ones_own_is_taken_by_the_models_above_it(kit):
    class TerseConfig(BertConfig, model_type=f"terse-{kit}"):
        pass

    model = door(kit).from_config(TerseConfig(**TEXT))
    assert type(model) is getattr(dovela, f"{parts.KITS[kit]}BertModel")


def test_a_class_that_one_does_not_own_is_registered(kit):
    class OtherConfig(BertConfig, model_type=f"other-{kit}"):
        pass

    stranger = getattr(dovela, f"{parts.KITS[kit]}BertModel")
    door(kit).register(OtherConfig, stranger)
    assert f"other-{kit}/base" in parts.MODELS_OF[kit]
    assert f"other-{kit}/base" not in parts.MODELS
    with pytest.raises(RegistryError, match="is already"):
        door(kit).register(OtherConfig, getattr(dovela, f"{parts.KITS[kit]}DistilBertModel"))


def test_a_class_that_is_not_imported_is_named_with_its_module(kit, tmp_path):
    class LateConfig(BertConfig, model_type=f"late-{kit}"):
        pass

    class Ranking(door(kit)):
        task = "ranking"

    name = f"{parts.KITS[kit]}LateForRanking"
    LateConfig(**TEXT).save_pretrained(tmp_path)
    data = json.loads((tmp_path / "config.json").read_text())
    data |= {"architectures": ["LateForRanking"], "defined_in": {name: "late_models"}}
    (tmp_path / "config.json").write_text(json.dumps(data))
    with pytest.raises(RegistryError, match=rf"write `import late_models`, which defines {name}\.$"):
        Ranking.from_pretrained(tmp_path)


def test_doors_are_not_built(kit):
    name = door(kit).__name__
    with pytest.raises(RegistryError, match=rf"^{name}: is not built itself. Use {name}.from_pretrained"):
        door(kit)()
