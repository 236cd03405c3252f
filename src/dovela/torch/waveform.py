"""From samples to frames: the convolutions of a speech encoder (Baevski et al. 2020, https://arxiv.org/abs/2006.11477).

Letters: B batch, T samples or frames, S frames of the last convolution, C channels, D hidden size.
Frames lie as (B, T, C) everywhere, so that norms act on the last axis and nothing is turned around in between.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..parts import ACTIVATIONS
from .init import Linear, _normal, spread
from .layout import ragged_lengths, readable
from .positions import AddedPositions


class FrameConv(nn.Conv1d):
    """`nn.Conv1d` over (B, T, C) -> (B, T', C'), drawn as He et al. 2015 do, for each input it reads."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)  # (B, C, T)
        if torch.is_grad_enabled() or x.device.type != "cpu":
            return super().forward(x).transpose(1, 2)
        # As images one pixel high, which torch takes "channels last" too: so frames lie already, and none are copied.
        # (Its gradients are slower that way.)
        stride, padding = (1, *self.stride), (0, *self.padding)
        y = F.conv2d(x.unsqueeze(2), self.weight.unsqueeze(2), self.bias, stride, padding)
        return y.squeeze(2).transpose(1, 2)

    def reset_parameters(self) -> None:
        if self.weight.is_meta:
            return
        read = self.weight.shape[1] * self.weight.shape[2]
        _normal(self.weight, math.sqrt(2 / read))
        if self.bias is not None:
            nn.init.uniform_(self.bias, -math.sqrt(1 / read), math.sqrt(1 / read))


class TimeNorm(nn.GroupNorm):
    """Each channel normalised over time: (B, T, C) -> (B, T, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class ConvLayer(nn.Module):
    """A convolution over time, its norm if it has one, and an activation: (B, T, C) -> (B, T', C')."""

    def __init__(self, config: Any, layer: int) -> None:
        super().__init__()
        width, before = config.conv_dim[layer], config.conv_dim[layer - 1] if layer else 1
        kernel, stride = config.conv_kernel[layer], config.conv_stride[layer]
        self.conv = FrameConv(before, width, kernel, stride, bias=config.conv_bias)
        self.norm: nn.Module | None = None
        if config.feat_extract_norm == "layer":
            self.norm = nn.LayerNorm(width)
        elif layer == 0:
            self.norm = TimeNorm(width, width)
        self.activation = ACTIVATIONS.get(config.feat_extract_activation)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.activation(x if self.norm is None else self.norm(x))  # type: ignore[no-any-return]


class FeatureEncoder(nn.ModuleList):
    """The convolutions over samples: (B, T) -> frames (B, S, C).

    Only the first may look at a whole row (its norm over time); after it the padding of ragged rows is left out.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(ConvLayer(config, layer) for layer in range(len(config.conv_dim)))

    def __getitem__(self, index: Any) -> Any:
        return nn.ModuleList(list(self)[index]) if isinstance(index, slice) else super().__getitem__(index)

    def forward(self, samples: Tensor, mask: Tensor | None = None) -> Tensor:
        """samples (B, T), mask (B, T) True = real; frames that hear any padding are zero or arbitrary."""
        layers: list[Any] = list(self)
        first, *rest = layers
        x: Tensor = first(samples[:, None].transpose(1, 2))  # so that the one channel is seen to come first
        lengths = self._lengths(mask)
        if lengths is None:
            for layer in rest:
                x = layer(x)
            return x
        rows = []
        for row, length in zip(x, lengths, strict=True):
            y = row[None, :length]  # (1, T', C)
            for layer in rest:
                y = layer(y)
            rows.append(y)
        frames = x.shape[1]
        for layer in rest:
            frames = (frames - layer.conv.kernel_size[0]) // layer.conv.stride[0] + 1
        return torch.cat([F.pad(y, (0, 0, 0, frames - y.shape[1])) for y in rows])

    def _lengths(self, mask: Tensor | None) -> list[int] | None:
        """The rows' real frames after the first convolution, where leaving the others out saves work."""
        if mask is None or not readable(mask) or len(self) < 2:
            return None
        if any(module._forward_hooks or module._forward_pre_hooks for module in self.modules()):
            return None
        conv = self[0].conv
        lengths = ragged_lengths(whole_windows(mask, conv.kernel_size[0], conv.stride[0]))
        return None if lengths is None else lengths.tolist()


def whole_windows(mask: Tensor, field: int, stride: int = 1) -> Tensor:
    """Which windows of `field` neighbours are all True: mask (B, T) -> (B, S)."""
    before = F.pad(mask.cumsum(1), (1, 0))  # (B, T + 1)
    ends = before[:, field::stride]
    return ends - before[:, ::stride][:, : ends.shape[1]] == field


class FeatureProjection(nn.Module):
    """Frames (B, S, C) -> (B, S, D), and the normalised frames (B, S, C), which pre-training quantises."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.conv_dim[-1], eps=config.norm_eps)
        self.dense = nn.Linear(config.conv_dim[-1], config.hidden_size)
        self.dropout = nn.Dropout(config.feat_proj_dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.norm(x)
        return self.dropout(self.dense(x)), x


class PositionalConv(AddedPositions):
    """Relative positions as a wide convolution over neighbouring frames: (B, S, D) -> (B, S, D).

    Its weight is a magnitude for each place of the kernel times a direction (Salimans & Kingma 2016, weight norm).
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.groups, kernel = config.num_conv_pos_embedding_groups, config.num_conv_pos_embeddings
        width = config.hidden_size
        self.direction = nn.Parameter(torch.empty(width, width // self.groups, kernel))
        self.magnitude = nn.Parameter(torch.empty(1, 1, kernel))
        self.bias = nn.Parameter(torch.empty(width))
        self.activation = ACTIVATIONS.get(config.feat_extract_activation)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        if self.direction.is_meta:
            return
        _normal(self.direction, 2 / math.sqrt(self.direction.shape[0] * self.direction.shape[2]))
        with torch.no_grad():
            self.magnitude.copy_(self.direction.norm(dim=(0, 1), keepdim=True))
            self.bias.zero_()

    def added(self, x: Tensor, position_ids: Tensor | None) -> Tensor:
        return self(x)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        weight = torch._weight_norm(self.direction, self.magnitude, 2)
        padding = weight.shape[-1] // 2
        y = F.conv1d(x.transpose(1, 2), weight, self.bias, padding=padding, groups=self.groups)
        return self.activation(y[..., : x.shape[1]].transpose(1, 2))  # type: ignore[no-any-return]


class FrameAdapter(nn.Module):
    """Convolutions with gates after the layers, which make the frames fewer: (B, S, D) -> (B, S', E).

    None is ever left out by chance: the others would give another number of frames.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, narrowed = config.output_size, config.output_size != config.hidden_size
        self.dense = Linear(config.hidden_size, width, **spread(config)) if narrowed else None
        self.norm = nn.LayerNorm(width) if narrowed else None
        self.layers = nn.ModuleList(
            FrameConv(width, 2 * width, config.adapter_kernel_size, config.adapter_stride, padding=1)
            for _ in range(config.num_adapter_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.dense is not None and self.norm is not None:
            x = self.norm(self.dense(x))
        for layer in self.layers:
            x = F.glu(layer(x), dim=-1)
        return x

    def real_frames(self, mask: Tensor) -> Tensor:
        """mask (B, S), True = real -> (B, S')."""
        convs: list[Any] = list(self.layers)
        for conv in convs:
            kernel, stride = conv.kernel_size[0], conv.stride[0]
            frames = (mask.shape[1] + 2 - kernel) // stride + 1
            last = torch.arange(frames, device=mask.device) * stride + kernel - 3  # but for the padding at the end
            mask = mask[:, last.clamp(min=0)]
        return mask
