"""The built-in architectures are choices of the same parts: with the same weights they compute the same bits."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch

import dovela
from architectures import HEADS, architecture_of, config_of, inputs_for
from dovela import AudioEncoderConfig, EncoderConfig, ImageEncoderConfig

# The words by which each says what the architecture fixes.
WORDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "DistilBert": ("Encoder", EncoderConfig, {"positions": "learned"}),
    "Bert": ("Encoder", EncoderConfig, {"pooler": "dense"}),
    "ViT": ("ImageEncoder", ImageEncoderConfig, {"norm_order": "pre"}),
    "Wav2Vec2": ("AudioEncoder", AudioEncoderConfig, {"norm_order": "post"}),
}
OWN = ("architectures", "dovela_version", "do_stable_layer_norm")  # of a preset's file alone
CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("DistilBertModel", {}, {}),
    ("DistilBertModel", {"sinusoidal_pos_embds": True}, {"positions": "sinusoidal"}),
    ("DistilBertForMaskedLM", {"activation": "relu"}, {}),
    ("DistilBertForTokenClassification", {}, {}),
    ("DistilBertForQuestionAnswering", {}, {}),
    *((f"Bert{head}", {}, {}) for head in HEADS["Bert"] if head not in ("ForPreTraining", "ForNextSentencePrediction")),
    ("BertModel", {"hidden_act": "silu", "pruned_heads": {1: [0, 2]}}, {}),
    ("ViTModel", {}, {"pooler": "dense"}),
    ("ViTModel", {"pooler_output_size": 20, "pooler_act": "relu"}, {"pooler": "dense"}),
    ("ViTModel", {"qkv_bias": False}, {"pooler": "dense"}),
    *((f"ViT{head}", {}, {}) for head in HEADS["ViT"] if head != "Model"),
    *((f"Wav2Vec2{head}", {}, {}) for head in HEADS["Wav2Vec2"] if head != "ForPreTraining"),
    ("Wav2Vec2Model", {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}, {"norm_order": "pre"}),
    ("Wav2Vec2Model", {"do_stable_layer_norm": True, "adapter_attn_dim": 4}, {"norm_order": "pre"}),
    ("Wav2Vec2ForCTC", {"add_adapter": True}, {}),
]


def in_parts(preset: Any, name: str, words: dict[str, Any]) -> Any:
    """The same model, by the names of its parts, with the same weights."""
    kind, cls, fixed = WORDS[architecture_of(name)]
    given = {
        field.name: getattr(preset.config, field.name)
        for field in fields(cls)
        if hasattr(preset.config, field.name) and field.name not in ("extra", "pooler", "norm_order", *OWN)
    }
    config = cls(**{**given, **fixed, **words})
    model = getattr(dovela, name.replace(architecture_of(name), kind, 1))(config).eval()
    model.load_state_dict(preset.state_dict())
    return model


@pytest.mark.parametrize(("name", "changes", "words"), CASES)
def test_a_preset_is_its_parts(name: str, changes: dict[str, Any], words: dict[str, Any]) -> None:
    torch.manual_seed(0)
    cls = getattr(dovela, name)
    preset = cls(cls.config_class(**{**config_of(name), **changes})).eval()
    model = in_parts(preset, name, words)
    inputs = {key: torch.from_numpy(value) for key, value in inputs_for(name).items()}
    with torch.no_grad():
        expected, got = preset(**inputs), model(**inputs)
    for key in expected.keys():  # noqa: SIM118
        assert torch.equal(got[key], expected[key]), key
    assert {*got.keys()} - {*expected.keys()} <= {"pooler_output"}  # which DistilBERT has none of


@pytest.mark.parametrize("name", ["Bert", "DistilBert", "ViT", "Wav2Vec2"])
def test_a_preset_has_no_words_for_what_it_fixes(name: str) -> None:
    cls = getattr(dovela, f"{name}Config")
    written = cls().to_dict()
    for word in ("attention", "norm", "positions", "feed_forward", "num_key_value_heads", "window"):
        assert word not in written
        assert hasattr(cls(), word)
        with pytest.raises(dovela.ConfigError, match=word):
            cls(**{word: "full"})
