"""A feed-forward of several experts, of which each token asks a few.

Letters: T tokens, D hidden size, E experts, K experts a token asks.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..parts import FEED_FORWARDS
from .checked import tensor_like
from .init import Linear, spread
from .layout import Packable, readable


class MixtureOfExperts(Packable):
    """Each token's output is that of its best experts, weighed by the router (Shazeer et al. 2017; Jiang et al. 2024).

    In training the router is drawn towards giving every expert as many tokens (Fedus et al. 2021, Switch, equation 4),
    with the strength `router_balance`. That is part of the gradients and not of the loss that is returned: it is added
    in the backward pass as the gradient of `router_balance` x the balance loss, whatever the loss is.
    """

    packs = True
    counts_tokens = True  # so it is told which of them are real

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.asked, self.balance = config.experts_per_token, config.router_balance
        self.router = Linear(config.hidden_size, config.num_experts, bias=False, **spread(config))
        expert: Any = FEED_FORWARDS.get(config.expert)
        if not getattr(expert, "packs", False):
            raise ConfigError(
                f"expert {config.expert!r}",
                f"{expert.__name__} is given padded batches only, and an expert has the tokens (T, D) that ask it",
                hint="If it works on each token alone, let it say `packs = True`.",
            )
        self.experts = nn.ModuleList(expert(config) for _ in range(config.num_experts))

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """x (…, D) -> (…, D). `real` (…): which tokens are no padding; None: all."""
        tokens = x.reshape(-1, x.shape[-1])  # (T, D)
        scores = self.router(tokens)
        share = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32))  # (T, E)
        best, which = share.topk(self.asked, -1)  # (T, K)
        # Of one expert the share itself (Switch, equation 2): divided by itself, it would teach the router nothing.
        weight = (best if self.asked == 1 else best / best.sum(-1, keepdim=True)).to(x.dtype)
        gates = torch.zeros_like(share, dtype=x.dtype).scatter(-1, which, weight)  # (T, E), zero where not asked
        y = self.sparse(tokens, gates) if readable(tokens) else self.dense(tokens, gates)
        if self.training and self.balance and torch.is_grad_enabled():
            y = WithGradient.apply(y, self.balance * balance_loss(share, which, real))  # type: ignore[no-untyped-call]
        return y.view(x.shape)

    def dense(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """Every expert computes every token: a graph without sizes that depend on values."""
        y = torch.zeros_like(tokens)
        for i, expert in enumerate(self.experts):
            y = y + gates[:, i, None] * tensor_like(expert, expert(tokens), tokens)
        return y

    def sparse(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """Every expert computes the tokens that ask it."""
        y = torch.zeros_like(tokens)
        for i, expert in enumerate(self.experts):
            rows = gates[:, i].nonzero()[:, 0]
            asked = tokens[rows]
            y = y.index_add(0, rows, gates[rows, i, None] * tensor_like(expert, expert(asked), asked))
        return y


def balance_loss(share: Tensor, which: Tensor, real: Tensor | None = None) -> Tensor:
    """The router's shares (T, E) and choices (T, K) -> E x sum of (part of the choices) x (mean share); even: 1.

    Over the `real` tokens (…), T in all, or over all.
    """
    experts, asked = share.shape[-1], which.shape[-1]
    counted = share.new_ones(len(share)) if real is None else real.reshape(-1).to(share.dtype)
    part = counted / counted.sum().clamp(min=1)  # (T,)
    chosen = part @ torch.zeros_like(share).scatter(-1, which, 1.0) / asked  # (E,)
    return experts * (chosen * (part @ share)).sum()


class WithGradient(torch.autograd.Function):
    """y as it is; in the backward pass `loss` is minimised too, whatever becomes of y."""

    generate_vmap_rule = True  # for gradients of each sample, by torch.func

    @staticmethod
    def forward(y: Tensor, loss: Tensor) -> Tensor:
        return y.view_as(y)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor]:
        (loss,) = ctx.saved_tensors
        return grad, torch.ones_like(loss)
