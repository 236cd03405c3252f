"""What an image model is called with, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..image_rules import check_images
from ..input_rules import flag
from .arrays import TORCH, yes_and_no


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
        check_images(TORCH, config, pixel_values, bool_masked_pos, interpolate_pos_encoding)
        return cls(
            pixel_values.to(dtype),  # type: ignore[union-attr]
            yes_and_no(bool_masked_pos),
            flag("interpolate_pos_encoding", interpolate_pos_encoding, False),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )
