"""What a model of sound is called with, checked before anything is computed.

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
from .waveform import whole_windows


@dataclass
class AudioInputs:
    """Letters: B batch, T samples, S frames."""

    input_values: Tensor  # (B, T)
    attention_mask: Tensor | None  # boolean (B, T), True = real; None: everything is
    mask_time_indices: Tensor | None  # boolean (B, S), True = hidden from the layers
    output_attentions: bool
    output_hidden_states: bool

    @classmethod
    def check(
        cls,
        config: Any,
        input_values: Tensor | None,
        attention_mask: Tensor | None,
        mask_time_indices: Tensor | None,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
    ) -> AudioInputs:
        _samples(input_values, config.receptive_field)
        samples: Tensor = input_values  # type: ignore[assignment]
        if attention_mask is not None:
            attention_mask = _mask(attention_mask, samples, config)
        if mask_time_indices is not None:
            shape = (samples.shape[0], config.frames(samples.shape[1], adapter=False))
            mask_time_indices = frame_choice("mask_time_indices", mask_time_indices, shape)
        return cls(
            samples,
            attention_mask,
            mask_time_indices,
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )


def frame_choice(name: str, chosen: Any, shape: tuple[int, int]) -> Tensor:
    """A choice of frames as booleans (B, S)."""
    if not isinstance(chosen, Tensor):
        raise InputError(name, f"expected a torch tensor, got {type(chosen).__name__}")
    if tuple(chosen.shape) != shape:
        raise InputError(
            name,
            f"expected the shape {list(shape)} of the frames, got {list(chosen.shape)}",
            hint="config.frames(samples, adapter=False) tells how many frames so many samples become.",
        )
    return zeros_and_ones(name, chosen, "1 = a frame that is masked.")


def _samples(samples: Any, least: int) -> None:
    name = "input_values"
    if samples is None:
        raise InputError(name, "is missing", hint="Give samples (batch, samples), as a feature extractor makes them.")
    if not isinstance(samples, Tensor):
        got = type(samples).__name__
        raise InputError(name, f"expected a torch tensor, got {got}", hint='Extract with return_tensors="pt".')
    if not samples.is_floating_point():
        raise InputError(
            name,
            f"expected floating-point samples, got {samples.dtype}",
            hint="A feature extractor turns whole numbers into normalised samples.",
        )
    if samples.dim() != 2:
        hint = "One clip alone is a batch of one: samples[None]." if samples.dim() == 1 else "Sound has one channel."
        raise InputError(name, f"expected (batch, samples), got the shape {list(samples.shape)}", hint=hint)
    if not samples.shape[0]:
        raise InputError(name, "the batch is empty")
    if samples.shape[1] < least:
        raise InputError(
            name,
            f"clips of {samples.shape[1]} samples, and one frame takes {least}",
            hint="Pad shorter clips, or leave them out.",
        )
    if readable(samples) and not bool(samples.isfinite().all()):
        place = (~samples.isfinite()).nonzero()[0].tolist()
        raise InputError(name, f"{samples[tuple(place)].item()} at {place} is not a finite number")


def _mask(mask: Any, samples: Tensor, config: Any) -> Tensor | None:
    name, least = "attention_mask", config.receptive_field
    if not isinstance(mask, Tensor):
        raise InputError(name, f"expected a torch tensor, got {type(mask).__name__}")
    if mask.shape != samples.shape:
        shape = list(samples.shape)
        raise InputError(name, f"expected the shape {shape} of the input, got {list(mask.shape)}")
    mask = zeros_and_ones(name, mask, "1 = a real sample, 0 = padding.")
    if readable(mask):
        if bool(mask.all()):
            return None
        real = mask.sum(1)
        if bool((real < least).any()):
            row = int(real.argmin())
            raise InputError(
                name,
                f"row {row} has {int(real[row])} real samples, and one frame takes {least}",
                hint="Leave clips out that are so short.",
            )
        heard = whole_windows(mask, least, config.inputs_to_logits_ratio).any(1)  # (B,)
        if not bool(heard.all()):
            raise InputError(
                name,
                f"row {int(heard.to(torch.uint8).argmin())} has no frame of {least} real samples without a gap",
                hint="Put padding behind the samples, not between them.",
            )
    return mask  # type: ignore[no-any-return]
