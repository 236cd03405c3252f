"""Packed and padded layouts compute the same; packing happens only where it saves work and changes nothing."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dovela.torch import Attention, Packed, Padded, register_kernel
from dovela.torch.kernels import sdpa
from dovela.torch.layout import pack, padded


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
    assert layout.groups == ((1, 3), (1, 10), (1, 20), (1, 50))
    holes = ragged([50, 20, 10, 3], 50)
    holes[0, 7] = False
    assert isinstance(pack(x, holes)[1], Padded)
    with padded():
        assert isinstance(pack(x, ragged([50, 20, 10, 3], 50))[1], Padded)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=6), st.integers(0, 2**31))
def test_packing_and_unpacking_is_the_identity_on_real_places(lengths: list[int], seed: int) -> None:
    width = 60
    mask = ragged(lengths, width)
    x = torch.randn(len(lengths), width, 3, generator=torch.Generator().manual_seed(seed))
    packed, layout = pack(x, mask)
    back = layout.unpack(packed)
    assert torch.equal(back[mask], x[mask])
    if isinstance(layout, Packed):
        assert not back[~mask].any()


@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
@pytest.mark.parametrize("name", ["BertModel", "DistilBertModel"])
def test_packed_states_and_gradients_equal_padded_ones(name: str, kernel: str, small: Any) -> None:
    model = small(name, attn_implementation=kernel)
    lengths = [37, 9, 22, 9, 14]
    mask, ids = ragged(lengths, 37), torch.randint(1, 61, (5, 37))
    results = []
    for packing in (nullcontext(), padded()):
        model.zero_grad()
        with packing:
            output = model(ids, attention_mask=mask, output_hidden_states=True)
        weight = torch.randn(5, 37, 48, generator=torch.Generator().manual_seed(0))
        (output.last_hidden_state * weight)[mask].sum().backward()
        gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
        results.append((*[state[mask] for state in output.hidden_states], *gradients))
    assert isinstance(pack(torch.zeros(5, 37, 1), mask)[1], Packed)
    for a, b in zip(*results, strict=True):
        assert (a - b).abs().max() <= 1e-5 * (1 + b.abs().max())


def test_equal_lengths_are_attended_to_in_one_call(small: Any) -> None:
    model = small("BertModel")
    calls = []

    def kernel(q: Any, k: Any, v: Any, allow: Any, **options: Any) -> Any:
        calls.append(tuple(q.shape))
        return sdpa(q, k, v, allow, **options)

    register_kernel("counting")(kernel)
    mask = ragged([37, 9, 22, 9, 9], 37)
    model.set_attn_implementation("counting")
    model(torch.randint(1, 61, (5, 37)), attention_mask=mask)
    assert sorted(calls[:3]) == [(1, 4, 22, 12), (1, 4, 37, 12), (3, 4, 9, 12)]


def test_a_part_that_mixes_tokens_itself_is_given_padded_batches(small: Any) -> None:
    shapes = []

    class Mixing(Attention):
        def forward(self, x: Any, layout: Any, output_attentions: bool = False) -> Any:
            shapes.append(tuple(x.shape))
            return super().forward(x, layout, output_attentions)

    model, mask, ids = small("BertModel"), ragged([37, 9, 22, 9, 14], 37), torch.randint(1, 61, (5, 37))
    reference = model(ids, attention_mask=mask).last_hidden_state[mask]
    model.layers[1].attention.__class__ = Mixing
    assert torch.allclose(model(ids, attention_mask=mask).last_hidden_state[mask], reference, atol=1e-6)
    assert shapes == [(5, 37, 48)]


def test_whoever_hooks_into_a_layer_sees_padded_states(small: Any) -> None:
    model, shapes = small("DistilBertModel"), []
    handle = model.layers[0].register_forward_hook(lambda module, args, output: shapes.append(tuple(output[0].shape)))
    model(torch.randint(1, 61, (5, 37)), attention_mask=ragged([37, 9, 22, 9, 14], 37))
    handle.remove()
    assert shapes == [(5, 37, 48)]


@pytest.mark.parametrize("name", ["BertForMaskedLM", "BertForTokenClassification", "DistilBertForMaskedLM"])
def test_labels_at_padding_count_as_they_would_without_packing(name: str, small: Any) -> None:
    model, mask, ids = small(name), ragged([37, 9, 22, 9, 14], 37), torch.randint(1, 61, (5, 37))
    loss = model(ids, attention_mask=mask, labels=ids % 3).loss
    with padded():
        assert torch.equal(model(ids, attention_mask=mask, labels=ids % 3).loss, loss)


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # of torch, whose kernel has no batching rule
def test_per_sample_gradients(small: Any) -> None:
    """vmap over grad, where values cannot be looked at."""
    model = small("BertForSequenceClassification")
    parameters = {k: v.detach() for k, v in model.named_parameters()}
    ids, labels = torch.randint(1, 61, (3, 9)), torch.tensor([0, 2, 1])

    def loss(parameters: Any, row: Any, label: Any) -> Any:
        return torch.func.functional_call(model, parameters, (row[None],), {"labels": label[None]}).loss

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(parameters, ids, labels)
    for row in range(3):
        model.zero_grad()
        model(ids[row : row + 1], labels=labels[row : row + 1]).loss.backward()
        for name, parameter in model.named_parameters():
            assert torch.allclose(each[name][row], parameter.grad, atol=1e-6), name
