"""Checkpoints written from arrays alone: the file is the one that torch writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
from architectures import config_of
from dovela import CheckpointError
from dovela.opening import opening
from dovela.weights import Rename, WeightMap
from dovela.writing import file_names, plain_name, write_checkpoint

NAMES = ["BertForMaskedLM", "BertModel", "DistilBertForSequenceClassification", "ViTModel", "Wav2Vec2ForCTC"]


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    cls = getattr(dovela, request.param)
    return cls(cls.config_class(**config_of(request.param))).eval()


def arrays_of(model: Any) -> dict[str, Any]:
    """{file name: array} by way of the framework-free half alone."""
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    names = file_names(state, type(model).weight_map, headed=model.headed)
    tied = "cls.predictions.decoder.weight"  # which files leave out
    return {name: state[key] for key, found in names.items() for name in found if name != tied}


@pytest.mark.parametrize("model", NAMES, indirect=True)
@pytest.mark.parametrize("limit", ["5GB", "20KB"])
def test_the_files_are_those_that_torch_writes(model: Any, limit: str, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "torch", max_shard_size=limit)
    write_checkpoint(tmp_path / "arrays", model.config, arrays_of(model), model_class=type(model), max_shard_size=limit)
    files = sorted(path.name for path in (tmp_path / "torch").iterdir())
    assert sorted(path.name for path in (tmp_path / "arrays").iterdir()) == files
    assert (len(files) > 2) == (limit == "20KB")
    for name in files:
        assert (tmp_path / "arrays" / name).read_bytes() == (tmp_path / "torch" / name).read_bytes()


@pytest.mark.parametrize("model", ["DistilBertModel"], indirect=True)
def test_bfloat16_and_transposed_arrays(model: Any, tmp_path: Path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    arrays = {name: np.asfortranarray(a.astype(ml_dtypes.bfloat16)) for name, a in arrays_of(model).items()}
    write_checkpoint(tmp_path, model.config, arrays, model_class=type(model))
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "bfloat16"
    opened = dovela.DistilBertModel.from_pretrained(tmp_path)
    expected = model.to(torch.bfloat16).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in opened.state_dict().items())

    with opening(dovela.DistilBertModel, tmp_path, rest={}) as checkpoint:
        found = checkpoint.arrays({"x": "transformer.layer.0.attention.q_lin.weight"})
    assert found["x"].dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(found["x"], arrays["transformer.layer.0.attention.q_lin.weight"])


@pytest.mark.parametrize("model", ["BertModel"], indirect=True)
def test_a_configuration_that_no_file_can_name_is_not_saved(model: Any, tmp_path: Path) -> None:
    class Mine(dovela.BertConfig):
        pass

    with pytest.raises(dovela.ConfigError, match="Mine: has no model type of its own"):
        write_checkpoint(tmp_path / "new", Mine(), arrays_of(model), model_class=type(model))
    assert not (tmp_path / "new").exists()


def test_names_in_files() -> None:
    table = WeightMap(Rename("near.a.{*}", "b.{*}", also="near.old.{*}"), prefix="near.")
    assert file_names(["backbone.b.bias"], table, headed=True) == {"backbone.b.bias": ["near.a.bias", "near.old.bias"]}
    tied = file_names(["b.bias", "c", "d"], table, headed=False, ties=[["d", "c"]])
    assert tied == {"b.bias": ["a.bias", "near.old.bias"], "d": ["d"]}
    with pytest.raises(CheckpointError, match=r"Near\.a\.bias: would be saved as 'a\.bias', which is another tensor's"):
        file_names(["b.bias", "a.bias"], table, headed=False, owner="Near")


def test_the_class_is_named_as_in_torch() -> None:
    class FlaxPreTrainedModel:
        __module__ = "dovela.flax.model"

    class FlaxNear(FlaxPreTrainedModel):
        pass

    class Near(FlaxPreTrainedModel):
        pass

    class Flax:
        pass

    assert [plain_name(cls) for cls in (FlaxNear, Near, Flax, dovela.BertModel)] == [
        "Near",
        "Near",
        "Flax",
        "BertModel",
    ]
