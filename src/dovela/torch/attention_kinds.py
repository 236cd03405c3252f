"""The kinds of attention besides the full one: each says in a line or two what is different about it.

Letters: B batch, S sequence, H heads, D width of a head.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError
from .attention import Attention
from .kernels import Kernel


class CausalAttention(Attention):
    """Each token attends to itself and those before it (Vaswani et al. 2017, section 3.2.3)."""

    causal = True

    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        return k_pos <= q_pos


class WindowAttention(Attention):
    """Each token attends to `config.window` neighbours to each side (Longformer, https://arxiv.org/abs/2004.05150)."""

    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        return (q_pos - k_pos).abs().le(self.config.window)

    @property
    def reach(self) -> int:
        return int(self.config.window)


class CausalWindowAttention(WindowAttention):
    """Each token attends to itself and the `config.window` before it (Mistral, https://arxiv.org/abs/2310.06825)."""

    causal = True

    def allow(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        return (k_pos <= q_pos) & super().allow(q_pos, k_pos)


class GroupedQueryAttention(Attention):
    """Full attention whose heads share keys and values in groups (https://arxiv.org/abs/2305.13245).

    Every kind shares them where `num_key_value_heads` says so; under this name a configuration has to say it.
    """


class LinearAttention(Attention):
    """Attention in time linear in the sequence (Katharopoulos et al. 2020, https://arxiv.org/abs/2006.16236).

    A pair's weight is f(q)·f(k) with f = elu + 1, so keys and values are summed once for all queries. In training
    `attention_dropout` leaves out keys, for all queries of a head at once.
    """

    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__(config, layer)
        if self.positions is not None:  # of one's own; the built-in ones are refused by the configuration
            problem = f"positions {config.positions!r} act on scores, and attention 'linear' never has them"
            raise ConfigError(type(config).__name__, problem)

    def kernel(self, output_attentions: bool) -> Kernel:
        return weighed if output_attentions else summed


def sees_ahead(attention: Any) -> bool:
    """Whether a token may see one behind it: where the class does not say `causal`, or `allow` says otherwise."""
    if not getattr(attention, "causal", False):
        return True
    if not isinstance(attention, Attention) or attention.q_proj.weight.is_meta:
        return False  # its author knows
    place = torch.arange(16, device=attention.q_proj.weight.device)
    may = attention.allow(place[:, None], place[None, :])
    return may is None or bool((may & (place > place[:, None])).any())


def _features(x: Tensor) -> Tensor:
    """elu(x) + 1, without the rounding of a sum near zero; in float32 at least, since sums over a text grow large."""
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    return torch.where(x > 0, x + 1, x.clamp(max=0).exp())


def _kept_keys(k: Tensor, dropout: float) -> Tensor:
    """(B, H, S, 1): ones, or in training 1 / (1 - dropout) for the keys that stay and 0 for the others."""
    return F.dropout(k.new_ones(*k.shape[:-1], 1), dropout, dropout > 0)


def summed(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    allow: Tensor | None,
    *,
    scale: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor | None]:
    """Sums over keys first; where who may attend depends on the query too, the weights are needed after all."""
    if allow is not None and allow.shape[-2] > 1:
        return weighed(q, k, v, allow, scale=scale, dropout=dropout)[0], None
    fq, fk = _features(q), _features(k)
    if allow is not None:
        seen = allow | ~allow.any(-1, keepdim=True)  # nothing to attend to: as the other kernels, everything
        fk = fk * seen.transpose(-1, -2)
    total = fk.sum(-2, keepdim=True).transpose(-1, -2)  # (B, H, D, 1)
    values = fk.transpose(-1, -2) @ (v * _kept_keys(k, dropout)).to(fk.dtype)  # (B, H, D, D)
    return (fq @ values / (fq @ total)).to(v.dtype), None


def weighed(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    allow: Tensor | None,
    *,
    scale: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, Tensor | None]:
    """The same with every weight (B, H, S, S) in sight, in quadratic time."""
    weights = _features(q) @ _features(k).transpose(-1, -2)
    if allow is not None:
        weights = weights * (allow | ~allow.any(-1, keepdim=True))
    weights = weights / weights.sum(-1, keepdim=True)
    return (weights @ (v * _kept_keys(k, dropout)).to(weights.dtype)).to(v.dtype), weights.to(v.dtype)
