"""A file that any framework wrote opens in Flax, and what does not fit is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import dovela
from dovela import CheckpointError, ConfigError, InputError, MissingWeights, ShapeMismatch, UnexpectedWeights
from flax_text import SIZES, small
from in_flax import by_state_name

DISTIL = {"vocab_size": 61, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 12}


def saved(name: str, folder: Path, **changes: Any) -> Any:
    """A torch model, and a checkpoint of it."""
    torch.manual_seed(0)
    cls = getattr(dovela, name)
    model = cls(cls.config_class(**((DISTIL if name.startswith("Distil") else SIZES) | changes)))
    model.save_pretrained(folder)
    return model


def opened(name: str, folder: Path | None, **options: Any) -> Any:
    return getattr(dovela, f"Flax{name}").from_pretrained(folder, **options)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = folder / "model.safetensors"
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def same(model: Any, state: dict[str, Any], ties: tuple[str, ...] = ()) -> None:
    """The weights of a Flax model are a torch state to the bit."""
    ours = by_state_name(model.params)
    assert set(ours) == set(state) - {*ties}
    for name, array in ours.items():
        assert np.array_equal(array, state[name].numpy()), name


@pytest.mark.parametrize("name", ["BertForPreTraining", "BertModel", "DistilBertForSequenceClassification"])
def test_there_and_back_to_the_bit(name: str, tmp_path: Path) -> None:
    theirs = saved(name, tmp_path / "torch", **({"sinusoidal_pos_embds": True} if name.startswith("Distil") else {}))
    model = opened(name, tmp_path / "torch")
    assert model.config.name_or_path == str(tmp_path / "torch")
    same(model, theirs.state_dict(), ("masked_lm.decoder.weight",))
    model.save_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "shards", max_shard_size="5KB")
    assert len([*(tmp_path / "shards").glob("model-*.safetensors")]) > 1
    for folder in ("whole", "shards"):
        back = getattr(dovela, name).from_pretrained(tmp_path / folder).state_dict()
        assert all(torch.equal(back[key], value) for key, value in theirs.state_dict().items())
        same(opened(name, tmp_path / folder), back, ("masked_lm.decoder.weight",))
    configs = [json.loads((tmp_path / folder / "config.json").read_bytes()) for folder in ("torch", "whole")]
    assert configs[0] == configs[1]


def test_other_weights_are_saved_too(tmp_path: Path) -> None:
    model = small("BertForMaskedLM")
    zeros = jax.tree.map(jnp.zeros_like, model.params)
    model.unbind()[0].save_pretrained(tmp_path, params=zeros)
    assert not any(tensor.any() for tensor in load_file(tmp_path / "model.safetensors").values())


def test_weights_of_another_model_are_not_saved(tmp_path: Path) -> None:
    model = small("BertForMaskedLM")
    with pytest.raises(CheckpointError, match=r"weights are not this model's, or lack in it, as 'backbone.embeddings"):
        model.save_pretrained(tmp_path, params=model.base_model.params)
    with pytest.raises(CheckpointError, match=r"masked_lm.decoder.bias has the shape \[3\], and the model \[61\]"):
        model.save_pretrained(tmp_path, params=_with_bias(model, jnp.zeros(3)))
    with pytest.raises(InputError, match=r"masked_lm.decoder.bias: expected an array, got float"):
        model.save_pretrained(tmp_path, params=_with_bias(model, 0.5))
    with pytest.raises(InputError, match="this model has no weights"):
        model.unbind()[0].save_pretrained(tmp_path)
    assert not [*tmp_path.iterdir()]


def _with_bias(model: Any, bias: Any) -> Any:
    head = dict(model.params["masked_lm"]) | {"decoder": {"bias": bias}}
    return dict(model.params) | {"masked_lm": head}


def test_bfloat16_stays_as_it_is_stored(tmp_path: Path) -> None:
    theirs = saved("DistilBertModel", tmp_path / "a").to(torch.bfloat16)
    theirs.save_pretrained(tmp_path / "b")
    model = opened("DistilBertModel", tmp_path / "b")
    assert model.param_dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(model.params)} == {jnp.dtype(jnp.bfloat16)}
    model.save_pretrained(tmp_path / "c")
    back = dovela.DistilBertModel.from_pretrained(tmp_path / "c")
    assert back.dtype is torch.bfloat16
    assert all(torch.equal(back.state_dict()[key], value) for key, value in theirs.state_dict().items())
    wide = opened("DistilBertModel", tmp_path / "b", param_dtype="float32", dtype="bfloat16")
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(wide.params)} == {"float32"}
    assert wide.dtype == jnp.bfloat16


# ---- heads -----------------------------------------------------------------------------------------------------------


def test_a_new_head_is_drawn_and_told(tmp_path: Path, told: Callable[[], list[str]]) -> None:
    theirs = saved("BertModel", tmp_path)
    model, report = opened("BertForSequenceClassification", tmp_path, num_labels=5, seed=3, output_loading_info=True)
    assert sorted(report.fresh) == ["classifier.out.bias", "classifier.out.weight"]
    assert "FlaxBertForSequenceClassification" in told()[0]
    assert "classifier is new and untrained (2 of its tensors were drawn)" in told()[0]
    kernel = model.params["classifier"]["out"]["kernel"]
    assert kernel.shape == (16, 5)
    assert 0 < float(jnp.abs(kernel).max()) < 0.1
    assert not model.params["classifier"]["out"]["bias"].any()
    same(model.base_model, theirs.state_dict())
    again = opened("BertForSequenceClassification", tmp_path, num_labels=5, seed=3).params["classifier"]["out"]
    assert (again["kernel"] == kernel).all()


def test_the_head_of_another_task_is_not_taken(tmp_path: Path) -> None:
    saved("BertForTokenClassification", tmp_path)
    model, report = opened("BertForSequenceClassification", tmp_path, output_loading_info=True)
    assert "classifier.out.weight" in report.fresh
    _, report = opened("BertForTokenClassification", tmp_path, output_loading_info=True)
    assert not report.fresh
    model.save_pretrained(tmp_path / "flax")  # which says so in its own file
    _, report = opened("BertForSequenceClassification", tmp_path / "flax", output_loading_info=True)
    assert not report.fresh


def test_a_head_of_another_size(tmp_path: Path) -> None:
    saved("BertForTokenClassification", tmp_path, num_labels=4)
    with pytest.raises(
        ShapeMismatch, match=r"classifier.weight \[4, 16\] where the model has \[7, 16\].*new_head=True"
    ):
        opened("BertForTokenClassification", tmp_path, num_labels=7)
    for option in ("new_head", "ignore_mismatched_sizes"):
        model = opened("BertForTokenClassification", tmp_path, num_labels=7, **{option: True})
        assert model.params["classifier"]["out"]["kernel"].shape == (16, 7)


def test_a_base_model_leaves_head_and_pooler_out(tmp_path: Path) -> None:
    saved("BertForPreTraining", tmp_path)
    model, report = opened("BertModel", tmp_path, add_pooling_layer=False, output_loading_info=True)
    assert "pooler" not in model.params
    assert "the model was built without its pooler" in report.ignored.values()


# ---- what does not fit -----------------------------------------------------------------------------------------------


def test_missing_and_unexpected_weights(tmp_path: Path) -> None:
    saved("BertModel", tmp_path)
    with pytest.raises(ConfigError):
        opened("DistilBertModel", tmp_path)
    edit(tmp_path, lambda tensors: tensors.pop("encoder.layer.0.attention.self.query.weight"))
    with pytest.raises(MissingWeights, match=r"layers.0.attention.q_proj.weight"):
        opened("BertModel", tmp_path)
    saved("BertModel", tmp_path)
    edit(tmp_path, lambda tensors: tensors.update({"encoder.own.weight": np.zeros(3, np.float32)}))
    with pytest.raises(UnexpectedWeights, match=r"encoder.own.weight"):
        opened("BertModel", tmp_path)


def test_a_tied_decoder_may_lie_in_the_file_and_must_be_the_same(tmp_path: Path) -> None:
    theirs = saved("BertForMaskedLM", tmp_path)
    table, name = theirs.state_dict()["masked_lm.decoder.weight"].numpy(), "cls.predictions.decoder.weight"
    edit(tmp_path, lambda tensors: tensors.update({name: table}))
    same(opened("BertForMaskedLM", tmp_path), theirs.state_dict(), ("masked_lm.decoder.weight",))
    edit(tmp_path, lambda tensors: tensors.pop("bert.embeddings.word_embeddings.weight"))
    same(opened("BertForMaskedLM", tmp_path), theirs.state_dict(), ("masked_lm.decoder.weight",))
    saved("BertForMaskedLM", tmp_path)
    edit(tmp_path, lambda tensors: tensors.update({name: table + 1}))
    with pytest.raises(CheckpointError, match=r"shares one tensor for both. Pass tie_word_embeddings=False"):
        opened("BertForMaskedLM", tmp_path)
    loose = opened("BertForMaskedLM", tmp_path, tie_word_embeddings=False)
    assert np.array_equal(loose.params["masked_lm"]["decoder"]["kernel"], (table + 1).T)


def test_arrays_instead_of_a_file(tmp_path: Path) -> None:
    theirs = saved("DistilBertModel", tmp_path)
    arrays = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    model = opened("DistilBertModel", None, config=theirs.config, state_dict=arrays)
    same(model, theirs.state_dict())
    with pytest.raises(InputError, match="without a name, both config and state_dict are needed"):
        opened("DistilBertModel", None)


def test_misspelt_options_are_refused(tmp_path: Path) -> None:
    saved("BertModel", tmp_path)
    with pytest.raises(ConfigError, match=r"hiden_act from .*: there is no such field; did you mean 'hidden_act'"):
        opened("BertModel", tmp_path, hiden_act="relu")
    with pytest.raises(InputError, match="param_dtype: expected a floating dtype"):
        opened("BertModel", tmp_path, param_dtype="int32")
