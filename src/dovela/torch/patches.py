"""From pixels to hidden states: an image is cut into patches, and each is a token.

Letters: B batch, C channels, D hidden size, P patches (rows x columns of the grid).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..parts import POSITIONS
from ..tables import grid_sinusoids
from .checked import addable
from .init import Conv2d, drawn, spread
from .positions import AddedPositions


class ImageEmbeddings(nn.Module):
    """A class token and the patches of an image, with learned positions (Dosovitskiy et al. 2020, section 3.1)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.grid: tuple[int, int] = config.grid
        width, (rows, columns) = config.hidden_size, self.grid
        self.patches = Conv2d(config.num_channels, width, config.patch_shape, **spread(config))
        self.class_token = drawn(1, 1, width, **spread(config))
        self.positions: Any = None
        if config.positions == "learned":
            self.positions = drawn(1, 1 + rows * columns, width, **spread(config))
        elif config.positions == "sinusoidal":
            waves = torch.from_numpy(grid_sinusoids(rows, columns, width))[None]
            self.positions = nn.Parameter(waves, requires_grad=False)
        scheme = POSITIONS.get(config.positions)
        own = issubclass(scheme, AddedPositions) and self.positions is None
        self.own_positions: Any = scheme(config) if own else None  # no table over the grid, but a part of one's own
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
        if self.positions is not None:
            x = x + (self.stretched(grid) if interpolate_pos_encoding else self.positions)
        if self.own_positions is not None:
            x = x + addable(self.own_positions, self.own_positions.added(x, None), x, "added")
        return self.dropout(x)  # type: ignore[no-any-return]

    def places(self, pixel_values: Tensor) -> Tensor:
        """The row and column of every token, (1, 1 + P, 2), counted from 1; those of the class token are 0."""
        height, width = self.patches.stride
        grid = pixel_values.shape[2] // height, pixel_values.shape[3] // width
        rows, columns = (torch.arange(1, size + 1, device=pixel_values.device) for size in grid)
        places = torch.cartesian_prod(rows, columns)
        return torch.cat([places.new_zeros(1, 2), places])[None]

    def stretched(self, grid: torch.Size) -> Tensor:
        """The positions for another grid, by bicubic interpolation: (1, 1 + P, D)."""
        # A program that is exported for images of any size must not depend on whether this one has the usual size.
        if not torch.compiler.is_exporting() and tuple(grid) == self.grid:
            return self.positions  # type: ignore[no-any-return]
        first, rest = self.positions[:, :1], self.positions[:, 1:]
        square = rest.transpose(1, 2).reshape(1, -1, *self.grid)  # (1, D, rows, columns)
        square = F.interpolate(square, size=tuple(grid), mode="bicubic", align_corners=False)
        return torch.cat([first, square.flatten(2).transpose(1, 2)], dim=1)
