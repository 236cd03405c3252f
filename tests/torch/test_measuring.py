"""Models of one's own, built without memory and watched as they run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import dovela
from dovela import EncoderConfig, PreTrainedModel, ViTConfig
from dovela.config import PretrainedConfig
from dovela.inventory import inventory
from dovela.quantities import quantity
from dovela.torch import Attention, Encoder, measuring, register_attention
from dovela.torch.measuring import measured

TINY: dict[str, Any] = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 4, "intermediate_size": 20}


@pytest.mark.parametrize(
    ("name", "length"),
    [("BertForPreTraining", 32), ("DistilBertForMultipleChoice", 9), ("ViTForMaskedImageModeling", 1)],
)
def test_it_agrees_with_what_the_configuration_tells(name: str, length: int) -> None:
    cls = getattr(dovela, name)
    config = cls.config_class(**TINY, **({"encoder_stride": 16} if "ViT" in name else {"vocab_size": 50}))
    seen, told = measured(cls, config, 3, length), inventory(config, name)
    assert {p.name: dict(p.tensors) for p in seen.parts if p.tensors} == _grouped(told)
    assert seen.parameters == told.parameters
    assert seen.flops(length, 3) == told.flops(length, 3)
    assert seen.state_bytes() == told.state_bytes()
    assert seen.measure == told.measure


def _grouped(stock: Any) -> dict[str, dict[str, tuple[int, ...]]]:
    """As modules own them: a parameter that is no layer's belongs to the module above, but for the model's own."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for part in stock.parts:
        above, _, leaf = part.name.rpartition(".")
        for name, shape in part.tensors.items():
            owner, name = (part.name, name) if name or not above else (above, leaf)
            found.setdefault(owner, {})[name] = shape
    return found


class SeenConfig(EncoderConfig, model_type="measured-near"):
    attention: str = "measured-near"


@register_attention("measured-near")
class SeenAttention(Attention):
    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        return (q_pos - k_pos).abs() <= 3


class SeenForSequenceClassification(PreTrainedModel, config=SeenConfig, task="sequence-classification"):
    def __init__(self, config: SeenConfig) -> None:
        super().__init__(config)
        self.encoder, self.head = Encoder(config), nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        return self.head(self.encoder(input_ids, attention_mask).last_hidden_state[:, 0])


def test_a_model_with_a_part_of_ones_own() -> None:
    config = SeenConfig(**TINY, vocab_size=50, num_labels=3)
    seen = measured(SeenForSequenceClassification, config, 2, 16)
    told = inventory(config.replace(attention="full"), "SeenForSequenceClassification")
    assert seen.flops(16, 2) == told.flops(16, 2)  # hidden pairs are computed
    assert seen.parameters == sum(p.numel() for p in SeenForSequenceClassification(config).parameters())
    assert seen.notes == (
        "measured as SeenForSequenceClassification runs: what a mask hides is computed, and so counted",
    )
    assert seen.activation_bytes(16, 2) == pytest.approx(told.activation_bytes(16, 2), rel=0.15)


class OwnConfig(PretrainedConfig, model_type="measured-own"):
    width: int = 16
    depth: int = 3


class OwnBase(PreTrainedModel):
    def __init__(self, config: OwnConfig) -> None:
        super().__init__(config)
        self.tokens = nn.Embedding(1, config.width)
        layer = nn.TransformerEncoderLayer(config.width, 2, 32, batch_first=True)
        self.stack = nn.TransformerEncoder(layer, config.depth, enable_nested_tensor=False)
        self.scale = nn.Parameter(torch.ones(2))
        self.again = nn.Linear(config.width, 1, bias=False)
        self.again.weight = self.tokens.weight


class Torchs(OwnBase, config=OwnConfig, task="masked-lm"):
    """Of torch's layers, which have a shortcut through all of them."""

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.again(self.stack(self.tokens(input_ids))) * self.scale


def test_torchs_own_layers() -> None:
    config, length = OwnConfig(), 8
    stock = measured(Torchs, config, 2, length)
    assert stock.parameters == sum(p.numel() for p in Torchs(config).parameters())
    width, inner = config.width, 32
    layer = length * (4 * width**2 + 2 * width * inner) + 2 * length**2 * width
    assert stock.flops(length, 2) == 2 * 2 * (config.depth * layer + length * width)
    tied = {part.name: dict(part.tied) for part in stock.parts if part.tied}
    assert tied == {"again": {"weight": "tokens.weight"}}
    assert stock.parts[0].name == "scale"
    assert torch.backends.mha.get_fastpath_enabled()


class Reads(OwnBase, config=OwnConfig, task="token-classification"):
    """Needs values, to be built and to run."""

    def __init__(self, config: OwnConfig) -> None:
        super().__init__(config)
        self.half = torch.ones(1).sum().item() / 2

    def forward(self, input_ids: Tensor) -> Tensor:
        return self.again(self.tokens(input_ids)) if input_ids.sum().item() < 1 else input_ids


def test_what_needs_values_is_built_and_run_for_real() -> None:
    assert measured(Reads, OwnConfig(), 2, 8).flops(8, 2) == 2 * 2 * 8 * 16


class Graphs(OwnBase, config=OwnConfig, task="graphs"):
    main_input_name = "graph"

    def forward(self, graph: Tensor) -> Tensor:
        return graph


class Misnamed(OwnBase, config=OwnConfig, task="misnamed"):
    def forward(self, ids: Tensor) -> Tensor:
        return ids


class Pairs(OwnBase, config=OwnConfig, task="pairs"):
    def forward(self, input_ids: Tensor, other_ids: Tensor) -> Tensor:
        return input_ids


class Large(OwnBase, config=OwnConfig, task="large"):
    def forward(self, input_ids: Tensor) -> Tensor:
        return self.again(self.tokens(input_ids)) if input_ids.sum().item() else input_ids


def test_a_large_model_is_not_built_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "LARGEST", 100)
    (note,) = measured(Large, OwnConfig()).notes
    size = quantity(4 * Large(OwnConfig()).num_parameters(), "B")
    assert f"since it does not run without values, and its weights are {size} (RuntimeError: " in note


class TowersConfig(EncoderConfig, model_type="measured-towers"):
    image_size: int = 8


class Towers(PreTrainedModel, config=TowersConfig, task="towers"):
    """Texts and images."""

    def __init__(self, config: TowersConfig) -> None:
        super().__init__(config)
        self.texts, self.images = Encoder(config), nn.Conv2d(3, config.hidden_size, 8)

    def forward(self, input_ids: Tensor, pixel_values: Tensor) -> Tensor:
        return self.texts(input_ids).last_hidden_state[:, 0] @ self.images(pixel_values).flatten(1).T


def test_two_towers() -> None:
    config = TowersConfig(**TINY, vocab_size=50)
    text = inventory(EncoderConfig(**TINY, vocab_size=50)).flops(16, 2)
    assert measured(Towers, config, 2, 16).flops(16, 2) == text + 2 * 2 * 24 * 3 * 64 + 2 * 2 * 2 * 24


class Broken(OwnBase, config=OwnConfig, task="broken"):
    def forward(self, input_ids: Tensor) -> Tensor:
        return self.again(input_ids.float())


@pytest.mark.parametrize(
    ("cls", "why"),
    [
        (Graphs, "what its main input 'graph' looks like is not known here"),
        (Misnamed, "main_input_name is 'input_ids', and its forward takes ids"),
        (Pairs, "what its input 'other_ids' looks like is not known here"),
        (Broken, "it did not run on made-up inputs (RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
    ],
)
def test_operations_that_cannot_be_told(cls: type, why: str) -> None:
    stock = measured(cls, OwnConfig())
    assert (stock.flops(), stock.activation_bytes()) == (0, 0)
    assert stock.parameters == sum(p.numel() for p in cls(OwnConfig()).parameters())
    assert stock.notes[0].startswith(f"operations and activations are missing, since {why}")


class Pixels(PreTrainedModel, config=ViTConfig, task="measured-pixels"):
    main_input_name = "pixel_values"

    def __init__(self, config: ViTConfig) -> None:
        super().__init__(config)
        self.conv = nn.Conv2d(config.num_channels, 4, 2, stride=2)

    def forward(self, pixel_values: Tensor) -> Tensor:
        return self.conv(pixel_values)


def test_a_model_of_images() -> None:
    stock = measured(Pixels, ViTConfig(image_size=8, patch_size=4), 2)
    assert stock.flops(1, 2) == 2 * 2 * 16 * 4 * 3 * 4
    assert stock.measure.unit == "image"
