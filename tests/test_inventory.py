"""What is told from a configuration alone equals what the torch models really are."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import dovela
from dovela import BertConfig, ConfigError, DistilBertConfig, EncoderConfig, PreTrainedModel, ViTConfig
from dovela.config import PretrainedConfig
from dovela.inventory import PARTS, inventory, text_encoder_with_heads
from dovela.torch import Encoder

CLASSES = [n for n in dovela.__all__ if n.startswith(("BertFor", "BertModel", "DistilBertFor", "DistilBertModel"))]
SIZES = {
    "vocab_size": 41,
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 20,
    "max_position_embeddings": 17,
}
BATCH, LENGTH, CHOICES = 2, 7, 3


def small(name: str, **fields: object) -> PretrainedConfig:
    cls = BertConfig if name.startswith("Bert") else DistilBertConfig
    return cls(**SIZES | {"num_labels": 5} | fields)


def described(config: PretrainedConfig, name: str) -> tuple[dict[str, tuple[int, ...]], set[str]]:
    """All tensors with their shapes, and which of them are another's."""
    parts = inventory(config, name).parts
    shapes = {f"{part.name}.{leaf}": shape for part in parts for leaf, shape in part.tensors.items()}
    return shapes, {f"{part.name}.{leaf}" for part in parts for leaf in part.tied}


def measured_flops(model: nn.Module, choices: bool = False) -> int:
    ids = torch.randint(1, 40, (BATCH, CHOICES, LENGTH) if choices else (BATCH, LENGTH))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(ids)
    return counter.get_total_flops()


IMAGE = {"image_size": (14, 21), "patch_size": 3, "num_channels": 2, "encoder_stride": 3}


@pytest.mark.parametrize("name", ["ViTModel", "ViTForImageClassification", "ViTForMaskedImageModeling"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"qkv_bias": False, "pooler_output_size": 7}, {"pruned_heads": {0: [1], 2: [0, 3]}}, {"patch_size": (7, 5)}],
    ids=["plain", "options", "pruned", "patches"],
)
def test_it_is_the_real_model_of_images(name: str, fields: dict[str, object]) -> None:
    sizes = {word: SIZES[word] for word in SIZES if word not in ("vocab_size", "max_position_embeddings")}
    config = ViTConfig(**sizes | IMAGE | {"num_labels": 5, "attn_implementation": "eager"} | fields)
    model, stock = getattr(dovela, name)(config), inventory(config, name)
    shapes = {key.rstrip("."): shape for key, shape in described(config, name)[0].items()}
    assert shapes == {k.removeprefix("backbone."): tuple(t.shape) for k, t in model.state_dict().items()}
    assert stock.parameters == model.num_parameters()
    pixels = torch.randn(BATCH, 2, *config.image_shape)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(pixels)
    assert stock.flops(batch=BATCH) == stock.flops(1, BATCH) == counter.get_total_flops()
    assert (stock.measure.unit, stock.measure.of, stock.notes) == ("image", "14 × 21 pixels", ())


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(
    "fields",
    [{}, {"tie_word_embeddings": False}, {"pruned_heads": {0: [1], 2: [0, 3]}}],
    ids=["plain", "untied", "pruned"],
)
def test_it_is_the_real_model(name: str, fields: dict[str, object]) -> None:
    config = small(name, attn_implementation="eager", **fields)
    model = getattr(dovela, name)(config)
    stock = inventory(config, name)
    shapes, tied = described(config, name)
    state = {key.removeprefix("backbone."): tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    assert shapes == state
    assert bool(tied) == (
        name.endswith(("ForMaskedLM", "ForPreTraining")) and fields.get("tie_word_embeddings") is not False
    )
    assert stock.parameters == sum(p.numel() for p in model.parameters())
    assert stock.bytes(32) == sum(p.numel() * p.element_size() for p in model.parameters())
    assert stock.bytes(16) == sum(p.numel() * p.element_size() for p in model.to(torch.bfloat16).parameters())
    choices = name.endswith("MultipleChoice")
    model.to(torch.float32)
    assert stock.flops(LENGTH, BATCH * (CHOICES if choices else 1)) == measured_flops(model, choices)
    assert stock.notes == ()


def test_fixed_positions_are_counted_as_the_weights_that_they_are() -> None:
    config = DistilBertConfig(**SIZES, sinusoidal_pos_embds=True)
    model = dovela.DistilBertModel(config)
    assert inventory(config).parameters == sum(p.numel() for p in model.parameters())


def test_the_published_sizes() -> None:
    assert inventory(BertConfig()).parameters == 109_482_240
    assert inventory(DistilBertConfig()).parameters == 66_362_880
    assert inventory(ViTConfig()).parameters == 86_389_248


def test_the_head_is_the_one_that_the_configuration_names() -> None:
    config = small("Bert", architectures=["BertForTokenClassification"])
    stock = inventory(config)
    assert stock.architecture == "BertForTokenClassification"
    assert [part.name for part in stock.parts][-2:] == ["layers.2.mlp_norm", "classifier.out"]
    assert inventory(config, "").parts[-1].name == "pooler.dense"


@pytest.mark.parametrize("name", ["BertLMHeadModel", "BertForDreaming", "Something"])
def test_an_unknown_head_is_said_to_be_left_out(name: str) -> None:
    stock = inventory(small("Bert"), name)
    assert stock.notes == (f"the head of {name} is not known here, and not counted",)
    assert stock.parameters == inventory(small("Bert")).parameters


class OwnConfig(EncoderConfig, model_type="inventory-own"):
    """A type of one's own, with the common words."""


class OwnForSequenceClassification(PreTrainedModel, config=OwnConfig, task="sequence-classification"):
    def __init__(self, config: OwnConfig) -> None:
        super().__init__(config)
        self.encoder, self.head = Encoder(config), nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(input_ids).last_hidden_state[:, 0])


@pytest.mark.parametrize("types", [0, 3])
def test_an_encoder_of_ones_own_needs_no_description(types: int) -> None:
    config = OwnConfig(**SIZES, type_vocab_size=types, norm_order="pre", attn_implementation="eager", num_labels=3)
    model = OwnForSequenceClassification(config)
    stock = inventory(config, "OwnForSequenceClassification")
    assert stock.parameters == sum(p.numel() for p in model.parameters())
    assert stock.flops(LENGTH, BATCH) == measured_flops(model)
    assert stock.notes == (
        "OwnForSequenceClassification is a class of its own: its head is counted as dovela.torch.text_heads writes it",
    )


class BertOfOnesOwn(BertConfig, model_type="inventory-bert"):
    """A type that is BERT but for its name."""


def test_a_subclass_is_described_as_its_base() -> None:
    stock = inventory(BertOfOnesOwn(**SIZES))
    assert (stock.model_type, stock.parts[-1].name, stock.notes) == ("inventory-bert", "pooler.dense", ())


class NoEncoder(PretrainedConfig, model_type="inventory-none"):
    width: int = 3


def test_a_configuration_without_the_common_words() -> None:
    with pytest.raises(ConfigError) as caught:
        inventory(NoEncoder())
    assert str(caught.value) == (
        "NoEncoder: has no vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, "
        "max_position_embeddings, type_vocab_size, so the parts of its models cannot be told. "
        "Describe them: dovela.inventory.PARTS.register('inventory-none', function)."
    )


def test_the_usual_length_of_a_text() -> None:
    stock = inventory(BertConfig())
    assert (stock.measure.unit, stock.measure.usual, stock.measure.longest) == ("token", 128, 512)
    assert stock.flops() == stock.flops(128)
    assert inventory(BertConfig(max_position_embeddings=20)).measure.usual == 20


class Described(EncoderConfig, model_type="inventory-described"):
    """A type whose parts are told by a function of its own."""


def test_a_description_can_be_registered() -> None:
    def parts(config: Described) -> dict[str, list[object]]:
        return {"": text_encoder_with_heads(config)[""][:1]}

    PARTS.register("inventory-described", parts)
    assert inventory(Described(**SIZES)).parameters == SIZES["vocab_size"] * SIZES["hidden_size"]
