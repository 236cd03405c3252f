"""The configuration of ViT: its fields, and what does not fit together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import peer_configs
from dovela import AutoConfig, ConfigError, ViTConfig
from peers import peer4, peer5


@pytest.mark.parametrize(
    ("fields", "grid"),
    [
        ({}, (14, 14)),
        ({"image_size": 30, "patch_size": 3}, (10, 10)),
        ({"image_size": (32, 48), "patch_size": (16, 8)}, (2, 6)),
        ({"image_size": [33, 47], "patch_size": 16}, (2, 2)),  # what is left over is not seen
        ({"image_size": 7, "patch_size": 7}, (1, 1)),
    ],
)
def test_the_grid_of_patches(fields: dict[str, Any], grid: tuple[int, int]) -> None:
    assert ViTConfig(**fields).grid == grid


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"image_size": 8}, r"ViTConfig: patch_size \(16\) is larger than image_size \(8\)"),
        ({"image_size": (32, 8)}, r"patch_size \(16\) is larger than image_size \(\(32, 8\)\)"),
        ({"patch_size": (16, 225)}, r"patch_size \(\(16, 225\)\) is larger"),
        ({"image_size": 0}, r"image_size: 0 is not a number of at least 1 or a list of 2"),
        ({"image_size": (224, 224, 3)}, r"image_size: \(224, 224, 3\) is not an integer or a list of 2"),
        ({"image_size": {"height": 224, "width": 224}}, r"image_size: .* is not an integer or a list of 2"),
        ({"image_size": 224.5}, r"image_size: 224.5 is not an integer"),
        ({"patch_size": (16, 0)}, r"patch_size: .* a number of at least 1 at \[1\]"),
        ({"num_channels": 0}, r"num_channels: 0 is not a number of at least 1"),
        (
            {"hidden_size": 10, "num_attention_heads": 3},
            r"hidden_size \(10\) is no multiple of num_attention_heads \(3\)",
        ),
        ({"pooler_act": "tnh"}, r"pooler_act: 'tnh' is not a registered activation; did you mean 'tanh'\?"),
        ({"vocab_size": 5}, r"vocab_size: there is no such field"),
        ({"path_size": 8}, r"path_size: there is no such field; did you mean 'patch_size'\?"),
        ({"qkv_bias": "yes"}, r"qkv_bias: 'yes' is not true or false"),
        ({"is_decoder": True}, r"is_decoder: True is an option that dovela does not have"),
        ({"pruned_heads": {12: [0]}}, r"pruned_heads names layer 12, and there are 12"),
    ],
)
def test_what_does_not_fit(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ViTConfig(**fields)


def test_the_common_words_read_and_write() -> None:
    config = ViTConfig(activation="relu", dropout=0.1, norm_eps=1e-6)
    assert (config.hidden_act, config.hidden_dropout_prob, config.layer_norm_eps) == ("relu", 0.1, 1e-6)
    config.attention_dropout = 0.3
    assert config.attention_probs_dropout_prob == 0.3
    with pytest.raises(ConfigError, match="both are given"):
        ViTConfig(dropout=0.1, hidden_dropout_prob=0.1)


@pytest.mark.parametrize("fields", [{}, {"image_size": (32, 48), "patch_size": (16, 8), "pooler_output_size": 5}])
def test_it_comes_back_from_a_file(fields: dict[str, Any], tmp_path: Path) -> None:
    config = ViTConfig(**fields)
    config.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path) == ViTConfig.from_pretrained(tmp_path / "config.json") == config


FIELDS = {"image_size": [32, 48], "patch_size": [16, 8], "qkv_bias": False, "hidden_act": "relu", "encoder_stride": 8}


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
def test_configurations_go_both_ways(peer: Any, tmp_path: Path) -> None:
    theirs = peer(peer_configs.write, str(tmp_path / "theirs"), "vit", FIELDS)
    config = ViTConfig.from_pretrained(tmp_path / "theirs")
    own = {name: value for name, value in config.to_dict().items() if name in theirs and name in vars(ViTConfig())}
    assert own["image_size"] == (32, 48)
    for name, value in own.items():
        expected = theirs[name]
        assert value == (tuple(expected) if isinstance(value, tuple) else expected), name
    config.save_pretrained(tmp_path / "ours")
    again = peer(peer_configs.read, str(tmp_path / "ours"))
    for name in own.keys() - {"architectures", "dtype"}:
        assert again[name] == theirs[name], name


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
def test_the_defaults_are_the_peers(peer: Any, tmp_path: Path) -> None:
    theirs, ours = peer(peer_configs.write, str(tmp_path), "vit", {}), vars(ViTConfig())
    shared = {name for name in ours if name in theirs} - {"pooler_output_size", "dtype", "architectures"}
    assert len(shared) > 15
    assert {name: ours[name] for name in shared} == {name: _from_json(theirs[name]) for name in shared}
    assert theirs["pooler_output_size"] == ViTConfig().hidden_size  # which None stands for


def _from_json(value: Any) -> Any:
    return {int(key): item for key, item in value.items()} if isinstance(value, dict) else value
