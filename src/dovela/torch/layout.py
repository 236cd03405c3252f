"""How a batch of sequences lies in memory. Only attention needs to know; everything else works on the last axis.

Letters: B batch, S sequence, T real tokens of the whole batch, H heads, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .kernels import Kernel

Allow = Callable[[Tensor, Tensor], Tensor | None]

# Below these, moving tokens costs more than the padding that is saved (measured on two cores).
LEAST_PADDED_TOKENS = 64
LEAST_PADDED_SHARE = 0.1


@dataclass(frozen=True)
class Padded:
    """(B, S, …), with a mask (B, S) or (B, S, S) of what may be attended to; None: everything."""

    mask: Tensor | None = None

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, allow: Allow, kernel: Kernel, *, scale: float, dropout: float
    ) -> tuple[Tensor, Tensor | None]:
        """q, k, v (B, S, H, D) -> output (B, S, H, D) and the kernel's weights (B, H, S, S) or None."""
        position = torch.arange(q.shape[1], device=q.device)
        may = allow(position[:, None], position[None, :])  # (S, S)
        if self.mask is not None:
            seen = self.mask[:, None, None, :] if self.mask.dim() == 2 else self.mask[:, None]
            may = seen if may is None else seen & may
        out, weights = kernel(
            q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), may, scale=scale, dropout=dropout
        )
        return out.transpose(1, 2), weights

    def unpack(self, x: Tensor) -> Tensor:
        return x


@dataclass(frozen=True)
class Packed:
    """(T, …): the real tokens only, one sequence after the other."""

    index: Tensor  # (T,) places of the real tokens in the flattened (B, S)
    lengths: tuple[int, ...]  # B of them
    shape: tuple[int, int]  # B, S

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, allow: Allow, kernel: Kernel, *, scale: float, dropout: float
    ) -> tuple[Tensor, Tensor | None]:
        """q, k, v (T, H, D) -> output (T, H, D), a sequence at a time."""
        columns = self.index % self.shape[1]
        rows = zip(*(torch.split(x, list(self.lengths)) for x in (q, k, v, columns)), strict=True)
        outs = []
        for q1, k1, v1, at in rows:
            may = allow(at[:, None], at[None, :])
            q1, k1, v1 = (t.transpose(0, 1)[None] for t in (q1, k1, v1))  # (1, H, length, D)
            outs.append(kernel(q1, k1, v1, may, scale=scale, dropout=dropout)[0][0].transpose(0, 1))
        return torch.cat(outs), None

    def unpack(self, x: Tensor) -> Tensor:
        """(T, D) -> (B, S, D), zero where there is padding."""
        batch, length = self.shape
        return x.new_zeros(batch * length, x.shape[-1]).index_copy(0, self.index, x).view(batch, length, -1)


Layout = Padded | Packed


def pack(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Layout]:
    """Leave the padding of x (B, S, D) out, if there is enough of it and every row begins with a real token.

    (Heads read the first place of a row even where it is padding, and must find there what they would without packing.)
    """
    if mask is None or mask.dim() != 2 or not readable(mask):
        return x, Padded(mask)
    lengths = mask.sum(1)
    padding = mask.numel() - int(lengths.sum())
    if not padding:
        return x, Padded(None)
    if padding < max(LEAST_PADDED_TOKENS, LEAST_PADDED_SHARE * mask.numel()) or not bool(mask[:, 0].all()):
        return x, Padded(mask)
    index = mask.flatten().nonzero().squeeze(1)
    return x.flatten(0, 1).index_select(0, index), Packed(index, tuple(lengths.tolist()), (x.shape[0], x.shape[1]))


def readable(x: Tensor) -> bool:
    """Whether looking at values is free: not on an accelerator (it would wait) and not while a graph is captured."""
    tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    captured = torch.compiler.is_compiling() or tracing or type(x) not in (Tensor, torch.nn.Parameter)
    return not captured and x.device.type == "cpu"
