"""What is told from a configuration alone equals what the torch models of sound really are."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import dovela
import peer_models
import sounds
from dovela import Wav2Vec2Config
from dovela.inventory import inventory
from peers import peer4

STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True, "use_weighted_layer_sum": True}
OPTIONS: list[dict[str, Any]] = [
    {},
    STABLE,
    {"mask_time_prob": 0.0, "num_conv_pos_embeddings": 7, "pruned_heads": {0: [1]}},
    {"adapter_attn_dim": 6, **STABLE},
    {"add_adapter": True, "output_hidden_size": 20},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("head", sounds.HEADS)
def test_it_is_the_real_model(head: str, options: dict[str, Any]) -> None:
    if "add_adapter" in options and head not in ("Model", "ForCTC"):
        pytest.skip("no adapters in front of this head")
    config = Wav2Vec2Config(**sounds.WAV2VEC2 | options, attn_implementation="eager")
    model, stock = getattr(dovela, "Wav2Vec2" + head)(config).eval(), inventory(config, "Wav2Vec2" + head)
    shapes = {f"{part.name}.{leaf}".rstrip("."): shape for part in stock.parts for leaf, shape in part.tensors.items()}
    assert shapes == {k.removeprefix("backbone."): tuple(t.shape) for k, t in model.state_dict().items()}
    assert stock.parameters == model.num_parameters()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.randn(2, 16000))
    assert stock.flops(1, 2) == counter.get_total_flops()
    assert (stock.measure.unit, stock.measure.of, stock.notes) == ("second", "sound at 16 kHz", ())


def test_the_published_size() -> None:
    assert inventory(Wav2Vec2Config()).parameters == 94_371_712


@pytest.mark.peer
@pytest.mark.parametrize("head", ["Model", "ForPreTraining", "ForXVector"])
def test_it_is_what_the_peer_counts(head: str) -> None:
    name = "Wav2Vec2" + head
    assert inventory(Wav2Vec2Config(), name).parameters == peer4(peer_models.num_parameters, name, {})
