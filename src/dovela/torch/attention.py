"""Attention kinds: modules that decide who may attend to whom. How it is computed is the kernel's and the layout's.

Letters: B batch, S sequence, H heads, D hidden size.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..parts import ATTENTIONS, KERNELS
from .init import Linear, spread
from .layout import Layout

register_attention = ATTENTIONS.decorator


class Attention(nn.Module):
    """Multi-head self-attention (Vaswani et al. 2017, section 3.2). Every position may attend to every other.

    Override `allow` to say otherwise; `self.config` is the model's configuration. A subclass with its own `forward` is
    given padded batches (B, S, D) only, unless it says `packs = True`: it then takes tokens in any layout.
    """

    packs: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in vars(cls) and "packs" not in vars(cls):
            cls.packs = False

    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__()
        self.config = config
        self.head_dim = config.hidden_size // config.num_attention_heads
        pruned = set(config.pruned_heads.get(layer, ()))
        self.heads = [head for head in range(config.num_attention_heads) if head not in pruned]
        width, bias = len(self.heads) * self.head_dim, getattr(config, "qkv_bias", True)
        self.q_proj = Linear(config.hidden_size, width, bias=bias, **spread(config))
        self.k_proj = Linear(config.hidden_size, width, bias=bias, **spread(config))
        self.v_proj = Linear(config.hidden_size, width, bias=bias, **spread(config))
        self.o_proj = Linear(width, config.hidden_size, **spread(config))

    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor | None:
        """Hook: whether a position may attend to another; (S, 1) and (1, S) -> boolean (S, S), or None for always."""
        return None

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        """x (…, D) as it lies in `layout` -> output (…, D) and, if asked for, weights (B, H, S, S)."""
        q, k, v = (
            proj(x).unflatten(-1, (-1, self.head_dim)) for proj in (self.q_proj, self.k_proj, self.v_proj)
        )  # (…, H, D/H)
        kernel = KERNELS.get("eager" if output_attentions else self.config.attn_implementation)
        dropout = self.config.attention_dropout if self.training else 0.0
        out, weights = layout.attend(q, k, v, self.allow, kernel, scale=self.head_dim**-0.5, dropout=dropout)
        return self.o_proj(out.flatten(-2)), weights

    def prune(self, heads: Iterable[int]) -> None:
        """Cut heads, named by their original numbers."""
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
