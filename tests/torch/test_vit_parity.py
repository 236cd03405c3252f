"""ViT beside transformers 4.57.6: odd sizes, options, positions for other sizes, losses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
import peer_models
from architectures import config_of, inputs_for
from peers import peer4, peer5

pytestmark = pytest.mark.peer
TOLERANCE = 1e-5  # of 1 + the largest value


def compare(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        if isinstance(value, dict):
            compare(ours[key], value)
            continue
        pairs = zip(ours[key], value, strict=True) if isinstance(value, (list, tuple)) else [(ours[key], value)]
        for mine, other in pairs:
            assert mine.shape == other.shape, key
            assert np.abs(mine - other).max() <= TOLERANCE * (1 + np.abs(other).max()), key


def run(name: str, folder: Path, inputs: dict[str, Any], attention: str = "sdpa") -> dict[str, Any]:
    model = getattr(dovela, name).from_pretrained(folder, attn_implementation=attention)
    output = model(**peer_models.as_tensors(inputs), output_hidden_states=True, output_attentions=attention == "eager")
    result = peer_models.flatten(output)
    peer_models.objective(output, None, 0).backward()
    gradients = {n: p.grad.numpy() for n, p in model.named_parameters() if p.grad is not None}
    headed = hasattr(model, "backbone")
    result["gradients"] = {model.weight_map.write(n, headed=headed): g for n, g in gradients.items()}
    return result


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("ViTModel", {"image_size": [12, 21]}),
    ("ViTModel", {"image_size": [20, 12], "patch_size": [5, 2], "num_channels": 1}),
    ("ViTModel", {"image_size": 14}),  # no multiple of the patches' size
    ("ViTModel", {"qkv_bias": False, "pooler_output_size": 20, "pooler_act": "relu"}),
    ("ViTForImageClassification", {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3, "image_size": [9, 3]}),
    ("ViTForImageClassification", {"num_channels": 4, "patch_size": 12}),
    ("ViTForMaskedImageModeling", {"num_channels": 1, "patch_size": 2, "encoder_stride": 2}),
]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=[f"{n}-{'-'.join(o)}" for n, o in OPTIONS])
def test_sizes_and_options(name: str, options: dict[str, Any], attention: str, tmp_path: Path) -> None:
    config = config_of(name) | options
    peer4(peer_models.build_and_save, name, config, str(tmp_path), 3)
    size = config["image_size"]
    inputs: dict[str, Any] = {
        "pixel_values": pixels(3, config["num_channels"], *(size if isinstance(size, list) else (size, size)))
    }
    if name == "ViTForMaskedImageModeling":
        inputs["bool_masked_pos"] = pixels(3, 36) > 0
    if name == "ViTForImageClassification":
        inputs["labels"] = np.array([2, 0, 1])
    theirs = peer4(peer_models.run, name, str(tmp_path), inputs, attention, 0)
    compare(run(name, tmp_path, inputs, attention), theirs)


@pytest.mark.parametrize("name", ["ViTModel", "ViTForImageClassification"])
@pytest.mark.parametrize("size", [(12, 12), (18, 9), (24, 24), (6, 24), (13, 20), (3, 3)])
def test_positions_are_interpolated(name: str, size: tuple[int, int], tmp_path: Path) -> None:
    peer4(peer_models.build_and_save, name, config_of(name), str(tmp_path), 4)
    inputs = {"pixel_values": pixels(2, 2, *size), "interpolate_pos_encoding": True}
    if name == "ViTForImageClassification":
        inputs["labels"] = np.array([2, 0])
    compare(run(name, tmp_path, inputs), peer4(peer_models.run, name, str(tmp_path), inputs, "sdpa", 0))


@pytest.mark.parametrize("hidden", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["bool", "int64", "float32"])
def test_losses_of_masked_image_modeling(hidden: float, kind: str, tmp_path: Path) -> None:
    name = "ViTForMaskedImageModeling"
    peer4(peer_models.build_and_save, name, config_of(name), str(tmp_path), 5)
    mask = np.random.default_rng(1).random((5, 16)) < hidden
    inputs = inputs_for(name, 5) | {"bool_masked_pos": mask}
    theirs = peer4(peer_models.run, name, str(tmp_path), inputs, "sdpa", 0)
    compare(run(name, tmp_path, inputs | {"bool_masked_pos": mask.astype(kind)}), theirs)


def test_the_mask_token_of_a_model_without_a_head(tmp_path: Path) -> None:
    """A file with a mask token opens with and without one, and hides what the peer hides."""
    peer4(peer_models.build_and_save, "ViTForMaskedImageModeling", config_of("ViTModel"), str(tmp_path), 6)
    inputs = inputs_for("ViTForMaskedImageModeling", 6)
    theirs = peer4(peer_models.run, "ViTForMaskedImageModeling", str(tmp_path), inputs, "sdpa", 0)
    model, report = dovela.ViTModel.from_pretrained(
        tmp_path, use_mask_token=True, add_pooling_layer=False, output_loading_info=True
    )
    assert report.fresh == report.missing == report.unexpected == []
    states = model(**peer_models.as_tensors(inputs), output_hidden_states=True).hidden_states
    compare({"states": [state.detach().numpy() for state in states]}, {"states": theirs["hidden_states"]})


PROBLEMS = [
    ({"num_labels": 1}, np.array([0.5, -1.0, 2.0, 0.0, 1.5], np.float32)),
    ({"num_labels": 4, "problem_type": "regression"}, np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4)),
    ({"num_labels": 4, "problem_type": "multi_label_classification"}, np.eye(5, 4, dtype=np.float32)),
    ({"num_labels": 4, "problem_type": "single_label_classification"}, np.array([0, 3, -100, 1, 2])),
]


@pytest.mark.parametrize(("options", "labels"), PROBLEMS, ids=["number", "numbers", "yes-and-no", "classes"])
def test_problem_types_of_image_classification(options: dict[str, Any], labels: np.ndarray, tmp_path: Path) -> None:
    name = "ViTForImageClassification"
    config = {k: v for k, v in config_of(name).items() if k not in ("id2label", "label2id")}
    peer4(peer_models.build_and_save, name, config | options, str(tmp_path), 5)
    inputs = inputs_for(name, 5) | {"labels": labels}
    compare(run(name, tmp_path, inputs), peer4(peer_models.run, name, str(tmp_path), inputs, "sdpa", 0))


def test_heads_pruned_here_and_there(tmp_path: Path) -> None:
    """Pruned there or here, the result is the same, and opens in the other."""
    name, inputs = "ViTForImageClassification", inputs_for("ViTForImageClassification", 2)
    peer4(peer_models.build_and_save, name, config_of(name), str(tmp_path / "whole"), 2)
    peer4(peer_models.prune_and_save, name, str(tmp_path / "whole"), {0: [1], 2: [0, 3]}, str(tmp_path / "theirs"))
    model = dovela.ViTForImageClassification.from_pretrained(tmp_path / "whole")
    model.prune_heads({0: [1], 2: [0]})
    model.prune_heads({2: [3]})
    model.save_pretrained(tmp_path / "ours")
    theirs = peer4(peer_models.run, name, str(tmp_path / "theirs"), inputs, "eager", 0)
    compare(run(name, tmp_path / "ours", inputs, "eager"), theirs)
    compare(run(name, tmp_path / "theirs", inputs, "eager"), theirs)
    compare(peer4(peer_models.run, name, str(tmp_path / "ours"), inputs, "eager", 0), theirs)


@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
def test_images_that_are_not_square_are_written_for_the_peers(peer: Any, tmp_path: Path) -> None:
    config = dovela.ViTConfig(**config_of("ViTModel") | {"image_size": (12, 21), "qkv_bias": False})
    model = dovela.ViTModel(config).eval()
    model.save_pretrained(tmp_path)
    info = peer(peer_models.loading_info, "ViTModel", str(tmp_path))
    assert info["missing"] == info["unexpected"] == info["mismatched"] == []
    inputs = {"pixel_values": pixels(2, 2, 12, 21)}
    theirs = peer(peer_models.run, "ViTModel", str(tmp_path), inputs, "sdpa", 0)
    ours = model(torch.from_numpy(inputs["pixel_values"]))
    compare({"pooled": ours.pooler_output.detach().numpy()}, {"pooled": theirs["pooler_output"]})


def test_parameters_are_counted_as_the_peer_does() -> None:
    for name in ("ViTModel", "ViTForImageClassification", "ViTForMaskedImageModeling"):
        with torch.device("meta"):
            model = getattr(dovela, name)(dovela.ViTConfig())
        assert model.num_parameters() == peer4(peer_models.num_parameters, name, {}), name
