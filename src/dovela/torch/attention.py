"""Attention kinds: modules that decide who may attend to whom. How it is computed is the kernel's and the layout's.

Letters: B batch, S sequence, H heads, D hidden size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..parts import ATTENTIONS, KERNELS, POSITIONS
from .checked import boolean_table, score_table, tensor_like
from .init import Linear, spread
from .kernels import Kernel
from .layout import Layout, Packable, Rule, captured
from .positions import AttentionPositions

register_attention = ATTENTIONS.decorator


class Attention(Packable):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2). Every position may attend to every other.

    Override `allow` to say otherwise; `self.config` is the model's configuration. A subclass with its own `forward` is
    given padded batches (B, S, D) only, unless it says `packs = True`: it then takes tokens in any layout.
    """

    packs = True
    causal: ClassVar[bool] = False
    """Whether no token sees one behind it, so that it can learn to guess the next."""

    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__()
        self.config = config
        self.head_dim = config.hidden_size // config.num_attention_heads
        pruned = set(config.pruned_heads.get(layer, ()))
        self.heads = [head for head in range(config.num_attention_heads) if head not in pruned]
        shared = config.num_key_value_heads or config.num_attention_heads
        self.queries_per_key = config.num_attention_heads // shared
        width = len(self.heads) * self.head_dim
        inner = width // self.queries_per_key
        self.q_proj = Linear(config.hidden_size, width, bias=config.qkv_bias, **spread(config))
        self.k_proj = Linear(config.hidden_size, inner, bias=config.qkv_bias, **spread(config))
        self.v_proj = Linear(config.hidden_size, inner, bias=config.qkv_bias, **spread(config))
        self.o_proj = Linear(width, config.hidden_size, **spread(config))
        self._known_reach = (-1, 0)  # the reach, and the longest sequence it was tried on
        scheme = POSITIONS.get(config.positions)
        self.positions = POSITIONS.make(config.positions, config) if issubclass(scheme, AttentionPositions) else None

    # ---- hooks --------------------------------------------------------------------------------

    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor | None:
        """Hook: whether a position may attend to another; (Q, 1) and (1, K) -> boolean (Q, K), or None for always.

        (H, S, S) tells the heads apart.
        """
        return None

    @property
    def reach(self) -> int | None:
        """Hook: how far to each side `allow` ever lets a token see, if it is near; long sequences then cost less."""
        return None

    def kernel(self, output_attentions: bool) -> Kernel:
        """Hook: the function that computes it; if the weights are asked for, one that shows them."""
        return KERNELS.get("eager" if output_attentions else self.config.attn_implementation)  # type: ignore[no-any-return]

    # ---- the computation ----------------------------------------------------------------------

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        """x (…, D) as it lies in `layout` -> output (…, D) and, if asked for, weights (B, H, S, S)."""
        q, k, v = (
            proj(x).unflatten(-1, (-1, self.head_dim)) for proj in (self.q_proj, self.k_proj, self.v_proj)
        )  # (…, H, D/H)
        if self.positions is not None:
            places = layout.places(x)
            q, k = (tensor_like(self.positions, self.positions.turn(part, places), part, "turn") for part in (q, k))
        if self.queries_per_key > 1:
            k, v = (part.repeat_interleave(self.queries_per_key, -2) for part in (k, v))
        rule = Rule(
            self._allowed,
            self.kernel(output_attentions),
            scale=self.head_dim**-0.5,
            dropout=self.config.attention_dropout if self.training else 0.0,
            bias=self._biased if self.positions is not None else None,
            reach=None if output_attentions or captured() else self._checked_reach(layout.longest(x)),
        )
        out, weights = layout.attend(q, k, v, rule)
        return self.o_proj(out.flatten(-2)), weights

    def _allowed(self, q_pos: Tensor, k_pos: Tensor) -> Tensor | None:
        return boolean_table(self, self.allow(q_pos, k_pos), len(self.heads), q_pos.shape[0], k_pos.shape[-1], "allow")

    def _checked_reach(self, length: int) -> int | None:
        """`reach`, found to be true of `allow` before it is relied on for sequences of a length."""
        reach = self.reach
        if reach is None or (reach == self._known_reach[0] and length <= self._known_reach[1]):
            return reach
        hint = "Let `reach` say how far it is, or None where there is no bound."
        if isinstance(reach, bool) or not isinstance(reach, int) or reach < 0:
            problem = f"expected a number of places of at least 0, or None, got {reach!r}"
            raise InputError(f"{type(self).__name__}.reach", problem, hint=hint)
        place = torch.arange(length)
        far = (place[:, None] - place).abs() > reach
        may = self._allowed(place[:, None], place[None, :])
        if bool(far.any()) and (may is None or bool((may & far).any())):
            raise InputError(
                f"{type(self).__name__}.reach", f"is {reach}, and `allow` lets tokens see beyond", hint=hint
            )
        self._known_reach = (reach, length)
        return reach

    def _biased(self, q_pos: Tensor, k_pos: Tensor) -> Tensor | None:
        bias = self.positions.bias(q_pos, k_pos)  # type: ignore[union-attr]
        heads = self.config.num_attention_heads
        bias = score_table(self.positions, bias, heads, q_pos.shape[2], k_pos.shape[3], "bias")
        whole = bias is None or bias.dim() < 3 or bias.shape[-3] == 1 or len(self.heads) == heads
        return bias if whole else bias[..., self.heads, :, :]  # type: ignore[index]

    # ---- surgery ------------------------------------------------------------------------------

    def prune(self, heads: Iterable[int]) -> None:
        """Cut heads, named by their original numbers."""
        if self.queries_per_key > 1:
            raise InputError(f"{type(self).__name__}.prune", "these heads share keys and values, and cannot be cut")
        gone = set(heads)
        kept = [i for i, head in enumerate(self.heads) if head not in gone]
        rows = torch.cat([torch.arange(i * self.head_dim, (i + 1) * self.head_dim) for i in kept])
        rows = rows.to(self.q_proj.weight.device)
        for proj in (self.q_proj, self.k_proj, self.v_proj):
            proj.weight = _kept(proj.weight, rows, 0)
            if proj.bias is not None:
                proj.bias = _kept(proj.bias, rows, 0)
            proj.out_features = len(rows)
        self.o_proj.weight = _kept(self.o_proj.weight, rows, 1)
        self.o_proj.in_features = len(rows)
        self.heads = [self.heads[i] for i in kept]


def _kept(weight: Tensor, rows: Tensor, axis: int) -> nn.Parameter:
    return nn.Parameter(weight.detach().index_select(axis, rows), requires_grad=weight.requires_grad)
