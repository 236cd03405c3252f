"""How a batch of sequences lies in memory. Only attention needs to know; everything else works on the last axis.

Letters: B batch, S sequence, T real tokens of the whole batch, H heads, D width, A axes of a place.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..errors import InputError
from .checked import pair_like
from .kernels import Kernel

Table = Callable[[Tensor, Tensor], Tensor | None]  # from places of queries and of keys

# Below these, moving tokens costs more than the padding that is saved (measured on two cores).
LEAST_PADDED_TOKENS = 64
LEAST_PADDED_SHARE = 0.1
# The narrowest band of queries that is worth a call, and how many of them must fit into a sequence (likewise).
LEAST_BAND = 64
LEAST_BANDS = 6


@dataclass(frozen=True)
class Rule:
    """Who attends to whom, and by which function."""

    allow: Table
    kernel: Kernel
    scale: float
    dropout: float
    bias: Table | None = None
    reach: int | None = None
    """`allow` is false beyond this distance, so that a long sequence can be computed in bands."""


@dataclass(frozen=True)
class Padded:
    """(B, S, …), with a mask (B, S) or (B, S, S) of what may be attended to; None: everything.

    `given`: the tokens' places (B or 1, S, A), where they are not 0 … S - 1.
    """

    mask: Tensor | None = None
    given: Tensor | None = None

    def longest(self, x: Tensor) -> int:
        """Places of the longest row of x (B, S, D)."""
        return x.shape[1]

    @property
    def real(self) -> Tensor | None:
        """Which tokens are not padding, (B, S); None: all."""
        return self.mask if self.mask is None or self.mask.dim() == 2 else self.mask.any(1)

    def places(self, x: Tensor) -> Tensor:
        """Of x (B, S, D): (B or 1, S, A)."""
        return torch.arange(x.shape[1], device=x.device)[None, :, None] if self.given is None else self.given

    def attend(self, q: Tensor, k: Tensor, v: Tensor, rule: Rule) -> tuple[Tensor, Tensor | None]:
        """q, k, v (B, S, H, D) -> output (B, S, H, D) and the kernel's weights (B, H, S, S) or None."""
        length, reach = q.shape[1], rule.reach
        if reach is None or captured() or length < LEAST_BANDS * (band := max(reach, LEAST_BAND)):
            return self._part(q, k, v, rule, slice(0, length), slice(0, length))
        outs = []
        for start in range(0, length, band):
            end = min(start + band, length)
            keys = slice(max(start - reach, 0), min(end + reach, length))
            outs.append(self._part(q, k, v, rule, slice(start, end), keys)[0])
        return torch.cat(outs, 1), None

    def _part(
        self, q: Tensor, k: Tensor, v: Tensor, rule: Rule, queries: slice, keys: slice
    ) -> tuple[Tensor, Tensor | None]:
        """Some of the queries, with some of the keys."""
        position = torch.arange(q.shape[1], device=q.device)
        may = rule.allow(position[queries, None], position[None, keys])  # (queries, keys)
        if self.mask is not None:
            seen = self.mask[:, None, None, keys] if self.mask.dim() == 2 else self.mask[:, None, queries, keys]
            may = seen if may is None else seen & may
        options: dict[str, Any] = {"scale": rule.scale, "dropout": rule.dropout}
        if rule.bias is not None:
            place = self.places(q)  # (B or 1, S, A)
            place = place[..., 0] if place.shape[-1] == 1 else place
            scores = rule.bias(place[:, None, queries, None], place[:, None, None, keys])
            if scores is not None:
                _check_takes_bias(rule.kernel)
                options["bias"] = scores
        q, k, v = q[:, queries].transpose(1, 2), k[:, keys].transpose(1, 2), v[:, keys].transpose(1, 2)
        out, weights = pair_like(rule.kernel, rule.kernel(q, k, v, may, **options), q)
        return out.transpose(1, 2), weights

    def unpack(self, x: Tensor) -> Tensor:
        return x


@dataclass(frozen=True)
class Packed:
    """(T, …): the real tokens only. Rows of equal length lie together, so that they are attended to in one call."""

    index: Tensor  # (T,) places of the real tokens in the flattened (B, S)
    groups: tuple[tuple[int, int], ...]  # (rows, length of each) in the order of `index`
    shape: tuple[int, int]  # B, S
    given: Tensor | None = None  # (T, A) places, where they are not counted from the start of each row

    real = None  # nothing here is padding

    def longest(self, x: Tensor) -> int:
        """Places of the longest row of x (T, D)."""
        return max(length for _, length in self.groups)

    def places(self, x: Tensor) -> Tensor:
        """Of x (T, D): (T, A)."""
        return (self.index % self.shape[1])[:, None] if self.given is None else self.given

    def attend(self, q: Tensor, k: Tensor, v: Tensor, rule: Rule) -> tuple[Tensor, Tensor | None]:
        """q, k, v (T, H, D) -> output (T, H, D)."""
        sizes = [rows * length for rows, length in self.groups]
        places = [None] * len(sizes) if self.given is None else torch.split(self.given, sizes)
        outs = []
        for group, place, *parts in zip(self.groups, places, *(torch.split(x, sizes) for x in (q, k, v)), strict=True):
            q1, k1, v1 = (part.view(*group, *part.shape[1:]) for part in parts)  # (rows, length, H, D)
            rows = Padded(None, None if place is None else place.view(*group, -1))
            out, _ = rows.attend(q1, k1, v1, rule)
            outs.append(out.flatten(0, 1))
        return torch.cat(outs), None

    def unpack(self, x: Tensor) -> Tensor:
        """(T, D) -> (B, S, D), zero where there is padding."""
        batch, length = self.shape
        return x.new_zeros(batch * length, x.shape[-1]).index_copy(0, self.index, x).view(batch, length, -1)


Layout = Padded | Packed


def _check_takes_bias(kernel: Kernel) -> None:
    if captured():
        return
    parameters = inspect.signature(kernel).parameters.values()
    if not any(p.name == "bias" or p.kind is p.VAR_KEYWORD for p in parameters):
        problem = "takes no `bias`, and the positions of this model add one to the scores"
        raise InputError(f"attention kernel {getattr(kernel, '__name__', kernel)}", problem)


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


def pack(x: Tensor, mask: Tensor | None, given: Tensor | None = None) -> tuple[Tensor, Layout]:
    """Leave the padding of x (B, S, D) out, if there is enough of it and all of it is on the right.

    (Heads read the first place of a row even where it is padding, and must find there what they would without packing.)
    """
    if mask is None or mask.dim() != 2:
        return x, Padded(mask, given)
    if bool(mask.all()):
        return x, Padded(None, given)
    lengths = ragged_lengths(mask)
    if lengths is None:
        return x, Padded(mask, given)
    order = lengths.argsort(stable=True)
    positions = torch.arange(mask.shape[1])
    rows, columns = (positions < lengths[order, None]).nonzero(as_tuple=True)
    index = order[rows] * mask.shape[1] + columns
    sizes, counts = torch.unique(lengths, return_counts=True)
    groups = tuple(zip(counts.tolist(), sizes.tolist(), strict=True))
    if given is not None:
        given = given.expand(x.shape[0], -1, -1).flatten(0, 1).index_select(0, index)
    return x.flatten(0, 1).index_select(0, index), Packed(index, groups, (x.shape[0], x.shape[1]), given)


class Packable(nn.Module):
    """A part that may be given a packed batch.

    A class with a `forward` of its own might mix tokens: it is given padded batches (B, S, D) only, unless it says
    `packs = True`.
    """

    packs: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in vars(cls) and "packs" not in vars(cls):
            cls.packs = False


def ragged_lengths(mask: Tensor) -> Tensor | None:
    """The rows' real lengths (B,), if leaving the padding out saves work and all of it is on the right."""
    lengths = mask.sum(1)
    padding = mask.numel() - int(lengths.sum())
    on_the_right = bool(mask[:, 0].all()) and not bool((mask[:, 1:] & ~mask[:, :-1]).any())
    few = padding < max(LEAST_PADDED_TOKENS, LEAST_PADDED_SHARE * mask.numel())
    return None if getattr(_choice, "padded", False) or few or not on_the_right else lengths


def captured() -> bool:
    """Whether a graph is being captured, which should not depend on this input."""
    return torch.compiler.is_compiling() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


def readable(x: Tensor) -> bool:
    """Whether looking at values is free: not on an accelerator (it would wait) and not while a graph is captured."""
    if captured() or x.device.type != "cpu":
        return False
    mapped = torch._C._functorch.is_functorch_wrapped_tensor(x)  # torch.func: vmap, grad
    return not mapped and type(x) in (Tensor, torch.nn.Parameter)
