"""The parts of an x-vector: convolutions over frames, and the mean and deviation of what they give.

Snyder et al. 2018, X-vectors: robust DNN embeddings for speaker recognition. Letters: B batch, S frames, D width.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from .init import Linear, spread
from .layout import readable
from .waveform import whole_windows


class TimeDelay(Linear):
    """A dilated convolution over frames, kept as the matrix of a linear layer: (B, S, D) -> (B, S', D')."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, **drawn: Any) -> None:
        super().__init__(inputs * kernel, outputs, **drawn)
        self.kernel, self.dilation = kernel, dilation

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.view(len(self.weight), self.kernel, -1).transpose(1, 2)  # (D', D, kernel)
        return F.conv1d(x.transpose(1, 2), weight, self.bias, dilation=self.dilation).transpose(1, 2).relu()

    @property
    def field(self) -> int:
        """Frames that it reads at once."""
        return (self.kernel - 1) * self.dilation + 1


class TimeDelays(nn.ModuleList):
    """The stack of them."""

    def __init__(self, config: Any) -> None:
        widths = [config.tdnn_dim[0], *config.tdnn_dim]
        sizes = zip(widths, config.tdnn_dim, config.tdnn_kernel, config.tdnn_dilation, strict=False)
        super().__init__(TimeDelay(*size, **spread(config)) for size in sizes)

    def forward(self, x: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """x (B, S, D), real (B, S) -> (B, S', D') and which of them read nothing but real frames."""
        layers: list[Any] = list(self)
        least = sum(layer.field - 1 for layer in layers) + 2  # so that there is a deviation
        if x.shape[1] < least:
            raise InputError("input_values", f"clips of {x.shape[1]} frames, and a voice takes at least {least}")
        if real is not None and readable(real) and bool((real.sum(1) < least).any()):
            lengths = real.sum(1)
            row = int(lengths.argmin())
            raise InputError(
                "attention_mask", f"row {row} has {int(lengths[row])} frames, a voice takes at least {least}"
            )
        for layer in layers:
            x = layer(x)
            real = None if real is None else whole_windows(real, layer.field)
        return x, real


class StatisticsPooling(nn.Module):
    """Mean and deviation over real frames: x (B, S, D), real (B, S) -> (B, 2 D)."""

    def forward(self, x: Tensor, real: Tensor | None) -> Tensor:
        if real is None:
            return torch.cat([x.mean(1), x.std(1)], -1)
        count, shown = real.sum(1)[:, None], real[..., None]
        mean = x.where(shown, 0.0).sum(1) / count  # (B, D)
        squares = (x - mean[:, None]).where(shown, 0.0).square().sum(1)
        return torch.cat([mean, (squares / (count - 1)).sqrt()], -1)
