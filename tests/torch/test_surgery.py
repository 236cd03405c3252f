"""Changing a model that is built: vocabulary and attention heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import dovela
from architectures import MODELS
from dovela import ConfigError, InputError

IDS = torch.arange(1, 25).view(2, 12)


@pytest.mark.parametrize("size", [80, 30])
@pytest.mark.parametrize("name", ["BertForMaskedLM", "BertForPreTraining", "DistilBertForMaskedLM", "BertModel"])
@pytest.mark.parametrize("tied", [True, False])
def test_every_vocabulary_shaped_parameter_is_resized(
    name: str, size: int, tied: bool, small: Any, tmp_path: Path
) -> None:
    model = small(name, tie_word_embeddings=tied)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    returned = model.resize_token_embeddings(size)
    assert returned is model.get_input_embeddings()
    assert model.config.vocab_size == size == returned.num_embeddings
    kept = min(size, 61)
    for key, value in model.state_dict().items():
        if before[key].shape[0] == 61:
            assert value.shape[0] == size, key
            assert torch.equal(value[:kept], before[key][:kept]), key
        else:
            assert torch.equal(value, before[key]), key
    output = model.get_output_embeddings()
    if output is not None:
        assert (output.weight is returned.weight) is tied
        assert output.out_features == size
        assert model(IDS)[0].shape[-1] == size
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())


def test_new_rows_are_drawn_and_a_multiple_is_kept(small: Any) -> None:
    model = small("BertForMaskedLM", initializer_range=0.5)
    assert model.resize_token_embeddings(pad_to_multiple_of=64).num_embeddings == 64
    model.resize_token_embeddings(1000, pad_to_multiple_of=64)
    assert model.config.vocab_size == 1024
    assert 0.4 < model.get_input_embeddings().weight[64:].detach().std() < 0.6
    assert not model.masked_lm.decoder.bias[64:].any()
    model.get_input_embeddings().weight.requires_grad_(False)
    model.resize_token_embeddings(1100)
    assert not model.get_input_embeddings().weight.requires_grad


def test_a_wrong_size_changes_nothing(small: Any) -> None:
    model = small("BertForMaskedLM", pad_token_id=40)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    for wrong in (0, -3, True, 2.5):
        with pytest.raises(InputError, match="expected a number of tokens of at least 1"):
            model.resize_token_embeddings(wrong)
    with pytest.raises(InputError, match="pad_to_multiple_of of at least 1"):
        model.resize_token_embeddings(70, pad_to_multiple_of=0)
    with pytest.raises(ConfigError, match=r"pad_token_id \(40\) lies outside the vocabulary"):
        model.resize_token_embeddings(20)
    assert model.config.vocab_size == 61
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_embeddings_are_exchanged(small: Any) -> None:
    model = small("BertForMaskedLM")
    new = torch.nn.Embedding(61, 48)
    model.set_input_embeddings(new)
    assert model.get_input_embeddings() is new
    assert model.get_output_embeddings().weight is new.weight
    with pytest.raises(InputError, match=r"expected an embedding of the shape \[61, 48\], got \[60, 48\]"):
        model.set_input_embeddings(torch.nn.Embedding(60, 48))
    layer = torch.nn.Linear(48, 61)
    model.set_output_embeddings(layer)
    assert model.get_output_embeddings() is layer
    with pytest.raises(InputError, match="has no output embeddings"):
        small("BertModel").set_output_embeddings(layer)


@pytest.mark.parametrize("name", MODELS)
def test_pruned_models_run_save_and_come_back(name: str, small: Any, tmp_path: Path) -> None:
    model = small(name)
    whole = model.num_parameters()
    model.prune_heads({0: [1, 3], 2: {2}})
    model.prune_heads({0: [0]})
    assert model.config.pruned_heads == {0: [0, 1, 3], 2: [2]}
    assert whole - model.num_parameters() == 4 * (3 * (48 * 12 + 12) + 12 * 48)
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())
    again.prune_heads({2: [0]})
    assert again.config.pruned_heads == {0: [0, 1, 3], 2: [0, 2]}


def test_a_pruned_head_is_one_that_contributed_nothing(small: Any) -> None:
    """Cutting heads is the same as making their part of the output matrix zero."""
    model, zeroed = small("BertModel"), small("BertModel")
    zeroed.load_state_dict(model.state_dict())
    with torch.no_grad():
        zeroed.layers[1].attention.o_proj.weight[:, 12:36] = 0
    model.prune_heads({1: [1, 2]})
    output = model(IDS, output_attentions=True)
    assert torch.allclose(output.last_hidden_state, zeroed(IDS).last_hidden_state, atol=1e-6)
    assert output.attentions[1].shape == (2, 2, 12, 12)


def test_pruning_what_cannot_be_pruned_changes_nothing(small: Any) -> None:
    model = small("BertModel")
    model.prune_heads({0: [1]})
    for heads, message in [
        ({0: [0, 2, 3]}, "layer 0 would be left without a head"),
        ({0: [1]}, r"layer 0 has no head 1; it has \[0, 2, 3\]"),
        ({1: [4]}, r"layer 1 has no head 4; it has \[0, 1, 2, 3\]"),
        ({3: [0]}, "there is no layer 3; there are 3"),
        ({2: [0], 5: [1], 1: [9]}, "2 problems"),
    ]:
        with pytest.raises(InputError, match=message):
            model.prune_heads(heads)
    assert model.config.pruned_heads == {0: [1]}
    assert [len(block.attention.heads) for block in model.layers] == [3, 4, 4]
    with pytest.raises(ConfigError, match="pruned_heads leaves layer 0 without a head"):
        dovela.BertConfig(num_attention_heads=2, hidden_size=8, pruned_heads={0: [0, 1]})


def test_what_to_prune_is_told_by_layer(small: Any) -> None:
    with pytest.raises(InputError, match=r"prune_heads: expected \{layer: heads\}, got \[0\]"):
        small("ViTModel").prune_heads([0])
