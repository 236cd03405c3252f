"""From pixels to hidden states: an image is cut into patches, and each is a token.

Letters: B batch, C channels, D hidden size, P patches (rows x columns of the grid).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..tables import bicubic_matrix, grid_sinusoids
from .init import kernel_init
from .layers import Dropout, dtypes
from .positions import make_positions

Array = jax.Array


class ImageEmbeddings(nn.Module):
    """A class token and the patches of an image, with positions added (Dosovitskiy et al. 2020, section 3.1)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config, (rows, columns) = self.config, self.config.grid
        width, drawn = config.hidden_size, kernel_init(config)
        self.patches = nn.Conv(
            width,
            config.patch_shape,
            config.patch_shape,
            padding="VALID",
            kernel_init=drawn,
            **dtypes(self),
        )
        self.class_token = self.param("class_token", drawn, (1, 1, width), self.param_dtype)
        self.positions: Array | None = None
        if config.positions == "learned":
            self.positions = self.param("positions", drawn, (1, 1 + rows * columns, width), self.param_dtype)
        elif config.positions == "sinusoidal":
            waves = grid_sinusoids(rows, columns, width)[None]
            self.positions = self.param("positions", lambda _: jnp.asarray(waves, self.param_dtype))
        own = self.positions is None
        self.own_positions = make_positions(self) if own else None  # no table over the grid, but a part of one's own
        self.dropout = Dropout(config.dropout)

    def __call__(
        self,
        pixel_values: Array,
        bool_masked_pos: Array | None = None,
        mask_token: Array | None = None,
        interpolate_pos_encoding: bool = False,
        train: bool = False,
    ) -> Array:
        """Pixels (B, C, height, width) -> (B, 1 + P, D), the class token first.

        Patches where `bool_masked_pos` (B, P) is True are replaced by `mask_token`. With `interpolate_pos_encoding` the
        positions are stretched to the image's own grid.
        """
        pixels = jnp.moveaxis(pixel_values, 1, -1).astype(self.dtype or self.class_token.dtype)
        x = self.patches(pixels)  # (B, rows, columns, D)
        grid = x.shape[1:3]
        x = x.reshape(x.shape[0], grid[0] * grid[1], x.shape[-1])  # (B, P, D)
        if bool_masked_pos is not None and mask_token is not None:
            x = jnp.where(bool_masked_pos[..., None], mask_token.astype(x.dtype), x)
        first = jnp.broadcast_to(self.class_token.astype(x.dtype), (x.shape[0], 1, x.shape[-1]))
        x = jnp.concatenate([first, x], axis=1)
        if self.positions is not None:
            positions = self.stretched(grid) if interpolate_pos_encoding else self.positions
            if self.config.positions == "sinusoidal":  # which are never learned
                positions = jax.lax.stop_gradient(positions)
            x = x + positions.astype(x.dtype)
        if self.own_positions is not None:
            x = x + self.own_positions(x, None)
        return self.dropout(x, train)

    def stretched(self, grid: tuple[int, ...]) -> Array:
        """The positions for another grid, by bicubic interpolation: (1, 1 + P, D)."""
        if grid == self.config.grid or self.positions is None:
            return self.positions  # type: ignore[return-value]
        first, rest = self.positions[:, :1], self.positions[:, 1:]
        (rows, columns), width = self.config.grid, rest.shape[-1]
        down, across = (bicubic_matrix(old, new) for old, new in zip((rows, columns), grid, strict=True))
        square = rest.reshape(rows, columns, width)
        square = jnp.einsum("yr,xc,rcd->yxd", down, across, square, precision="highest")
        return jnp.concatenate([first, square.reshape(1, -1, width).astype(first.dtype)], axis=1)
