"""What each registered part computes, by torch's own, by the peer's, or by its paper's formula.

`REFERENCES` has an entry for every registered part: a part without one fails a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import peer_parts
from dovela import parts
from dovela.torch import Padded
from dovela.torch.attention_kinds import summed, weighed
from parts import PARTS, config_for, near, numbers, part
from peers import peer4

pytestmark = pytest.mark.peer

REFERENCES: dict[tuple[str, str], Callable[[str], None]] = {}


def decides(word: str, *names: str) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Before a function that compares the parts of these names with something else."""

    def enter(function: Callable[[str], None]) -> Callable[[str], None]:
        REFERENCES.update({(word, name): function for name in names})
        return function

    return enter


def arrays(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.float().numpy() for name, value in module.state_dict().items()}


def test_every_registered_part_has_a_reference() -> None:
    assert {*PARTS} == {*REFERENCES}


@pytest.mark.parametrize(("word", "name"), PARTS, ids=[f"{word}-{name}" for word, name in PARTS])
def test_a_part_is_what_its_reference_says(word: str, name: str) -> None:
    REFERENCES[word, name](name)


# ---- attention ---------------------------------------------------------------------------------------------------


def heads(attention: Any, x: Tensor) -> list[Tensor]:
    """Queries, keys and values (B, H or fewer, S, 4)."""
    return [
        proj(x).unflatten(-1, (-1, 4)).transpose(1, 2)
        for proj in (attention.q_proj, attention.k_proj, attention.v_proj)
    ]


def result(attention: Any, out: Tensor) -> Tensor:
    return attention.o_proj(out.transpose(1, 2).flatten(-2))


@decides("attention", "full", "causal", "grouped-query")
def as_torch_has_it(name: str) -> None:
    attention, x = part("attention", name), numbers(2, 9, 16)
    q, k, v = heads(attention, x)
    grouped = k.shape[1] < q.shape[1]
    assert grouped == (name == "grouped-query")
    out = F.scaled_dot_product_attention(q, k, v, is_causal=name == "causal", enable_gqa=grouped)
    assert near(attention(x, Padded())[0], result(attention, out), 1e-12)


@decides("attention", "window", "causal-window")
def within_a_distance(name: str) -> None:
    """|i - j| <= w; where that is causal, as the peer counts it for Mistral."""
    attention, x = part("attention", name), numbers(2, 9, 16)
    place = np.arange(9)
    allow = abs(place[:, None] - place) <= 3
    if name == "causal-window":
        allow = peer4(peer_parts.windowed, 9, 4)
    out = F.scaled_dot_product_attention(*heads(attention, x), torch.from_numpy(allow))
    assert near(attention(x, Padded())[0], result(attention, out), 1e-12)


@decides("attention", "linear")
def sums_over_keys(name: str) -> None:
    """Katharopoulos et al. 2020, equation 5, term by term; and its weights, and a mask."""
    attention, x = part("attention", name), numbers(2, 5, 16)
    q, k, v = (y.detach() for y in heads(attention, x))
    mask = torch.tensor([[True] * 5, [True, True, True, False, False]])
    out = torch.zeros_like(q)
    for b in range(2):
        for h in range(4):
            for i in range(5):
                weights = [
                    float((F.elu(q[b, h, i]) + 1) @ (F.elu(k[b, h, j]) + 1)) * bool(mask[b, j]) for j in range(5)
                ]
                out[b, h, i] = sum(w * v[b, h, j] for j, w in enumerate(weights)) / sum(weights)
    for show in (False, True):
        assert near(attention(x, Padded(mask), show)[0], result(attention, out), 1e-9)
    square = Padded(mask[:, None] & torch.ones(5, 5, dtype=torch.bool).tril())
    assert near(attention(x, square, True)[1].triu(1), torch.zeros(()))
    assert near(attention(x, square)[0], attention(x, square, True)[0], 1e-12)


@decides("attn_implementation", "eager", "sdpa", "flex")
def softmax_of_scores(name: str) -> None:
    """softmax(q·k·scale + bias)·v, by hand, where a row that may attend to nothing attends evenly to everything."""
    kernel, (q, k, v) = parts.KERNELS.get(name), (torch.randn(2, 3, 7, 4) for _ in range(3))
    bias, allow = torch.randn(2, 3, 7, 7), torch.rand(2, 1, 7, 7) < 0.6
    allow[1, 0, 3] = False
    for given, added in ((None, None), (allow, None), (None, bias), (allow, bias), (allow[:1, :, :1], bias[0])):
        scores = torch.einsum("bhid,bhjd->bhij", q.double(), k.double()) * 0.3
        scores = scores if added is None else scores + added
        if given is not None:
            scores = torch.where(given, scores, -math.inf)
        weights = torch.where(scores.isinf().all(-1, keepdim=True), 1 / 7, scores.softmax(-1).nan_to_num())
        more = {} if added is None else {"bias": added}
        out, shown = kernel(q, k, v, given, scale=0.3, dropout=0.0, **more)
        assert near(out, weights @ v.double(), 1e-5)
        assert shown is None if name != "eager" else near(shown, weights, 1e-6)


# ---- norms, orders, poolers --------------------------------------------------------------------------------------


@decides("norm", "layer", "rms")
def divided_by_its_size(name: str) -> None:
    norm, x = parts.NORMS.get(name)(16, eps=1e-3).double(), numbers(3, 5, 16)
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    if name == "layer":
        spread = x - x.mean(-1, keepdim=True)
        expected = spread / (spread.square().mean(-1, keepdim=True) + 1e-3).sqrt() * norm.weight + norm.bias
    else:
        expected = x / (x.square().mean(-1, keepdim=True) + 1e-3).sqrt() * norm.weight
        assert getattr(norm, "bias", None) is None
    assert near(norm(x), expected, 1e-12)


@decides("norm_order", "post", "pre")
def as_torch_wires_it(name: str) -> None:
    block, x = part("norm_order", name, activation="relu"), numbers(2, 6, 16)
    theirs = nn.TransformerEncoderLayer(
        16, 4, 12, 0.0, layer_norm_eps=1e-12, batch_first=True, norm_first=name == "pre"
    )
    own = block.state_dict()
    state = {
        f"self_attn.in_proj_{kind}": torch.cat([own[f"attention.{p}_proj.{kind}"] for p in "qkv"])
        for kind in ("weight", "bias")
    }
    names = {"self_attn.out_proj": "attention.o_proj", "linear1": "mlp.up_proj", "linear2": "mlp.down_proj"}
    names |= {"norm1": "attention_norm", "norm2": "mlp_norm"}
    state |= {f"{a}.{kind}": own[f"{b}.{kind}"] for a, b in names.items() for kind in ("weight", "bias")}
    theirs = theirs.double()
    theirs.load_state_dict(state)
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    expected = theirs.train()(
        x, src_key_padding_mask=~mask
    )  # in evaluation torch takes another way, which zeroes padding
    assert near(block(x, Padded(mask))[0][mask], expected[mask], 1e-9)
    assert block.final_norm == (name == "pre")


@decides("norm_order", "parallel")
def side_by_side(name: str) -> None:
    """y = x + MLP(norm(x)) + Attention(norm(x)) (Chowdhery et al. 2022, section 2)."""
    block, x = part("norm_order", name), numbers(2, 6, 16)
    z = F.layer_norm(x, (16,), block.attention_norm.weight, block.attention_norm.bias, 1e-12)
    mlp = block.mlp.down_proj(F.gelu(block.mlp.up_proj(z)))
    attention = result(block.attention, F.scaled_dot_product_attention(*heads(block.attention, z)))
    assert near(block(x, Padded())[0], x + mlp + attention, 1e-12)
    assert block.mlp_norm is None
    assert block.final_norm


@decides("pooler", "first", "last", "mean", "max", "attention", "dense")
def of_real_tokens(name: str) -> None:
    """Each row's real states alone, one row after the other."""
    pooler, x = part("pooler", name), numbers(4, 6, 16)
    mask = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 1, 1, 0, 0], [1, 0, 0, 0, 0, 0]]).bool()
    for row, real in zip(range(4), mask, strict=True):
        rows = x[row][real]
        expected = {
            "first": lambda rows: rows[0],
            "last": lambda rows: rows[-1],
            "mean": lambda rows: rows.sum(0) / len(rows),
            "max": lambda rows: rows.amax(0),
            "attention": lambda rows: (rows @ pooler.query / 4).exp() / (rows @ pooler.query / 4).exp().sum() @ rows,
            "dense": lambda rows: torch.tanh(pooler.dense.weight @ rows[0] + pooler.dense.bias),
        }[name]
        assert near(pooler(x, mask)[row], expected(rows), 1e-12)
        assert near(pooler(x, None)[row], expected(x[row]), 1e-12)


# ---- positions ---------------------------------------------------------------------------------------------------


@decides("positions", "learned")
def rows_of_a_table(name: str) -> None:
    table = part("positions", name)
    ids = torch.tensor([[4, 0, 7], [1, 1, 47]])
    assert torch.equal(table.added(numbers(2, 3, 16), ids), table.weight[ids])
    assert torch.equal(table.added(numbers(2, 3, 16), None), table.weight[:3])
    assert table.weight.requires_grad


@decides("positions", "sinusoidal")
def waves(name: str) -> None:
    """PE(p, 2i) = sin(p / 10000^(2i/d)), PE(p, 2i + 1) = cos(p / 10000^(2i/d)) (Vaswani et al. 2017, section 3.5)."""
    table = parts.POSITIONS.get(name)(config_for())
    for place in (0, 1, 13, 47):
        for i in range(8):
            angle = place / 10000 ** (2 * i / 16)
            assert float(table.weight[place, 2 * i]) == pytest.approx(math.sin(angle), abs=1e-6)
            assert float(table.weight[place, 2 * i + 1]) == pytest.approx(math.cos(angle), abs=1e-6)
    assert not table.weight.requires_grad


@decides("positions", "rotary")
def as_llama_turns_it(name: str) -> None:
    positions = parts.POSITIONS.get(name)(config_for(rope_theta=500.0))
    x, places = torch.randn(2, 7, 4, 8), torch.randint(0, 900, (2, 7))
    theirs = peer4(peer_parts.rotated, x.transpose(1, 2).numpy(), places.numpy(), 500.0)
    turned = positions.turn(x, places[..., None])
    assert near(turned.transpose(1, 2), torch.from_numpy(theirs), 1e-6)
    assert near(turned.norm(dim=-1), x.norm(dim=-1), 1e-6)


@decides("positions", "alibi")
def as_bloom_has_it(name: str) -> None:
    """m·(j - i) for keys before the query (Press et al. 2021, section 3), for any number of heads."""
    place = torch.arange(5)
    for count in (1, 2, 3, 4, 6, 8, 12, 20):
        positions = parts.POSITIONS.get(name)(config_for(num_attention_heads=count, hidden_size=4 * count))
        slopes = torch.from_numpy(peer4(peer_parts.slopes, count))
        bias = positions.bias(place[None, None, :, None], place[None, None, None, :])[0]
        assert near(bias.tril(), (slopes[:, None, None] * (place - place[:, None])).tril(), 1e-6)
        assert torch.equal(bias, bias.transpose(1, 2))


@decides("positions", "none")
def order_does_not_matter(name: str) -> None:
    from dovela import EncoderModel

    torch.manual_seed(0)
    model, ids = EncoderModel(config_for(positions=name)).eval(), torch.randint(1, 31, (2, 9))
    order = torch.randperm(9)
    assert near(model(ids[:, order]).last_hidden_state, model(ids).last_hidden_state[:, order])


@decides("positions", "convolutional")
def as_wav2vec2_has_it(name: str) -> None:
    words = {"hidden_size": 16, "num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 4}
    positions, x = parts.POSITIONS.get(name)(config_for("sound", **words)), torch.randn(2, 19, 16)
    theirs = peer4(peer_parts.neighbours, x.numpy(), arrays(positions), words)
    with torch.no_grad():
        assert near(positions.added(x, None), torch.from_numpy(theirs), 1e-5)


# ---- feed-forwards and activations -------------------------------------------------------------------------------


@decides("feed_forward", "mlp", "glu", "geglu")
def formulas(name: str) -> None:
    """Vaswani et al. 2017, equation 2; Shazeer 2020, equations 5 and 6, with biases."""
    mlp, x = part("feed_forward", name), numbers(2, 5, 16)
    up = mlp.up_proj(x)
    if name == "mlp":
        inner = up * 0.5 * (1 + torch.erf(up / math.sqrt(2)))
    elif name == "glu":
        inner = F.glu(torch.cat([up, mlp.gate_proj(x)], -1))
    else:
        gate = mlp.gate_proj(x)
        inner = gate * 0.5 * (1 + torch.erf(gate / math.sqrt(2))) * up
    assert near(mlp(x), inner @ mlp.down_proj.weight.T + mlp.down_proj.bias, 1e-12)


@decides("feed_forward", "swiglu")
def as_llama_has_it(name: str) -> None:
    mlp, x = part("feed_forward", name).float(), torch.randn(2, 5, 16)
    with torch.no_grad():
        assert near(mlp(x), torch.from_numpy(peer4(peer_parts.gated, x.numpy(), arrays(mlp))), 1e-5)


@decides("feed_forward", "moe")
def as_mixtral_has_it(name: str) -> None:
    """Both ways to compute it: every expert on every token, and each on those that ask it."""
    for asked in (2, 5):
        moe, x = (
            part("feed_forward", name, num_experts=5, experts_per_token=asked, expert="swiglu"),
            torch.randn(2, 9, 16),
        )
        moe = moe.float()
        for key, parameter in moe.named_parameters():
            if key.endswith("bias"):
                nn.init.zeros_(parameter)
        theirs = torch.from_numpy(peer4(peer_parts.experts, x.numpy(), arrays(moe), asked))
        with torch.no_grad():
            assert near(moe(x), theirs, 1e-5)
            moe.sparse = moe.dense
            assert near(moe(x), theirs, 1e-5)


@decides("activation", *parts.ACTIVATIONS._builtin)
def as_the_peer_has_it(name: str) -> None:
    x = torch.linspace(-4, 4, 101)
    (theirs,) = peer4(peer_parts.activated, [name], x.numpy())
    assert near(parts.ACTIVATIONS.get(name)(x), torch.from_numpy(theirs), 1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_linear_attention_sums_long_texts_in_half_precision(dtype: torch.dtype) -> None:
    q, k, v = (torch.randn(1, 2, 2048, 64, generator=torch.Generator().manual_seed(i)) for i in range(3))
    exact = summed(q.double(), k.double(), v.double(), None, scale=1.0)[0]
    for kernel in (summed, weighed):
        rough = kernel(q.to(dtype), k.to(dtype), v.to(dtype), None, scale=1.0)[0]
        assert rough.dtype is dtype
        torch.testing.assert_close(rough.double(), exact, atol=2e-3, rtol=0.1)


def test_padding_does_not_move_the_router() -> None:
    moe = part("feed_forward", "moe", num_experts=4, experts_per_token=2, router_balance=0.7).train()
    x = torch.randn(2, 5, 16, dtype=torch.float64)
    real = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    moe(x, real).sum().backward()
    padded = moe.router.weight.grad.clone()
    moe.zero_grad()
    moe(x[real]).sum().backward()
    alone = moe.router.weight.grad.clone()
    moe.zero_grad()
    moe.balance = 0.0
    moe(x[~real]).sum().backward()  # what the states of padding themselves weigh in this sum
    torch.testing.assert_close(padded - moe.router.weight.grad, alone)
