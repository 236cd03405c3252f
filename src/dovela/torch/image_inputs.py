"""What an image model is called with, checked before anything is computed.

Shapes and dtypes are always checked; values only where looking at them is free (see `layout.readable`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import InputError
from .inputs import flag, zeros_and_ones
from .layout import readable

PREPARE = 'Prepare images with a feature extractor and return_tensors="pt".'


@dataclass
class ImageInputs:
    """Letters: B batch, C channels, P patches."""

    pixel_values: Tensor  # (B, C, height, width), of the model's dtype
    bool_masked_pos: Tensor | None  # boolean (B, P), True = hidden
    interpolate_pos_encoding: bool
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        pixel_values: Tensor | None,
        bool_masked_pos: Tensor | None,
        interpolate_pos_encoding: bool | None,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
        dtype: torch.dtype,
    ) -> ImageInputs:
        stretch = flag("interpolate_pos_encoding", interpolate_pos_encoding, False)
        rows, columns = _pixels(config, pixel_values, stretch)
        if bool_masked_pos is not None:
            bool_masked_pos = _hidden(bool_masked_pos, pixel_values.shape[0], rows, columns)  # type: ignore[union-attr]
        return cls(
            pixel_values.to(dtype),  # type: ignore[union-attr]
            bool_masked_pos,
            stretch,
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )


def _pixels(config: Any, x: Any, stretch: bool) -> tuple[int, int]:
    """Rows and columns of the patches that the images are cut into."""
    where, channels, (high, wide) = "pixel_values", config.num_channels, config.image_shape
    if x is None:
        raise InputError(where, "expected images, and none are given", hint=PREPARE)
    if not isinstance(x, Tensor):
        raise InputError(where, f"expected a torch tensor, got {type(x).__name__}", hint=PREPARE)
    if not x.is_floating_point():
        raise InputError(
            where,
            f"expected floating-point numbers, got {x.dtype}",
            hint="Bytes are to be rescaled and normalised as in training, which a feature extractor does.",
        )
    if x.dim() != 4:
        hint = "One image alone is a batch of one: pixel_values[None]." if x.dim() == 3 else ""
        raise InputError(where, f"expected (batch, channels, height, width), got the shape {list(x.shape)}", hint=hint)
    height, width = x.shape[2:]
    if x.shape[1] != channels:
        last = x.shape[3] == channels
        hint = "The channels come before height and width: pixel_values.movedim(-1, 1)." if last else ""
        raise InputError(
            where, f"expected {channels} channels, got {x.shape[1]} in the shape {list(x.shape)}", hint=hint
        )
    down, across = config.patch_shape
    if not stretch and (height, width) != (high, wide):
        raise InputError(
            where,
            f"expected images of {high} × {wide} pixels, got {height} × {width}",
            hint="Resize them, or pass interpolate_pos_encoding=True to stretch the positions.",
        )
    if height < down or width < across:
        raise InputError(where, f"images of {height} × {width} pixels are smaller than a patch ({down} × {across})")
    if x.numel() and readable(x) and not all(end.isfinite() for end in torch.aminmax(x.detach())):
        raise InputError(where, "has values that are NaN or infinite")
    return height // down, width // across


def _hidden(mask: Any, batch: int, rows: int, columns: int) -> Tensor:
    """The mask of patches as booleans (B, P)."""
    where = "bool_masked_pos"
    if not isinstance(mask, Tensor):
        raise InputError(where, f"expected a torch tensor, got {type(mask).__name__}")
    if tuple(mask.shape) != (batch, rows * columns):
        raise InputError(
            where,
            f"expected the shape {[batch, rows * columns]}, one for each of {rows} × {columns} patches, "
            f"got {list(mask.shape)}",
        )
    return zeros_and_ones(where, mask, "1 = the patch is hidden, 0 = it is seen.")
