"""Attention that reaches only so far is computed in bands where sequences are long: the same numbers for less work."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from dovela import EncoderConfig, EncoderModel, InputError
from dovela.torch import Attention, Padded, WindowAttention, layout, register_attention

LENGTH = 50
SIZES: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "window": 3,
}


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands already where sequences are short."""
    monkeypatch.setattr(layout, "LEAST_BAND", 4)
    monkeypatch.setattr(layout, "LEAST_PADDED_TOKENS", 1)


def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Queries and keys of every call of the kernel from now on."""
    seen: list[tuple[int, int]] = []
    part = Padded._part

    def watched(self: Padded, *args: Any, **kwargs: Any) -> Any:
        queries, keys = args[4:6]
        seen.append((queries.stop - queries.start, keys.stop - keys.start))
        return part(self, *args, **kwargs)

    monkeypatch.setattr(Padded, "_part", watched)
    return seen


@pytest.mark.parametrize("kernel", ["eager", "sdpa"])
@pytest.mark.parametrize("positions", ["rotary", "alibi"])
@pytest.mark.parametrize("kind", ["window", "causal-window"])
def test_bands_change_no_number(
    kind: str, positions: str, kernel: str, narrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    config = EncoderConfig(**SIZES, attention=kind, positions=positions, dropout=0.0, attention_dropout=0.0)
    model = EncoderModel(config).eval()
    model.set_attn_implementation(kernel)
    ids = torch.randint(1, 60, (3, LENGTH))
    ragged = torch.arange(LENGTH) < torch.tensor([[LENGTH], [31], [9]])
    near = (torch.arange(LENGTH)[:, None] - torch.arange(LENGTH)).abs() < 20
    for mask in (None, ragged, ragged.flip(1), near.expand(3, -1, -1)):
        real = torch.ones(3, LENGTH, dtype=torch.bool) if mask is None or mask.dim() == 3 else mask
        grads, states, bands = [], [], []
        for least in (6, 10**6):
            monkeypatch.setattr(layout, "LEAST_BANDS", least)
            with monkeypatch.context() as patch:
                seen = calls(patch)
                x = model(ids, attention_mask=mask).last_hidden_state[real]
            x.square().mean().backward()
            grads.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]))
            model.zero_grad()
            states.append(x.detach())
            bands.append(max(queries for queries, _ in seen))
        assert bands[0] < bands[1], "the first was not computed in bands"
        torch.testing.assert_close(states[0], states[1], atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(grads[0], grads[1], atol=1e-6, rtol=1e-4)


def test_the_work_grows_with_the_window(narrow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    model = EncoderModel(EncoderConfig(**SIZES, attention="window")).eval()
    seen = calls(monkeypatch)
    model(torch.ones(1, 400, dtype=torch.long))
    assert sum(queries * keys for queries, keys in seen) <= 2 * 400 * (4 + 2 * 3)
    seen.clear()
    attentions = model(torch.ones(1, 400, dtype=torch.long), output_attentions=True).attentions
    assert attentions[0].shape == (1, 4, 400, 400)  # whoever asks for the weights gets all of them


class Far(WindowAttention):
    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        return (q_pos - k_pos).abs() <= self.config.window + 1


class Everything(Attention):
    @property
    def reach(self) -> int:
        return 3


@pytest.mark.parametrize("kind", [Far, Everything])
def test_a_reach_that_is_not_true_is_found(kind: type[Attention]) -> None:
    register_attention("reaching-in-tests")(kind)
    model = EncoderModel(EncoderConfig(**SIZES, attention="reaching-in-tests"))
    with pytest.raises(
        InputError, match=rf"{kind.__name__}\.reach: is 3, and `allow` lets tokens see beyond.* None where"
    ):
        model(torch.ones(1, 8, dtype=torch.long))
