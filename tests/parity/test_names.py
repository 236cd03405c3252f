"""The paths of Flax and Keras models and torch's state names are one to one by the leaf rules alone."""

from __future__ import annotations

from typing import Any

import pytest

import dovela
from frameworks import cases, in_framework, installed, small_config
from sounds import WAV2VEC2

ADAPTED = {"add_adapter": True, "output_hidden_size": 36, "do_stable_layer_norm": True, "feat_extract_norm": "layer"}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("BertForMaskedLM", {"tie_word_embeddings": False}),
    ("BertModel", {"pruned_heads": {0: [1], 1: [0, 2]}}),
    ("DistilBertForMaskedLM", {"tie_word_embeddings": False}),
    ("DistilBertModel", {"sinusoidal_pos_embds": True}),
    ("DistilBertModel", {"pruned_heads": {0: [1]}}),
    ("Wav2Vec2Model", {"conv_bias": True}),
    ("Wav2Vec2ForCTC", ADAPTED),
    ("Wav2Vec2ForSequenceClassification", {"use_weighted_layer_sum": True}),
    ("Wav2Vec2ForXVector", {"tdnn_dim": [20, 28], "tdnn_kernel": [4, 1], "tdnn_dilation": [1, 3]}),
]


def state_shapes(name: str, config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    cls = getattr(dovela, name)
    return {key: tuple(value.shape) for key, value in cls(cls.config_class(**config)).named_parameters()}


def compare(framework: str, name: str, config: dict[str, Any]) -> None:
    if not installed(framework):
        pytest.skip(f"{framework} is not installed")
    assert in_framework(framework, "shapes", name, config) == state_shapes(name, config)


KITS = [case for case in cases() if case[0] != "keras-jax"]  # names do not depend on the backend


@pytest.mark.parametrize(("framework", "name"), KITS, ids=lambda part: part)
def test_every_parameter_has_torchs_name_and_shape(framework: str, name: str) -> None:
    compare(framework, name, small_config(name))


@pytest.mark.parametrize(("name", "changes"), VARIANTS, ids=[f"{n}-{'-'.join(c)}" for n, c in VARIANTS])
@pytest.mark.parametrize("framework", ["flax", "keras"])
def test_with_other_options_too(framework: str, name: str, changes: dict[str, Any]) -> None:
    if (framework, name) not in cases():
        pytest.skip(f"{framework} has no {name}")
    base = WAV2VEC2 | {"num_hidden_layers": 2} if name.startswith("Wav2Vec2") else small_config(name)
    compare(framework, name, base | changes)
