"""Attention kernels: functions from queries, keys and values to outputs, all with the same meaning.

Letters: B batch, H heads, S sequence, D width of a head.

A kernel takes q, k, v (B, H, S, D), `allow` (a boolean that broadcasts to (B, H, S, S), True = may attend, or None
where everything may), `scale` and `dropout`, and returns the output (B, H, S, D) and the weights (B, H, S, S) or None.
Where positions add to the scores it is given `bias` too, which broadcasts to (B, H, S, S); else not.
A row that may attend to nothing attends evenly to everything: finite, and the same in each kernel.
"""

from __future__ import annotations

import warnings
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..parts import KERNELS

register_kernel = KERNELS.decorator


class Kernel(Protocol):
    def __call__(
        self, q: Tensor, k: Tensor, v: Tensor, allow: Tensor | None, *, scale: float, dropout: float, **bias: Any
    ) -> tuple[Tensor, Tensor | None]: ...


def eager(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    allow: Tensor | None,
    *,
    scale: float,
    dropout: float = 0.0,
    bias: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """The formula as it is written (Vaswani et al. 2017, equation 1); the only kernel that shows its weights."""
    scores = (q @ k.transpose(-1, -2)) * scale  # (B, H, S, S)
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    if allow is not None:
        scores = scores.masked_fill(~allow, torch.finfo(scores.dtype).min)
    weights = F.dropout(scores.softmax(-1), dropout, dropout > 0)
    return weights @ v, weights


def sdpa(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    allow: Tensor | None,
    *,
    scale: float,
    dropout: float = 0.0,
    bias: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """torch's fused kernel. The mask is added (a boolean one gives NaN or zeros where a row may attend to nothing)."""
    mask = None if bias is None else bias.to(q.dtype)
    if allow is not None:
        mask = (q.new_zeros(allow.shape) if mask is None else mask).masked_fill(~allow, torch.finfo(q.dtype).min)
        if q.dtype is torch.float16:  # whose minimum does not swallow a score: a row that sees nothing would show them
            q = q.masked_fill(~allow.any(-1, keepdim=True), 0.0)
    return F.scaled_dot_product_attention(q, k, v, mask, dropout, scale=scale), None


def flex(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    allow: Tensor | None,
    *,
    scale: float,
    dropout: float = 0.0,
    bias: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """torch's flex_attention; fused when the model is compiled. It has no dropout."""
    from torch.nn.attention.flex_attention import flex_attention

    where, hint = "attention kernel 'flex'", "Train with 'sdpa' or 'eager'."
    if dropout > 0:
        raise InputError(where, f"has no dropout, got {dropout}", hint=hint)
    if q.requires_grad and q.device.type == "cpu":
        raise InputError(where, "has no gradients on a CPU", hint=f"{hint} For inference, call under torch.no_grad().")
    score_mod = None
    if allow is not None or bias is not None:
        least, whole = torch.finfo(q.dtype).min, (*q.shape[:3], k.shape[2])
        seen = None if allow is None else allow.expand(whole)
        more = None if bias is None else bias.to(q.dtype).expand(whole)

        def score_mod(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
            score = score if more is None else score + more[b, h, i, j]
            return score if seen is None else torch.where(seen[b, h, i, j], score, least)

    if torch.compiler.is_compiling():
        return flex_attention(q, k, v, score_mod, scale=scale), None
    with warnings.catch_warnings():  # that an uncompiled call is not fused, said at every first call
        warnings.simplefilter("ignore")
        return flex_attention(q, k, v, score_mod, scale=scale), None


for _kernel in (eager, sdpa, flex):  # now, so that a graph that is being captured meets no import
    KERNELS.register(_kernel.__name__, _kernel)
