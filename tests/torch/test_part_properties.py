"""What holds for single parts beyond what they compute: how places and routers behave."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dovela import EncoderModel, ImageEncoderModel, InputError, parts
from dovela.torch import Attention, Padded, register_attention
from dovela.torch.experts import WithGradient, balance_loss
from parts import config_for, near, numbers, part


def test_the_router_learns_to_balance() -> None:
    """Switch, equation 4: E · sum of f_i · P_i, counted by hand; its gradient is added to whatever the output's is."""
    moe, x = (
        part("feed_forward", "moe", num_experts=4, experts_per_token=2, router_balance=0.7).train(),
        numbers(11, 16),
    )
    share = moe.router(x).softmax(-1)
    which = share.topk(2, -1).indices
    counts = torch.tensor([int((which == e).sum()) / which.numel() for e in range(4)], dtype=torch.float64)
    loss = 4 * (counts * share.mean(0)).sum()
    assert near(balance_loss(share, which), loss, 1e-12)
    even = torch.full((8, 4), 0.25)
    assert balance_loss(even, torch.arange(8)[:, None] % 4) == 1
    (expected,) = torch.autograd.grad(loss, moe.router.weight)
    (moe(x) * 0).sum().backward()
    assert near(moe.router.weight.grad, 0.7 * expected, 1e-12)
    moe.zero_grad()
    (moe.eval()(x) * 0).sum().backward()
    assert not moe.router.weight.grad.any()


def test_a_router_that_asks_one_expert_learns_too() -> None:
    """Switch, equation 2: p_i(x) · E_i(x), whose share has a gradient without any balance."""
    moe, x = part("feed_forward", "moe", experts_per_token=1, router_balance=0.0).train(), numbers(11, 16)
    share, which = moe.router(x).softmax(-1).max(-1)
    y = torch.stack([p * moe.experts[i](token) for p, i, token in zip(share, which, x, strict=True)])
    assert near(moe(x), y, 1e-12)
    moe(x).square().sum().backward()
    assert moe.router.weight.grad.norm() > 1e-3


def test_the_gradient_is_added_once_and_under_vmap() -> None:
    w = torch.randn(3, requires_grad=True)
    out = WithGradient.apply(w * 2, (w * w).sum())
    (3 * out).sum().backward()
    assert near(w.grad, 6 + 2 * w.detach(), 1e-6)
    each = torch.func.vmap(torch.func.grad(lambda w: WithGradient.apply(w * 2, (w * w).sum()).sum()))(torch.ones(2, 3))
    assert near(each, torch.full((2, 3), 4.0))


def scores(scheme: str, places: Tensor) -> Tensor:
    """Attention weights (H, S, S) of equal tokens that stand at `places` (S,)."""
    torch.manual_seed(0)
    attention = Attention(config_for(positions=scheme)).eval()
    x = torch.randn(1, 1, 16).expand(1, len(places), -1)
    return attention(x, Padded(None, places[None, :, None]), True)[1][0].detach()


@pytest.mark.parametrize("scheme", ["rotary", "alibi"])
def test_scores_depend_on_the_distance_alone(scheme: str) -> None:
    """Equal tokens at places that are shifted, and diagonals before the softmax."""
    places = torch.tensor([0, 3, 1, 8, 5])
    assert near(scores(scheme, places + 700), scores(scheme, places), 1e-4)
    assert not near(scores(scheme, places * 2), scores(scheme, places), 1e-4)
    logarithm = scores(scheme, torch.arange(12)).log()
    logarithm = logarithm - logarithm.diagonal(dim1=-2, dim2=-1)[..., None]  # what the softmax divided by
    for distance in range(1, 6):
        line = logarithm.diagonal(distance, -2, -1)
        assert near(line, line[:, :1].expand_as(line), 1e-4)


def test_in_images_scores_depend_on_both_distances() -> None:
    positions = parts.POSITIONS.get("rotary")(config_for("images", positions="rotary"))
    q, k = torch.randn(2, 1, 4, 8)

    def score(a: tuple[int, int], b: tuple[int, int]) -> Tensor:
        turned = (positions.turn(x, torch.tensor([place])) for x, place in ((q, a), (k, b)))
        return torch.einsum("shd,shd->h", *turned)

    assert near(score((1, 2), (4, 3)), score((11, 42), (14, 43)))
    assert not near(score((1, 2), (4, 3)), score((1, 2), (5, 3)), 1e-3)
    assert not near(score((1, 2), (4, 3)), score((1, 2), (4, 5)), 1e-3)


@pytest.mark.parametrize("scheme", ["rotary", "none", "sinusoidal"])
def test_images_of_another_size(scheme: str) -> None:
    model = ImageEncoderModel(config_for("images", positions=scheme)).eval()
    states = model(torch.randn(1, 2, 18, 24), interpolate_pos_encoding=True).last_hidden_state
    assert states.shape == (1, 1 + 6 * 8, 16)
    assert states.isfinite().all()


@pytest.mark.parametrize("scheme", ["rotary", "alibi", "learned", "sinusoidal", "none"])
def test_given_places_are_obeyed(scheme: str) -> None:
    """Two texts in one row, each counted from 0 and seeing itself alone, are what they are alone; packed ones too."""
    torch.manual_seed(0)
    model, ids = EncoderModel(config_for(positions=scheme)).eval(), torch.randint(1, 31, (1, 20))
    restarted = torch.cat([torch.arange(12), torch.arange(8)])[None]
    block = torch.block_diag(torch.ones(12, 12), torch.ones(8, 8)).bool()[None]
    with torch.no_grad():
        joined = model(ids, block, position_ids=restarted).last_hidden_state[0]
        assert near(joined[:12], model(ids[:, :12]).last_hidden_state[0])
        assert near(joined[12:], model(ids[:, 12:]).last_hidden_state[0])
        mask = torch.arange(20).expand(9, -1) < torch.tensor([20, 5, 5, 8, 3, 9, 2, 12, 7])[:, None]
        rows, places = ids.expand(9, -1), torch.stack([torch.randperm(40)[:20] for _ in range(9)])
        batch = model(rows, mask, position_ids=places).last_hidden_state
        for row, n in enumerate(mask.sum(1)):
            alone = model(rows[row : row + 1, :n], position_ids=places[row : row + 1, :n]).last_hidden_state[0]
            assert near(batch[row, :n], alone)
        moves = not near(model(ids, position_ids=restarted).last_hidden_state, model(ids).last_hidden_state)
    assert moves == (scheme != "none")


@pytest.mark.parametrize("scheme", ["rotary", "alibi", "none"])
def test_places_without_a_table_have_no_end(scheme: str) -> None:
    model = EncoderModel(config_for(positions=scheme, max_position_embeddings=4)).eval()
    assert model(torch.randint(1, 31, (1, 90))).last_hidden_state.isfinite().all()
    assert not any("positions" in name for name in model.state_dict())


def test_heads_may_be_told_apart_by_who_sees_whom() -> None:
    @register_attention("by-head")
    class ByHead(Attention):
        def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
            reach = torch.arange(1, 5)[:, None, None]
            return (q_pos - k_pos).abs() <= reach

    x = torch.randn(2, 9, 16)
    weights = ByHead(config_for(attention="by-head")).eval()(x, Padded(), True)[1]
    place = torch.arange(9)
    for head in range(4):
        assert torch.equal(weights[0, head] > 0, (place[:, None] - place).abs() <= head + 1)


@pytest.mark.parametrize("scheme", ["alibi", "rotary"])
def test_heads_that_are_left_keep_their_positions(scheme: str) -> None:
    """Cutting two heads is what silencing them is."""
    torch.manual_seed(0)
    whole, x = Attention(config_for(positions=scheme)).eval(), torch.randn(2, 9, 16)
    silent = Attention(whole.config).eval()
    silent.load_state_dict(whole.state_dict())
    with torch.no_grad():
        silent.o_proj.weight.unflatten(1, (4, 4))[:, [1, 2]] = 0
        whole.prune([1, 2])
        assert near(whole(x, Padded())[0], silent(x, Padded())[0])


def test_shared_heads_are_not_cut() -> None:
    attention = Attention(config_for(num_key_value_heads=2))
    with pytest.raises(InputError, match=r"Attention\.prune: these heads share keys and values, and cannot be cut"):
        attention.prune([1])


@pytest.mark.parametrize("rows", [1, 4])
def test_half_precision_of_the_router(rows: int) -> None:
    """Shares are computed in float32 at least, in float64 where all is."""
    moe = part("feed_forward", "moe")
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        assert moe.to(dtype)(torch.randn(rows, 16, dtype=dtype)).dtype is dtype
