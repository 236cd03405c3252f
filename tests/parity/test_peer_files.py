"""What a Flax or Keras model writes opens in the peer: in its torch, its Flax and its TensorFlow classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import peer_frameworks
import peer_models
from architectures import inputs_for, real_places
from comparing import assert_close
from frameworks import cases, in_framework, installed, make, tolerance
from peers import peer4, peer4_flax, peer4_tf, peer5

pytestmark = pytest.mark.peer
PEERS_SOUNDS = {  # the peer's Flax has no other kind, and the convolutions of its TF take one width
    "do_stable_layer_norm": True,
    "feat_extract_norm": "layer",
    "conv_bias": True,
    "conv_dim": [20, 20, 20],
}
TEXT = ["Model", "ForMaskedLM", "ForSequenceClassification", "ForQuestionAnswering", "ForTokenClassification"]
TEXT += ["ForMultipleChoice"]
BERT = [*TEXT, "ForNextSentencePrediction", "ForPreTraining"]
VIT = ["Model", "ForImageClassification"]
CLASSIFIED = ["Model", "ForCTC", "ForSequenceClassification"]
PEERS = {  # what the peer has a class for, by the framework
    "flax": {"Bert": BERT, "DistilBert": TEXT, "ViT": VIT, "Wav2Vec2": ["Model", "ForCTC"]},
    "keras": {
        "Bert": BERT,
        "DistilBert": TEXT,
        "ViT": VIT,
        "Wav2Vec2": ["Model", "ForCTC", "ForSequenceClassification"],
    },
}
OURS = [(framework, name) for framework, name in cases() if framework != "keras-jax"]
THEIRS = [
    (framework, name) for framework, name in OURS if name in [a + h for a, hs in PEERS[framework].items() for h in hs]
]
LABELS = ("labels", "next_sentence_label", "start_positions", "end_positions")


def saved(framework: str, name: str, folder: Path) -> str:
    """A checkpoint that torch wrote, opened in the framework and written again."""
    if not installed(framework):
        pytest.skip(f"{framework} is not installed")
    changes = PEERS_SOUNDS if name.startswith("Wav2Vec2") else {}
    make(name, folder / "torch", seed=2, **changes)
    in_framework(framework, "save", name, str(folder / "torch"), str(folder / "ours"))
    return str(folder / "ours")


def compare(ours: dict[str, Any], theirs: dict[str, Any], name: str, real: Any) -> None:
    shared = [key for key in ours if key in theirs]
    assert shared
    for key in shared:
        by_place = real is not None and ours[key].shape[:2] == real.shape
        assert_close(ours[key], theirs[key], key, tolerance(name), real if by_place else None)


@pytest.mark.slow
@pytest.mark.parametrize(("framework", "name"), OURS, ids=lambda part: part)
def test_the_peers_torch_classes_open_the_file(framework: str, name: str, tmp_path: Path) -> None:
    folder = saved(framework, name, tmp_path)
    inputs = inputs_for(name, 1, ragged=not name.endswith("XVector"))  # whose statistics take in padding in the peer
    for peer in (peer4, peer5):
        info = peer(peer_models.loading_info, name, folder)
        assert info["missing"] == info["unexpected"] == info["mismatched"] == []
    ours = in_framework(framework, "eagerly", name, folder, inputs)
    compare(ours, peer4(peer_frameworks.torch_outputs, name, folder, inputs), name, real_places(name, inputs))


QUICK = {("flax", "BertForMaskedLM"), ("keras", "BertForMaskedLM"), ("flax", "ViTModel"), ("keras", "ViTModel")}
EACH = [pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow) for case in THEIRS]


@pytest.mark.parametrize(("framework", "name"), EACH, ids=lambda part: part)
def test_the_peers_own_classes_of_the_framework_open_the_file(framework: str, name: str, tmp_path: Path) -> None:
    folder = saved(framework, name, tmp_path)
    inputs = {key: value for key, value in inputs_for(name, 1).items() if key not in LABELS}
    ours = in_framework(framework, "eagerly", name, folder, inputs)
    if framework == "flax":
        theirs = peer4_flax(peer_frameworks.flax_outputs, name, folder, inputs)
    else:
        peer4(peer_frameworks.as_pickle, name, folder)
        theirs = peer4_tf(peer_frameworks.tf_outputs, name, folder, inputs)
    compare(ours, theirs, name, real_places(name, inputs))
