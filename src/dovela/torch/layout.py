"""How a batch of sequences lies in memory. Only attention needs to know; everything else works on the last axis.

Letters: B batch, S sequence, T real tokens of the whole batch, H heads, D width.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """(T, …): the real tokens only. Rows of equal length lie together, so that they are attended to in one call."""

    index: Tensor  # (T,) places of the real tokens in the flattened (B, S)
    groups: tuple[tuple[int, int], ...]  # (rows, length of each) in the order of `index`
    shape: tuple[int, int]  # B, S

    def attend(
        self, q: Tensor, k: Tensor, v: Tensor, allow: Allow, kernel: Kernel, *, scale: float, dropout: float
    ) -> tuple[Tensor, Tensor | None]:
        """q, k, v (T, H, D) -> output (T, H, D)."""
        sizes = [rows * length for rows, length in self.groups]
        outs = []
        for group, *parts in zip(self.groups, *(torch.split(x, sizes) for x in (q, k, v)), strict=True):
            q1, k1, v1 = (part.view(*group, *part.shape[1:]) for part in parts)  # (rows, length, H, D)
            out, _ = Padded().attend(q1, k1, v1, allow, kernel, scale=scale, dropout=dropout)
            outs.append(out.flatten(0, 1))
        return torch.cat(outs), None

    def unpack(self, x: Tensor) -> Tensor:
        """(T, D) -> (B, S, D), zero where there is padding."""
        batch, length = self.shape
        return x.new_zeros(batch * length, x.shape[-1]).index_copy(0, self.index, x).view(batch, length, -1)


Layout = Padded | Packed


_choice = threading.local()


@contextmanager
def padded() -> Iterator[None]:
    """Within it nothing is packed: for heads whose result depends on what the model computes at padding."""
    before = getattr(_choice, "padded", False)
    _choice.padded = True
    try:
        yield
    finally:
        _choice.padded = before


def pack(x: Tensor, mask: Tensor | None) -> tuple[Tensor, Layout]:
    """Leave the padding of x (B, S, D) out, if there is enough of it and all of it is on the right.

    (Heads read the first place of a row even where it is padding, and must find there what they would without packing.)
    """
    if mask is None or mask.dim() != 2:
        return x, Padded(mask)
    if bool(mask.all()):
        return x, Padded(None)
    lengths = ragged_lengths(mask)
    if lengths is None:
        return x, Padded(mask)
    order = lengths.argsort(stable=True)
    positions = torch.arange(mask.shape[1])
    rows, columns = (positions < lengths[order, None]).nonzero(as_tuple=True)
    index = order[rows] * mask.shape[1] + columns
    sizes, counts = torch.unique(lengths, return_counts=True)
    groups = tuple(zip(counts.tolist(), sizes.tolist(), strict=True))
    return x.flatten(0, 1).index_select(0, index), Packed(index, groups, (x.shape[0], x.shape[1]))


def ragged_lengths(mask: Tensor) -> Tensor | None:
    """The rows' real lengths (B,), if leaving the padding out saves work and all of it is on the right."""
    lengths = mask.sum(1)
    padding = mask.numel() - int(lengths.sum())
    on_the_right = bool(mask[:, 0].all()) and not bool((mask[:, 1:] & ~mask[:, :-1]).any())
    few = padding < max(LEAST_PADDED_TOKENS, LEAST_PADDED_SHARE * mask.numel())
    return None if getattr(_choice, "padded", False) or few or not on_the_right else lengths


def readable(x: Tensor) -> bool:
    """Whether looking at values is free: not on an accelerator (it would wait) and not while a graph is captured."""
    if torch.compiler.is_compiling() or x.device.type != "cpu":
        return False
    tracing = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    mapped = torch._C._functorch.is_functorch_wrapped_tensor(x)  # torch.func: vmap, grad
    return not tracing and not mapped and type(x) in (Tensor, torch.nn.Parameter)
