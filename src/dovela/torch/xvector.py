"""The parts of an x-vector: convolutions over frames, and the mean and deviation of what they give.

Snyder et al. 2018, X-vectors: robust DNN embeddings for speaker recognition. Letters: B batch, S frames, D width.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..audio_rules import check_voices, voice_field
from .arrays import TORCH
from .init import Linear, spread
from .waveform import whole_windows


class TimeDelay(Linear):
    """A dilated convolution over frames, kept as the matrix of a linear layer: (B, S, D) -> (B, S', D')."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, **drawn: Any) -> None:
        super().__init__(inputs * kernel, outputs, **drawn)
        self.kernel, self.dilation = kernel, dilation

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.view(len(self.weight), self.kernel, -1).transpose(1, 2)  # (D', D, kernel)
        return F.conv1d(x.transpose(1, 2), weight, self.bias, dilation=self.dilation).transpose(1, 2).relu()


class TimeDelays(nn.ModuleList):
    """The stack of them."""

    def __init__(self, config: Any) -> None:
        widths = [config.tdnn_dim[0], *config.tdnn_dim]
        sizes = zip(widths, config.tdnn_dim, config.tdnn_kernel, config.tdnn_dilation, strict=False)
        super().__init__(TimeDelay(*size, **spread(config)) for size in sizes)
        self.field = voice_field(config)

    def forward(self, x: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """x (B, S, D), real (B, S) -> (B, S', D') and which of them read nothing but real frames."""
        check_voices(TORCH, x, real, self.field)
        for layer in self:
            x = layer(x)
        return x, None if real is None else whole_windows(real, self.field)


class StatisticsPooling(nn.Module):
    """Mean and deviation over real frames: x (B, S, D), real (B, S) -> (B, 2 D)."""

    def forward(self, x: Tensor, real: Tensor | None) -> Tensor:
        if real is None:
            return torch.cat([x.mean(1), x.std(1)], -1)
        count, shown = real.sum(1)[:, None], real[..., None]
        mean = x.where(shown, 0.0).sum(1) / count  # (B, D)
        variance = (x - mean[:, None]).where(shown, 0.0).square().sum(1) / (count - 1)
        still = variance == 0  # a channel that is off all the time: the slope of its root would be NaN
        return torch.cat([mean, variance.masked_fill(still, 1.0).sqrt().masked_fill(still, 0.0)], -1)
