"""Packed and padded layouts compute the same; packing happens only where it saves work and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dovela.torch import Packed, Padded
from dovela.torch.layout import pack


def ragged(lengths: list[int], width: int) -> torch.Tensor:
    return (torch.arange(width) < torch.tensor(lengths)[:, None]).bool()


def test_what_is_packed_and_what_is_not() -> None:
    x = torch.randn(4, 50, 8)
    assert isinstance(pack(x, None)[1], Padded)
    assert pack(x, ragged([50] * 4, 50))[1] == Padded(None)  # a full mask is no mask
    assert isinstance(pack(x, ragged([50, 49, 50, 50], 50))[1], Padded)  # too little to save
    assert isinstance(pack(x, ragged([50, 20, 0, 3], 50))[1], Padded)  # a row of padding alone
    assert isinstance(pack(x, ragged([50, 20, 10, 3], 50).flip(1))[1], Padded)  # rows that begin with padding
    packed, layout = pack(x, ragged([50, 20, 10, 3], 50))
    assert isinstance(layout, Packed)
    assert packed.shape == (83, 8)
    assert layout.lengths == (50, 20, 10, 3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=6), st.integers(0, 2**31))
def test_packing_and_unpacking_is_the_identity_on_real_places(lengths: list[int], seed: int) -> None:
    width = 60
    mask = ragged(lengths, width) & (
        torch.rand(len(lengths), width, generator=torch.Generator().manual_seed(seed)) > 0.2
    )
    mask[:, 0] = True
    x = torch.randn(len(lengths), width, 3)
    packed, layout = pack(x, mask)
    back = layout.unpack(packed)
    assert torch.equal(back[mask], x[mask])
    if isinstance(layout, Packed):
        assert not back[~mask].any()


@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
@pytest.mark.parametrize("name", ["BertModel", "DistilBertModel"])
def test_packed_states_and_gradients_equal_padded_ones(name: str, kernel: str, small: Any) -> None:
    model = small(name, attn_implementation=kernel)
    lengths = [37, 9, 22, 5, 14]
    mask, ids = ragged(lengths, 37), torch.randint(1, 61, (5, 37))
    mask[0, 5] = mask[2, 11] = False  # holes
    results = []
    for packing in (True, False):
        model.layers.packing = packing
        model.zero_grad()
        output = model(ids, attention_mask=mask, output_hidden_states=True)
        weight = torch.randn(5, 37, 48, generator=torch.Generator().manual_seed(0))
        (output.last_hidden_state * weight)[mask].sum().backward()
        gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        results.append((*[state[mask] for state in output.hidden_states], *gradients))
    assert isinstance(pack(torch.zeros(5, 37, 1), mask)[1], Packed)
    for a, b in zip(*results, strict=True):
        assert (a - b).abs().max() <= 1e-5 * (1 + b.abs().max())
