"""Attention kernels: functions from queries, keys and values to outputs, all with the same meaning.

Letters: B batch, H heads, S sequence, D width of a head.

A kernel takes q, k, v (B, H, S, D), `allow` (a boolean that broadcasts to (B, H, S, S), True = may attend, or None
where everything may), `scale` and `dropout`, and returns the output (B, H, S, D) and the weights (B, H, S, S) or None.
A row that may attend to nothing attends evenly to everything: finite, and the same in each kernel.
"""

from __future__ import annotations

import warnings
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..parts import KERNELS

register_kernel = KERNELS.decorator


class Kernel(Protocol):
    def __call__(
        self, q: Tensor, k: Tensor, v: Tensor, allow: Tensor | None, *, scale: float, dropout: float
    ) -> tuple[Tensor, Tensor | None]: ...


def eager(
    q: Tensor, k: Tensor, v: Tensor, allow: Tensor | None, *, scale: float, dropout: float = 0.0
) -> tuple[Tensor, Tensor | None]:
    """The formula as it is written (Vaswani et al. 2017, equation 1); the only kernel that shows its weights."""
    scores = (q @ k.transpose(-1, -2)) * scale  # (B, H, S, S)
    if allow is not None:
        scores = scores.masked_fill(~allow, torch.finfo(scores.dtype).min)
    weights = F.dropout(scores.softmax(-1), dropout, dropout > 0)
    return weights @ v, weights


def sdpa(
    q: Tensor, k: Tensor, v: Tensor, allow: Tensor | None, *, scale: float, dropout: float = 0.0
) -> tuple[Tensor, Tensor | None]:
    """torch's fused kernel. The mask is added (a boolean one gives NaN or zeros where a row may attend to nothing)."""
    mask = None
    if allow is not None:
        mask = q.new_zeros(allow.shape).masked_fill(~allow, torch.finfo(q.dtype).min)
        if q.dtype is torch.float16:  # whose minimum does not swallow a score: a row that sees nothing would show them
            q = q.masked_fill(~allow.any(-1, keepdim=True), 0.0)
    return F.scaled_dot_product_attention(q, k, v, mask, dropout, scale=scale), None


def flex(
    q: Tensor, k: Tensor, v: Tensor, allow: Tensor | None, *, scale: float, dropout: float = 0.0
) -> tuple[Tensor, Tensor | None]:
    """torch's flex_attention; fused when the model is compiled. It has no dropout."""
    from torch.nn.attention.flex_attention import flex_attention

    where, hint = "attention kernel 'flex'", "Train with 'sdpa' or 'eager'."
    if dropout > 0:
        raise InputError(where, f"has no dropout, got {dropout}", hint=hint)
    if q.requires_grad and q.device.type == "cpu":
        raise InputError(where, "has no gradients on a CPU", hint=f"{hint} For inference, call under torch.no_grad().")
    score_mod = None
    if allow is not None:
        table = allow.expand(q.shape[0], -1, q.shape[2], k.shape[2])  # (B, 1 or H, S, S)
        heads, least = table.shape[1], torch.finfo(q.dtype).min

        def score_mod(score: Tensor, b: Tensor, h: Tensor, i: Tensor, j: Tensor) -> Tensor:
            return torch.where(table[b, h if heads > 1 else 0, i, j], score, least)

    if torch.compiler.is_compiling():
        return flex_attention(q, k, v, score_mod, scale=scale), None
    with warnings.catch_warnings():  # that an uncompiled call is not fused, said at every first call
        warnings.simplefilter("ignore")
        return flex_attention(q, k, v, score_mod, scale=scale), None


for _kernel in (eager, sdpa, flex):  # now, so that a graph that is being captured meets no import
    KERNELS.register(_kernel.__name__, _kernel)
