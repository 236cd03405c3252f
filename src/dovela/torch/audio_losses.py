"""Losses of the heads on sound. Labels of -100 are left out.

Letters: B batch, S frames, V vocabulary, N characters of a label, L labels, D width of an embedding.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import label_rules as rules
from ..label_rules import IGNORED
from .arrays import TORCH
from .losses import class_loss


def ctc_loss(
    logits: Tensor, labels: Any, real: Tensor | None, *, blank: int, reduction: str, zero_infinity: bool
) -> Tensor:
    """Connectionist temporal classification (Graves et al. 2006): logits (B, S, V) against characters (B, N).

    `real` (B, S) tells which frames are not padding. The softmax is taken in float32.
    """
    batch, size, vocabulary = logits.shape
    rules.check_characters(TORCH, "labels", labels, batch, vocabulary, blank)
    if not labels.shape[1]:  # a batch of silence
        labels = labels.new_full((batch, 1), IGNORED)
    spare = labels < 0
    characters = labels.long().gather(1, spare.to(torch.uint8).argsort(dim=1, stable=True))  # padding last
    counts = (~spare).sum(1)
    lengths = torch.full_like(counts, size)
    if real is not None:
        order = (~real).to(torch.uint8).argsort(dim=1, stable=True)
        logits, lengths = logits.take_along_dim(order[..., None], 1), real.sum(1)
    if not zero_infinity:
        rules.check_alignable(TORCH, "labels", labels, lengths)
    scores = logits.log_softmax(-1, dtype=torch.float32).transpose(0, 1)  # (S, B, V)
    characters = characters.clamp(min=0)
    if not torch.compiler.is_compiling():
        return F.ctc_loss(scores, characters, lengths, counts, blank, reduction, zero_infinity)
    losses: Tensor = _captured_ctc(scores, characters, lengths, counts, blank, zero_infinity)[0]
    if reduction == "mean":
        losses = losses / counts.clamp(min=1)
        return losses.mean()
    return losses.sum() if reduction == "sum" else losses


@torch.library.custom_op("dovela::ctc_loss", mutates_args=())
def _captured_ctc(
    scores: Tensor, labels: Tensor, lengths: Tensor, counts: Tensor, blank: int, zero_infinity: bool
) -> tuple[Tensor, Tensor]:
    """Losses (B,) and their gradients (S, B, V), as one step of a graph: torch cannot tell the sizes inside its own."""
    given = (labels, lengths, counts)
    losses, alphas = torch.ops.aten._ctc_loss.Tensor(scores, *given, blank, zero_infinity)
    ones = torch.ones_like(losses)
    slopes = torch.ops.aten._ctc_loss_backward.Tensor(ones, scores, *given, losses, alphas, blank, zero_infinity)
    return losses.where(losses.isfinite(), 0.0) if zero_infinity else losses.clone(), slopes


@_captured_ctc.register_fake
def _(
    scores: Tensor, labels: Tensor, lengths: Tensor, counts: Tensor, blank: int, zero_infinity: bool
) -> tuple[Tensor, Tensor]:
    return scores.new_empty(scores.shape[1]), torch.empty_like(scores)


def _keep_slopes(ctx: Any, inputs: Any, output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(output[1])


def _slopes(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
    return ctx.saved_tensors[0] * gradient[:, None], None, None, None, None, None


_captured_ctc.register_autograd(_slopes, setup_context=_keep_slopes)


def frame_loss(logits: Tensor, labels: Any) -> Tensor:
    """Cross-entropy of logits (B, S, L) against class numbers (B, S), or against one-hot rows (B, S, L)."""
    if isinstance(labels, Tensor) and labels.dim() == 3 and labels.shape == logits.shape:
        rules.check_one_hot(TORCH, "labels", labels)
        labels = labels.argmax(-1)
    return class_loss(logits, labels)


class AngularMargin(nn.Module):
    """Cross-entropy of angles with a margin (Wang et al. 2018, AM-softmax): embeddings (B, D), labels (B,)."""

    def __init__(self, width: int, labels: int, *, scale: float = 30.0, margin: float = 0.4) -> None:
        super().__init__()
        self.scale, self.margin = scale, margin
        self.weight = nn.Parameter(torch.randn(width, labels))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        angles = F.normalize(x, dim=1) @ F.normalize(self.weight, dim=0)  # (B, L)
        class_loss(angles, labels)  # which checks the labels
        own = labels.reshape(-1, 1) == torch.arange(angles.shape[1], device=x.device)
        return class_loss(self.scale * (angles - self.margin * own), labels)
