"""From pixels to hidden states: an image is cut into patches, and each is a token.

Letters: B batch, C channels, D hidden size, P patches (rows x columns of the grid).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .init import Conv2d, drawn, spread


class ImageEmbeddings(nn.Module):
    """A class token and the patches of an image, with learned positions (Dosovitskiy et al. 2020, section 3.1)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.grid: tuple[int, int] = config.grid
        width, (rows, columns) = config.hidden_size, self.grid
        self.patches = Conv2d(config.num_channels, width, config.patch_shape, **spread(config))
        self.class_token = drawn(1, 1, width, **spread(config))
        self.positions = drawn(1, 1 + rows * columns, width, **spread(config))
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        pixel_values: Tensor,
        bool_masked_pos: Tensor | None = None,
        mask_token: Tensor | None = None,
        interpolate_pos_encoding: bool = False,
    ) -> Tensor:
        """Pixels (B, C, height, width) -> (B, 1 + P, D), the class token first.

        Patches where `bool_masked_pos` (B, P) is True are replaced by `mask_token`. With `interpolate_pos_encoding` the
        positions are stretched to the image's own grid.
        """
        x = self.patches(pixel_values)  # (B, D, rows, columns)
        grid = x.shape[-2:]
        x = x.flatten(2).transpose(1, 2)  # (B, P, D)
        if bool_masked_pos is not None and mask_token is not None:
            x = torch.where(bool_masked_pos[..., None], mask_token.to(x.dtype), x)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1)
        return self.dropout(x + (self.stretched(grid) if interpolate_pos_encoding else self.positions))  # type: ignore[no-any-return]

    def stretched(self, grid: torch.Size) -> Tensor:
        """The positions for another grid, by bicubic interpolation: (1, 1 + P, D)."""
        # A program that is exported for images of any size must not depend on whether this one has the usual size.
        if not torch.compiler.is_exporting() and tuple(grid) == self.grid:
            return self.positions
        first, rest = self.positions[:, :1], self.positions[:, 1:]
        square = rest.transpose(1, 2).reshape(1, -1, *self.grid)  # (1, D, rows, columns)
        square = F.interpolate(square, size=tuple(grid), mode="bicubic", align_corners=False)
        return torch.cat([first, square.flatten(2).transpose(1, 2)], dim=1)
