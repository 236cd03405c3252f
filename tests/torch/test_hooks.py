"""Parts of one's own of every kind run packed and padded, and come back from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dovela import AutoModel, ConfigError, EncoderModel, ImageEncoderModel, RegistryError
from dovela.parts import FEED_FORWARDS
from dovela.torch import (
    MLP,
    AddedPositions,
    Attention,
    AttentionPositions,
    PostNormBlock,
    register_attention,
    register_feed_forward,
    register_positions,
)
from dovela.torch.kernels import eager
from dovela.torch.layout import padded
from parts import REGISTER, config_for, inputs_for, model_with, near, text_batch


class Strided(Attention):
    """Every third token behind, and itself."""

    causal = True

    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        return (k_pos <= q_pos) & ((q_pos - k_pos) % 3 == 0)


class Shaken(Attention):
    """A forward of its own that mixes tokens: it must see rows as they are."""

    def forward(self, x: Tensor, layout: Any, output_attentions: bool = False) -> Any:
        assert x.dim() == 3
        return super().forward(x.cumsum(1).tanh(), layout, output_attentions)


def hard(q: Tensor, k: Tensor, v: Tensor, allow: Any, *, scale: float, dropout: float, **bias: Any) -> Any:
    """All attention goes to the best key."""
    _, weights = eager(q, k, v, allow, scale=scale, dropout=0.0, **bias)
    weights = nn.functional.one_hot(weights.argmax(-1), k.shape[-2]).to(q.dtype)
    return weights @ v, weights


class Scaled(nn.Module):
    """The whole size, not the mean (Nguyen & Salazar 2019, ScaleNorm)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.gain, self.eps = nn.Parameter(torch.tensor(width**0.5)), eps

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain / (x.norm(dim=-1, keepdim=True) + self.eps)


class Ramp(AddedPositions):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.randn(config.hidden_size))

    def added(self, x: Tensor, position_ids: Tensor | None) -> Tensor:
        ids = torch.arange(x.shape[1]) if position_ids is None else position_ids
        return ids[..., None] * self.slope / 10


class Near(AttentionPositions):
    """A learned score for each distance up to 5 (Raffel et al. 2020, T5), and values that fade with the place."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.table = nn.Parameter(torch.randn(config.num_attention_heads, 11))

    def turn(self, x: Tensor, places: Tensor) -> Tensor:
        return x * (1 + 0.01 * places[..., None])

    def bias(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        return self.table[:, (k_pos - q_pos).clamp(-5, 5)[:, 0] + 5].transpose(0, 1)


class Bilinear(MLP):
    packs = True

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(self.up_proj(x) * self.up_proj(x))


class Sandwich(PostNormBlock):
    packs = True

    def forward(self, x: Tensor, layout: Any, output_attentions: bool = False) -> Any:
        y, weights = self.attend(self.attention_norm(x), layout, output_attentions)
        x = x + self.attention_norm(y)
        return x + self.mlp_norm(self.feed(x, layout)), weights


class Spread(nn.Module):
    """Mean and deviation."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.mixed = nn.Linear(2 * config.hidden_size, config.hidden_size)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        real = torch.ones(x.shape[:2]) if mask is None else mask.to(x.dtype)
        mean = (x * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        square = ((x - mean[:, None]).square() * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        return self.mixed(torch.cat([mean, square], -1))


def sine(x: Tensor) -> Tensor:
    return torch.sin(x)


OWN = [
    ("attention", Strided),
    ("attention", Shaken),
    ("attn_implementation", hard),
    ("norm", Scaled),
    ("positions", Ramp),
    ("positions", Near),
    ("feed_forward", Bilinear),
    ("activation", sine),
    ("norm_order", Sandwich),
    ("pooler", Spread),
]


@pytest.mark.parametrize(("word", "part"), OWN, ids=lambda value: getattr(value, "__name__", value))
def test_a_part_of_ones_own(word: str, part: Any, tmp_path: Path) -> None:
    model, (ids, mask) = model_with(word, part), text_batch()
    plain = EncoderModel(config_for())
    plain.load_state_dict(
        {**plain.state_dict(), **{k: v for k, v in model.state_dict().items() if k in plain.state_dict()}}
    )
    with torch.no_grad():
        output = model(ids, mask)
        with padded():
            assert near(model(ids, mask).last_hidden_state[mask], output.last_hidden_state[mask])
        for row, n in enumerate(mask.sum(1)):
            alone = model(ids[row : row + 1, :n])
            assert near(alone.last_hidden_state[0], output.last_hidden_state[row, :n])
            assert near(alone.pooler_output[0], output.pooler_output[row])
        other = plain.eval()(ids, mask)
        which = "pooler_output" if word == "pooler" else "last_hidden_state"
        assert not near(output[which], other[which])  # it is really there
    model.train()(ids, mask).pooler_output.sum().backward()
    model.eval().save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path, **({word: "mine"} if word == "attn_implementation" else {}))
    with torch.no_grad():
        assert torch.equal(again(ids, mask).pooler_output, model(ids, mask).pooler_output)


@pytest.mark.parametrize("word", sorted(REGISTER))
def test_two_things_under_one_name(word: str) -> None:
    class Ours(AddedPositions): ...

    class Theirs(AddedPositions): ...

    REGISTER[word]("mine")(Ours)
    REGISTER[word]("mine")(Ours)
    with pytest.raises(RegistryError, match=r"'mine': is already .*Ours, so .*Theirs cannot take the name"):
        REGISTER[word]("mine")(Theirs)


def test_a_built_in_name_is_taken() -> None:
    with pytest.raises(RegistryError, match=r"attention 'window': is already .*WindowAttention, so .*Strided cannot"):
        register_attention("window")(Strided)


def test_positions_are_of_one_of_two_kinds() -> None:
    message = "position scheme 'mine': 'Scaled' is neither added to the embeddings nor seen by attention"
    with pytest.raises(RegistryError, match=message):
        register_positions("mine")(Scaled)


def test_positions_of_ones_own_work_on_images(tmp_path: Path) -> None:
    """Those that are added are given the tokens in a row; attention's have a row and a column."""

    class Corner(AttentionPositions):
        def bias(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
            return -(q_pos - k_pos).abs().sum(-1).float().expand(-1, 4, -1, -1)

    for part in (Ramp, Corner):
        register_positions(part.__name__)(part)
        torch.manual_seed(0)
        model, inputs = ImageEncoderModel(config_for("images", positions=part.__name__)).eval(), inputs_for("images")
        plain = ImageEncoderModel(config_for("images", positions="none")).eval()
        plain.load_state_dict(model.state_dict(), strict=False)
        with torch.no_grad():
            assert not near(model(**inputs).last_hidden_state, plain(**inputs).last_hidden_state)
            model.save_pretrained(tmp_path)
            again = AutoModel.from_pretrained(tmp_path)
            assert torch.equal(again(**inputs).last_hidden_state, model(**inputs).last_hidden_state)


def test_what_mixes_tokens_is_never_given_packed_ones() -> None:
    """Unless it says so: with a forward of its own it sees rows (B, S, D), and the same tokens in each layout."""
    seen = []

    class Mixing(nn.Module):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.conv = nn.Conv1d(config.hidden_size, config.hidden_size, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.dim())
            return self.conv(x.transpose(1, 2)).transpose(1, 2)

    class Looking(MLP):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.dim())
            return super().forward(x)

    ids, mask = text_batch()
    for part in (Mixing, Looking):
        model_with("feed_forward", part)(ids, mask)
        FEED_FORWARDS._entries.pop("mine")
    assert set(seen) == {3}
    Looking.packs = True
    model_with("feed_forward", Looking)(ids, mask)
    assert set(seen) == {2, 3}


def test_an_expert_works_on_tokens_wherever_they_lie() -> None:
    class Rows(MLP):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)

    register_feed_forward("mine")(Rows)
    config = config_for(feed_forward="moe", expert="mine")
    with pytest.raises(ConfigError, match=r"expert 'mine': Rows is given padded .* let it say `packs = True`"):
        EncoderModel(config)
    Rows.packs = True
    assert EncoderModel(config)(text_batch()[0]).last_hidden_state.isfinite().all()


def test_linear_attention_has_no_scores_to_add_to() -> None:
    with pytest.raises(ConfigError, match="act on scores, and attention 'linear' never has them"):
        model_with("positions", Near, attention="linear")
