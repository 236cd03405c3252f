"""What an image model is called with, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..image_rules import check_images
from ..input_rules import flag
from .inputs import ARRAYS, yes_and_no


@dataclass
class ImageInputs:
    """Letters: B batch, C channels, P patches."""

    pixel_values: Any  # (B, C, height, width)
    bool_masked_pos: Any  # boolean (B, P), True = hidden
    interpolate_pos_encoding: bool
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        pixel_values: Any = None,
        bool_masked_pos: Any = None,
        interpolate_pos_encoding: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> ImageInputs:
        check_images(ARRAYS, config, pixel_values, bool_masked_pos, interpolate_pos_encoding)
        return cls(
            pixel_values,
            yes_and_no(bool_masked_pos),
            flag("interpolate_pos_encoding", interpolate_pos_encoding, False),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )
