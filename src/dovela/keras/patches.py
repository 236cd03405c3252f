"""From pixels to hidden states: an image is cut into patches, and each is a token.

Letters: B batch, C channels, D hidden size, P patches (rows x columns of the grid).
"""

from __future__ import annotations

from typing import Any

from keras import initializers, layers, ops

from ..errors import InputError
from ..tables import bicubic_matrix, grid_sinusoids
from .init import Part, normal
from .parts import chosen

SCHEMES = {"learned": True, "sinusoidal": False}
"""Positions over a grid, and whether they are learned."""


class ImageEmbeddings(Part):
    """A class token and the patches of an image, with learned positions (Dosovitskiy et al. 2020, section 3.1)."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.grid: tuple[int, int] = config.grid
        self.width, self.learned, self.drawn = config.hidden_size, chosen(config, "positions", SCHEMES), normal(config)
        self.patches = layers.Conv2D(
            self.width,
            config.patch_shape,
            strides=config.patch_shape,
            padding="valid",
            data_format="channels_last",  # whatever Keras is set to
            kernel_initializer=self.drawn,
            name="patches",
        )
        self.patches.reads = (None, None, None, config.num_channels)
        self.dropout = layers.Dropout(config.dropout)

    def build(self, input_shape: Any = None) -> None:
        super().build()
        rows, columns = self.grid
        shape = (1, 1 + rows * columns, self.width)
        waves = initializers.Constant(grid_sinusoids(rows, columns, self.width)[None])
        self.class_token = self.add_weight(shape=(1, 1, self.width), initializer=self.drawn, name="class_token")
        self.positions = self.add_weight(
            shape=shape, initializer=self.drawn if self.learned else waves, trainable=self.learned, name="positions"
        )

    def call(
        self,
        pixel_values: Any,
        bool_masked_pos: Any = None,
        mask_token: Any = None,
        interpolate_pos_encoding: bool = False,
        training: bool | None = None,
    ) -> Any:
        """Pixels (B, C, height, width) -> (B, 1 + P, D), the class token first.

        Patches where `bool_masked_pos` (B, P) is True are replaced by `mask_token`. With `interpolate_pos_encoding` the
        positions are stretched to the image's own grid.
        """
        x = self.patches(ops.transpose(pixel_values, (0, 2, 3, 1)))  # (B, rows, columns, D)
        grid = x.shape[1:3]
        x = ops.reshape(x, (ops.shape(x)[0], -1, self.width))  # (B, P, D)
        if bool_masked_pos is not None and mask_token is not None:
            hidden = ops.cast(bool_masked_pos, "bool")[..., None]
            x = ops.where(hidden, ops.cast(mask_token, x.dtype), x)
        first = ops.broadcast_to(ops.cast(self.class_token, x.dtype), (ops.shape(x)[0], 1, self.width))
        x = ops.concatenate([first, x], axis=1)
        positions = self.stretched(grid) if interpolate_pos_encoding else ops.convert_to_tensor(self.positions)
        return self.dropout(x + ops.cast(positions, x.dtype), training=training)

    def stretched(self, grid: tuple[int | None, int | None]) -> Any:
        """The positions for another grid, by bicubic interpolation: (1, 1 + P, D)."""
        positions = ops.convert_to_tensor(self.positions)
        rows, columns = grid
        if rows is None or columns is None:
            hint = "Build the graph for images of one size: their height and width in the tf.TensorSpec or keras.Input."
            raise InputError("interpolate_pos_encoding", "a graph for images of any size has no grid yet", hint=hint)
        if (rows, columns) == self.grid:
            return positions
        square = ops.reshape(ops.cast(positions[:, 1:], "float32"), (*self.grid, self.width))
        down, across = (
            ops.convert_to_tensor(bicubic_matrix(*sizes)) for sizes in zip(self.grid, (rows, columns), strict=True)
        )
        square = ops.einsum("rh,cw,hwd->rcd", down, across, square)  # (rows, columns, D)
        stretched = ops.cast(ops.reshape(square, (1, -1, self.width)), positions.dtype)
        return ops.concatenate([positions[:, :1], stretched], axis=1)
