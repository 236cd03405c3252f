"""Parts chosen by name: what is told of them from a configuration equals what the torch models really are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import dovela
import sounds
from dovela import EncoderConfig
from dovela.inventory import Inventory, inventory
from dovela.inventory_layers import every_pair
from dovela.models.encoder.config import AudioEncoderConfig, ImageEncoderConfig
from dovela.parts import ATTENTIONS, FEED_FORWARDS, NORMS
from dovela.torch.measuring import measured

SIZES: dict[str, Any] = {
    "vocab_size": 41,
    "hidden_size": 24,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 20,
    "max_position_embeddings": 17,
    "attn_implementation": "eager",
    "num_experts": 3,
    "window": 2,
    "num_labels": 5,
}
BATCH, LENGTH = 2, 13

TEXTS: list[dict[str, Any]] = [
    {"attention": "causal", "positions": "none"},
    {"attention": "window", "positions": "rotary", "hidden_size": 32},
    {"attention": "causal-window", "positions": "alibi", "norm_order": "pre"},
    {"attention": "grouped-query", "num_key_value_heads": 2, "norm": "rms"},
    {"attention": "window", "num_key_value_heads": 1, "positions": "rotary", "hidden_size": 32},
    {"attention": "linear", "norm_order": "parallel", "norm": "rms"},
    {"attention": ["window", "window", "full"], "feed_forward": ["mlp", "geglu"], "positions": "sinusoidal"},
    {"feed_forward": "glu", "norm_order": "parallel", "type_vocab_size": 2},
    {"feed_forward": "swiglu", "norm_order": "pre", "pooler": "mean", "qkv_bias": False},
    {"feed_forward": "moe", "pooler": "attention"},
    {"feed_forward": ["moe", "mlp"], "expert": "swiglu", "experts_per_token": 1, "pooler": "dense"},
    {"pooler": "max", "pruned_heads": {0: [1], 2: [0, 3]}, "tie_word_embeddings": False},
]
HEADS = ["Model", "ForMaskedLM", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"]


def shapes(stock: Inventory) -> dict[str, tuple[int, ...]]:
    return {f"{part.name}.{leaf}".rstrip("."): shape for part in stock.parts for leaf, shape in part.tensors.items()}


def dense(stock: Inventory, length: int) -> int:
    """Operations of kernels that compute the hidden pairs too."""
    return sum(replace(part, pairs=every_pair).flops(length, BATCH) for part in stock.parts)


def check(name: str, config: Any, length: int, *inputs: torch.Tensor) -> None:
    model, stock = getattr(dovela, name)(config).eval(), inventory(config, name)
    assert shapes(stock) == {k.removeprefix("backbone."): tuple(t.shape) for k, t in model.state_dict().items()}
    assert stock.parameters == model.num_parameters()
    frozen = sum(part.parameters for part in stock.parts if part.frozen)
    assert stock.parameters - frozen == model.num_parameters(only_trainable=True)
    assert stock.state_bytes() == 16 * stock.parameters - 12 * frozen
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(*inputs)
    assert dense(stock, length) == counter.get_total_flops()


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("words", TEXTS, ids=lambda words: "-".join(map(str, words.values())))
def test_texts(head: str, words: dict[str, Any]) -> None:
    check(f"Encoder{head}", EncoderConfig(**SIZES | words), LENGTH, torch.randint(1, 40, (BATCH, LENGTH)))


IMAGES: list[dict[str, Any]] = [
    {"positions": "rotary", "hidden_size": 32, "norm": "rms", "feed_forward": "swiglu", "pooler": "attention"},
    {"positions": "sinusoidal", "norm_order": "post", "pooler": "dense", "pooler_output_size": 24},
    {"positions": "none", "norm_order": "parallel", "feed_forward": ["mlp", "moe"], "num_key_value_heads": 2},
    {"attention": ["full", "linear"], "pooler": "mean"},
]


@pytest.mark.parametrize("head", ["Model", "ForImageClassification", "ForMaskedImageModeling"])
@pytest.mark.parametrize("words", IMAGES, ids=lambda words: "-".join(map(str, words.values())))
def test_images(head: str, words: dict[str, Any]) -> None:
    sizes = {word: SIZES[word] for word in SIZES if word not in ("vocab_size", "max_position_embeddings")}
    image = {"image_size": (14, 21), "patch_size": 3, "num_channels": 2, "encoder_stride": 3}
    config = ImageEncoderConfig(**sizes | image | words)
    check(f"ImageEncoder{head}", config, 1, torch.randn(BATCH, 2, 14, 21))


SOUND: list[dict[str, Any]] = [
    {"positions": "learned", "norm": "rms", "pooler": "attention", "feed_forward": "geglu"},
    {"positions": "alibi", "norm_order": "pre", "attention": ["causal", "full"]},
    {"positions": "sinusoidal", "norm_order": "parallel", "num_key_value_heads": 1, "pooler": "dense"},
    {"attention": "linear", "feed_forward": "moe", "use_weighted_layer_sum": True},
]


@pytest.mark.parametrize("head", ["Model", "ForCTC", "ForSequenceClassification", "ForXVector"])
@pytest.mark.parametrize("words", SOUND, ids=lambda words: "-".join(map(str, words.values())))
def test_sound(head: str, words: dict[str, Any]) -> None:
    chosen = {word: SIZES[word] for word in ("num_experts", "window", "attn_implementation")}
    config = AudioEncoderConfig(**sounds.WAV2VEC2 | chosen | words)
    check(f"AudioEncoder{head}", config, 1, torch.randn(BATCH, 16000))


def test_a_model_that_writes_on() -> None:
    config = EncoderConfig(**SIZES, attention="causal")
    check("EncoderForCausalLM", config, LENGTH, torch.randint(1, 40, (BATCH, LENGTH)))


@pytest.mark.parametrize("kind", ["full", "causal", "window", "causal-window"])
@pytest.mark.parametrize("length", [1, 2, 3, 13])
def test_the_pairs_that_may_attend(kind: str, length: int) -> None:
    config = EncoderConfig(**SIZES, attention=kind)
    place = torch.arange(length)
    allowed = ATTENTIONS.get(kind)(config).allow(place[:, None], place[None])
    (kernel,) = [part for part in inventory(config).parts if part.name == "layers.0.attention.kernel"]
    assert kernel.pairs(length) == (length**2 if allowed is None else int(allowed.sum()))


def test_linear_attention_is_linear() -> None:
    stock = inventory(EncoderConfig(**SIZES, attention="linear"))
    assert stock.flops(1000) == 10 * stock.flops(100)


def test_what_lies_idle_is_told() -> None:
    config = EncoderConfig(**SIZES, feed_forward=["moe", "mlp"])
    idle = 2 * (20 * 24 + 20 + 24 * 20 + 24)  # of two layers, one expert of three
    assert inventory(config).notes == (
        f"2 of 3 experts work on a token, so {idle:,} of the parameters lie idle for it",
    )


class Guessed:
    """A part of one's own."""


def test_a_part_of_ones_own_cannot_be_told() -> None:
    for registry in (ATTENTIONS, FEED_FORWARDS, NORMS):
        registry.register("guessed", Guessed)
    config = EncoderConfig(**SIZES, attention=["guessed", "full"], feed_forward="guessed", norm="guessed")
    stock = inventory(config)
    assert stock.notes == (
        "attention of the kind 'guessed' is counted as 'full'",
        "norm of the kind 'guessed' is counted as 'layer'",
        "feed-forward of the kind 'guessed' is counted as 'mlp'",
    )
    assert stock.parameters == inventory(EncoderConfig(**SIZES)).parameters


@pytest.mark.parametrize("positions", ["rotary", "alibi", "none"])
def test_without_a_table_of_positions_no_length_is_too_long(positions: str) -> None:
    measure = inventory(EncoderConfig(positions=positions)).measure
    assert (measure.usual, measure.longest) == (128, None)


@pytest.mark.parametrize(
    ("name", "length", "words"),
    [
        ("BertForMaskedLM", 64, {}),
        ("DistilBertForSequenceClassification", 128, {}),
        ("EncoderForSequenceClassification", 64, {"feed_forward": "swiglu", "norm_order": "pre", "norm": "rms"}),
        ("EncoderForSequenceClassification", 64, {"positions": "rotary", "num_key_value_heads": 3}),
        ("EncoderForCausalLM", 64, {"attention": "causal", "norm_order": "parallel"}),
        ("EncoderForSequenceClassification", 64, {"attention": "linear", "feed_forward": "geglu"}),
        ("ViTForImageClassification", 1, {}),
        ("Wav2Vec2ForCTC", 4, {}),
    ],
    ids=str,
)
def test_the_estimate_of_activations_is_near_what_autograd_keeps(name: str, length: int, words: dict[str, Any]) -> None:
    model = getattr(dovela, name)
    config = model.config_class(num_hidden_layers=3, **words)
    estimate = inventory(config, name).activation_bytes(length, 8)
    assert estimate == pytest.approx(measured(model, config, 8, length).activation_bytes(length, 8), rel=0.15)


def test_training_takes_states_and_activations() -> None:
    stock = inventory(EncoderConfig())
    assert stock.state_bytes() == 16 * stock.parameters
    assert stock.training_bytes(64, 2) == stock.state_bytes() + 2 * stock.activation_bytes(64)
    assert stock.activation_bytes() == stock.activation_bytes(128)
