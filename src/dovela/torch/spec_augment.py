"""Which frames and channels are hidden in training, and which frames are told apart in pre-training.

Park et al. 2019, SpecAugment; Baevski et al. 2020, wav2vec 2.0, sections 3.1 and 3.2. Everything is drawn by torch, so
`torch.manual_seed` decides it, on any device and within a compiled graph.

Letters: B batch, S frames (or channels), N negatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from .layout import readable


def compute_mask_indices(
    shape: tuple[int, int],
    mask_prob: float,
    mask_length: int,
    attention_mask: Any = None,
    min_masks: int = 0,
    *,
    device: torch.device | str | None = None,
) -> Tensor:
    """Random spans to mask: boolean (B, S), True = masked.

    A row gets `mask_prob * length / mask_length` spans, rounded up or down by one draw for the batch, and at least
    `min_masks`; they start at different places and may overlap, so `mask_prob` is the most that is masked. No span
    leaves the real part of its row (`attention_mask` (B, S), 1 = real); a row too short for one gets none.
    """
    where = "compute_mask_indices"
    batch, size = _rows(f"{where}(shape)", shape)
    if not isinstance(mask_prob, (int, float)) or not 0 <= mask_prob <= 1:
        raise InputError(f"{where}(mask_prob)", f"expected a number in [0, 1], got {mask_prob!r}")
    if not _whole(mask_length, 1) or not _whole(min_masks, 0):
        problem = f"expected whole numbers mask_length >= 1 and min_masks >= 0, got {mask_length!r} and {min_masks!r}"
        raise InputError(where, problem)
    if mask_length > size:
        raise InputError(f"{where}(mask_length)", f"a span of {mask_length} is longer than the rows ({size})")
    if attention_mask is None:
        real = torch.ones(batch, size, dtype=torch.bool, device=device)
    else:
        real = torch.as_tensor(attention_mask, device=device) != 0
        if tuple(real.shape) != (batch, size):
            raise InputError(f"{where}(attention_mask)", f"expected the shape {[*shape]}, got {list(real.shape)}")
    return random_spans(real, mask_prob, mask_length, min_masks)


def random_spans(real: Tensor, mask_prob: float, mask_length: int, min_masks: int) -> Tensor:
    """`compute_mask_indices` within what is `real` (B, S); rows shorter than a span are left as they are."""
    size = real.shape[1]
    if size < mask_length:
        return torch.zeros_like(real)
    starts = real.unfold(1, mask_length, 1).all(-1)  # (B, S - mask_length + 1): where a span fits
    rounding = torch.rand((), device=real.device)
    spans = (mask_prob * real.sum(1) / mask_length + rounding).floor().clamp(min=min_masks, max=size // mask_length)
    order = torch.rand(starts.shape, device=real.device).masked_fill(~starts, -1.0)
    rank = order.argsort(dim=1, descending=True).argsort(dim=1)
    chosen = starts & (rank < spans[:, None])
    begun = F.pad(chosen, (0, mask_length - 1)).cumsum(1)  # (B, S)
    return begun - F.pad(begun, (mask_length, 0))[:, :size] > 0


def sample_negative_indices(
    features_shape: tuple[int, int], num_negatives: int, mask_time_indices: Any = None
) -> Tensor:
    """For every masked frame, other masked frames of its row: (B, S, N), indices into the flattened (B * S).

    Without `mask_time_indices` (B, S) all frames are masked. Places of other frames hold an index of no meaning.
    """
    where = "sample_negative_indices"
    batch, size = _rows(f"{where}(features_shape)", features_shape)
    if not _whole(num_negatives, 1):
        raise InputError(f"{where}(num_negatives)", f"expected a whole number of at least 1, got {num_negatives!r}")
    if mask_time_indices is None:
        masked = torch.ones(batch, size, dtype=torch.bool)
    else:
        masked = torch.as_tensor(mask_time_indices) != 0
    if tuple(masked.shape) != (batch, size):
        raise InputError(
            f"{where}(mask_time_indices)", f"expected the shape {[*features_shape]}, got {list(masked.shape)}"
        )
    count = masked.sum(1)
    if readable(masked) and bool((count == 1).any()):
        row = int((count == 1).nonzero()[0])
        raise InputError(where, f"row {row} has one masked frame, and no other to tell it from")
    places = (~masked).to(torch.uint8).argsort(dim=1, stable=True)  # the masked frames of a row first
    rank = masked.cumsum(1) - 1  # (B, S)
    others = (count - 1).clamp(min=1)[:, None, None]
    draw = (torch.rand(batch, size, num_negatives, device=masked.device) * others).long().clamp(max=others - 1)
    draw = draw + (draw >= rank[..., None])  # skip the frame itself
    draw = draw.clamp(max=size - 1).masked_fill(~masked[..., None], 0)
    rows = torch.arange(batch, device=masked.device)[:, None, None] * size
    negatives = places.gather(1, draw.flatten(1)).view(draw.shape)
    return negatives.masked_fill(~masked[..., None], 0) + rows


def _rows(where: str, shape: Any) -> tuple[int, int]:
    """The two sizes of a batch of frames."""
    if not isinstance(shape, Sequence) or len(shape) != 2 or not all(_whole(size, 0) for size in shape):
        raise InputError(where, f"expected (batch, frames), got {shape!r}")
    return int(shape[0]), int(shape[1])


def _whole(value: Any, least: int) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, Integral) and int(value) >= least
