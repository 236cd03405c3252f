"""Every head of every architecture computes what transformers 4.57.6 computes, and files go both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
import peer_models
from architectures import MODELS as ALL
from architectures import config_of, inputs_for, real_places
from peers import peer4, peer5

pytestmark = pytest.mark.peer
MODELS = [name for name in ALL if not name.startswith("Wav2Vec2")]  # which has a tolerance and a file of its own
TOLERANCE = 1e-5  # of 1 + the largest value


def assert_close(ours: Any, theirs: Any, what: str, real: Any = None) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} and {theirs.shape}"
    if real is not None:
        ours, theirs = ours[real], theirs[real]
    worst = np.abs(ours - theirs).max(initial=0)
    assert worst <= TOLERANCE * (1 + np.abs(theirs).max(initial=0)), f"{what}: differs by {worst}"


def compare(ours: dict[str, Any], theirs: dict[str, Any], real: np.ndarray | None) -> None:
    """Everything there is, at every place (rows, sequence) that is not padding."""
    for key in theirs:
        if key in ("hidden_states", "attentions"):
            assert len(ours[key]) == len(theirs[key]), key
            for index, (a, b) in enumerate(zip(ours[key], theirs[key], strict=True)):
                if key == "attentions":
                    a, b = a.swapaxes(1, 2), b.swapaxes(1, 2)  # (B, S, H, S): rows of real queries
                assert_close(a, b, f"{key}[{index}]", real)
        elif key == "gradients":
            assert set(ours[key]) == set(theirs[key])
            for name, gradient in theirs[key].items():
                assert_close(ours[key][name], gradient, f"gradient of {name}")
        else:
            by_place = real is not None and theirs[key].shape[:2] == real.shape
            assert_close(ours[key], theirs[key], key, real if by_place else None)


def run(name: str, folder: Path, inputs: dict[str, np.ndarray], attention: str, seed: int) -> dict[str, Any]:
    model = getattr(dovela, name).from_pretrained(folder, attn_implementation=attention)
    output = model(**peer_models.as_tensors(inputs), output_hidden_states=True, output_attentions=attention == "eager")
    result = peer_models.flatten(output)
    peer_models.objective(output, real_places(name, inputs), seed).backward()
    headed = hasattr(model, "backbone")
    result["gradients"] = {
        model.weight_map.write(n, headed=headed): p.grad.numpy()
        for n, p in model.named_parameters()
        if p.grad is not None
    }
    return result


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", MODELS)
def test_outputs_losses_and_gradients(name: str, attention: str, tmp_path: Path) -> None:
    seed = MODELS.index(name)
    peer4(peer_models.build_and_save, name, config_of(name), str(tmp_path), seed)
    for ragged in (True, False):
        inputs = inputs_for(name, seed, ragged=ragged)
        theirs = peer4(peer_models.run, name, str(tmp_path), inputs, attention, seed)
        ours = run(name, tmp_path, inputs, attention, seed)
        compare(ours, theirs, real_places(name, inputs))


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("DistilBertForMaskedLM", {"activation": "relu"}),
    ("DistilBertForMaskedLM", {"sinusoidal_pos_embds": True}),
    ("DistilBertForMaskedLM", {"tie_word_embeddings": False}),
    ("DistilBertModel", {"pad_token_id": 7}),
    ("BertForMaskedLM", {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3}),
    ("BertForMaskedLM", {"hidden_act": "quick_gelu", "tie_word_embeddings": False}),
    ("BertForPreTraining", {"hidden_act": "silu"}),
    ("BertModel", {"type_vocab_size": 3, "hidden_act": "gelu_fast"}),
    ("BertModel", {"hidden_act": "mish"}),
    ("BertModel", {"hidden_act": "relu2"}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=[f"{n}-{'-'.join(o)}" for n, o in OPTIONS])
def test_options_of_the_configurations_act_as_the_peers_do(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    peer4(peer_models.build_and_save, name, config_of(name) | options, str(tmp_path), 3)
    inputs = inputs_for(name, 3)
    theirs = peer4(peer_models.run, name, str(tmp_path), inputs, "sdpa", 3)
    compare(run(name, tmp_path, inputs, "sdpa", 3), theirs, real_places(name, inputs))


PROBLEMS = [
    ({"num_labels": 1}, np.array([0.5, -1.0, 2.0, 0.0, 1.5], np.float32)),
    ({"num_labels": 4, "problem_type": "regression"}, np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4)),
    ({"num_labels": 4}, (np.arange(20).reshape(5, 4) % 3 == 0).astype(np.float32)),
    ({"num_labels": 4, "problem_type": "multi_label_classification"}, np.eye(5, 4, dtype=np.float32)),
    ({"num_labels": 4, "problem_type": "single_label_classification"}, np.array([0, 3, -100, 1, 2])),
]


@pytest.mark.parametrize("architecture", ["DistilBert", "Bert"])
@pytest.mark.parametrize(("options", "labels"), PROBLEMS)
def test_problem_types_of_sequence_classification(
    architecture: str, options: dict[str, Any], labels: np.ndarray, tmp_path: Path
) -> None:
    name = architecture + "ForSequenceClassification"
    config = {k: v for k, v in config_of(name).items() if k not in ("id2label", "label2id")}
    peer4(peer_models.build_and_save, name, config | options, str(tmp_path), 5)
    inputs = inputs_for(name, 5) | {"labels": labels}
    theirs = peer4(peer_models.run, name, str(tmp_path), inputs, "sdpa", 5)
    compare(run(name, tmp_path, inputs, "sdpa", 5), theirs, real_places(name, inputs))


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", ["DistilBertModel", "BertModel"])
def test_left_padding_holes_and_a_row_of_nothing_but_padding(name: str, attention: str, tmp_path: Path) -> None:
    peer4(peer_models.build_and_save, name, config_of(name), str(tmp_path), 9)
    inputs = inputs_for(name, 9)
    left = inputs["attention_mask"][:, ::-1].copy()
    holes = inputs["attention_mask"] * (np.arange(33) % 5 != 3)
    nothing = left.copy()
    nothing[2] = 0
    for mask in (left, holes, nothing):
        case = inputs | {"attention_mask": mask}
        theirs = peer4(peer_models.run, name, str(tmp_path), case, "eager", 9)
        ours = run(name, tmp_path, case, attention, 9)
        theirs.pop("attentions"), theirs.pop("gradients") if mask is nothing else None
        compare(ours, theirs, mask == 1)
        assert all(np.isfinite(state).all() for state in ours["hidden_states"])


@pytest.mark.parametrize(
    ("name", "options"),
    [(name, {}) for name in MODELS]
    + [(name, {"tie_word_embeddings": False}) for name in MODELS if name.endswith(("MaskedLM", "PreTraining"))],
)
def test_checkpoints_go_both_ways(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    """What a peer writes opens here bit for bit, and what is written here opens in both peers with nothing amiss."""
    for version, peer in (("4", peer4), ("5", peer5)):
        theirs, back = tmp_path / f"theirs-{version}", tmp_path / f"ours-{version}"
        peer(peer_models.build_and_save, name, config_of(name) | options, str(theirs), 1)
        model, report = getattr(dovela, name).from_pretrained(theirs, output_loading_info=True)
        assert [*report.missing, *report.unexpected, *report.mismatched, *report.fresh] == []
        model.save_pretrained(back)
        inputs = inputs_for(name, 4)
        for other in (peer4, peer5):
            if other is peer:
                first = other(peer_models.run, name, str(theirs), inputs, "sdpa", 4)
                again = other(peer_models.run, name, str(back), inputs, "sdpa", 4)
                compare(again, first, real_places(name, inputs))
                gradients = first["gradients"]
                if "cls.predictions.bias" not in gradients and (bias := "cls.predictions.decoder.bias") in gradients:
                    gradients["cls.predictions.bias"] = gradients.pop(bias)  # the one of the two that 5.x uses untied
                compare(run(name, theirs, inputs, "sdpa", 4), first, real_places(name, inputs))
            info = other(peer_models.loading_info, name, str(back))
            assert info["missing"] == info["unexpected"] == info["mismatched"] == []
            original = other(peer_models.loading_info, name, str(theirs))
            assert set(info["state"]) == set(original["state"])
            for key, value in original["state"].items():
                unused = options and key == "cls.predictions.bias"  # untied, 5.x computes with decoder.bias alone
                if (other is peer and not unused) or not options:
                    assert np.array_equal(info["state"][key], value), key
            assert info["config"]["id2label"] == original["config"]["id2label"]
            assert info["config"]["architectures"] == [name]
        again = getattr(dovela, name).from_pretrained(back)
        assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())


def test_shards_of_a_peer_and_for_a_peer(tmp_path: Path) -> None:
    name = "BertForMaskedLM"
    peer4(peer_models.build_and_save, name, config_of(name), str(tmp_path / "theirs"), 0, "30KB")
    model = dovela.BertForMaskedLM.from_pretrained(tmp_path / "theirs")
    model.save_pretrained(tmp_path / "ours", max_shard_size="30KB")
    assert len(list((tmp_path / "ours").glob("model-*.safetensors"))) > 3
    info = peer4(peer_models.loading_info, name, str(tmp_path / "ours"))
    assert info["missing"] == info["unexpected"] == []
    whole = dovela.BertForMaskedLM.from_pretrained(tmp_path / "ours")
    assert all(torch.equal(whole.state_dict()[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize("name", ["DistilBertForSequenceClassification", "BertModel"])
def test_pruned_heads(name: str, tmp_path: Path) -> None:
    """Pruned there or here, the result is the same, and opens in the other."""
    heads = {0: [1], 2: [0, 3]}
    peer4(peer_models.build_and_save, name, config_of(name), str(tmp_path / "whole"), 2)
    peer4(peer_models.prune_and_save, name, str(tmp_path / "whole"), heads, str(tmp_path / "theirs"))
    model = getattr(dovela, name).from_pretrained(tmp_path / "whole")
    model.prune_heads({0: [1], 2: [0]})
    model.prune_heads({2: [3]})
    model.save_pretrained(tmp_path / "ours")
    inputs = inputs_for(name, 2)
    theirs = peer4(peer_models.run, name, str(tmp_path / "theirs"), inputs, "eager", 2)
    compare(run(name, tmp_path / "ours", inputs, "eager", 2), theirs, real_places(name, inputs))
    compare(run(name, tmp_path / "theirs", inputs, "eager", 2), theirs, real_places(name, inputs))
    again = peer4(peer_models.run, name, str(tmp_path / "ours"), inputs, "eager", 2)
    compare(again, theirs, real_places(name, inputs))
