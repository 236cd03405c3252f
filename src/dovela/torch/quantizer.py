"""Discrete targets of pre-training, and the loss of telling them apart.

Baevski et al. 2020, wav2vec 2.0, sections 2 and 3.2. Letters: B batch, S frames, C channels, G groups of the codebook,
V entries of each, E width of a quantised frame, N negatives.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..audio_rules import check_negatives
from ..label_rules import IGNORED
from .arrays import TORCH
from .init import Linear


class GumbelQuantizer(nn.Module):
    """A frame as one entry from each group of a codebook: (B, S, C) -> (B, S, E), and the codebook's perplexity.

    In training the entry is drawn (Jang et al. 2016, Gumbel-softmax); lower `temperature` from 2 step by step.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        groups, entries = config.num_codevector_groups, config.num_codevectors_per_group
        self.groups, self.temperature = groups, 2.0
        self.codevectors = nn.Parameter(torch.rand(1, groups * entries, config.codevector_dim // groups))
        self.scores = Linear(config.conv_dim[-1], groups * entries, std=1.0)

    def forward(self, x: Tensor, chosen: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """`chosen` (B, S): the frames that the perplexity is taken over; by default all."""
        scores = self.scores(x).unflatten(-1, (self.groups, -1))  # (B, S, G, V)
        if self.training:
            taken = F.gumbel_softmax(scores.float(), self.temperature, hard=True).type_as(scores)
            share = scores.float().softmax(-1)
        else:
            best = scores.argmax(-1, keepdim=True)
            share = taken = torch.zeros_like(scores).scatter(-1, best, 1.0)
        book = self.codevectors.view(self.groups, -1, self.codevectors.shape[-1])  # (G, V, E/G)
        return torch.einsum("bsgv,gve->bsge", taken, book).flatten(-2), perplexity(share, chosen)


def perplexity(share: Tensor, chosen: Tensor | None) -> Tensor:
    """How many entries are in use, summed over the groups, from shares (B, S, G, V)."""
    if chosen is None:
        mean = share.mean((0, 1))  # (G, V)
    else:
        mean = share.where(chosen[..., None, None], 0.0).sum((0, 1)) / chosen.sum()
    return (-(mean * (mean + 1e-7).log()).sum(-1)).exp().sum()


def contrastive_loss(
    predicted: Tensor, quantized: Tensor, negatives: Tensor, chosen: Tensor, temperature: float
) -> Tensor:
    """How well the true target of each chosen frame is told from others, summed: equation 3 of the paper.

    predicted, quantized (B, S, E); negatives (B, S, N), indices into the flattened (B * S); chosen (B, S).
    """
    check_negatives(TORCH, negatives, quantized.shape[:2])
    others = quantized.flatten(0, 1)[negatives.long()]  # (B, S, N, E)
    targets = torch.cat([quantized[:, :, None], others], 2).float()
    logits = F.cosine_similarity(predicted[:, :, None].float(), targets, dim=-1) / temperature  # (B, S, 1 + N)
    same = F.pad((others == quantized[:, :, None]).all(-1), (1, 0))  # a negative that is the target itself
    logits = logits.masked_fill(same, float("-inf"))
    labels = torch.where(chosen, 0, IGNORED)
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
