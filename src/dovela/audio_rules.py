"""What models of sound may be called with, once for every framework."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod
from numbers import Real
from typing import Any, ClassVar, Self

from .errors import ConfigError, InputError
from .input_rules import Arrays, Shape, check_zeros_and_ones, expect_array, finite, first_place, fits, flag


@dataclass
class AudioInputs:
    """What a model of sound is called with, after it was checked. A kit derives its own.

    Letters: B batch, T samples, S frames.
    """

    input_values: Any  # (B, T)
    attention_mask: Any  # boolean (B, T), True = real; None: everything is
    mask_time_indices: Any  # boolean (B, S), True = hidden from the layers
    output_attentions: bool
    output_hidden_states: bool

    arrays: ClassVar[Arrays]

    @classmethod
    def check(
        cls,
        config: Any,
        input_values: Any,
        attention_mask: Any,
        mask_time_indices: Any,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
    ) -> Self:
        check_audio(cls.arrays, config, input_values, attention_mask, mask_time_indices)
        return cls(
            cls.arrays.own(input_values),
            cls.arrays.booleans(attention_mask),
            cls.arrays.booleans(mask_time_indices),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )


def check_audio(
    arrays: Arrays, config: Any, input_values: Any, attention_mask: Any = None, mask_time_indices: Any = None
) -> None:
    """A row without a frame of real samples is refused: nothing could be said about it."""
    _samples(arrays, input_values, config.receptive_field)
    shape = arrays.shape(input_values)
    if attention_mask is not None:
        _sound_mask(arrays, attention_mask, shape, config)
    if mask_time_indices is not None:
        frames = None if shape[1] is None else config.frames(shape[1], adapter=False)
        check_frame_choice(arrays, "mask_time_indices", mask_time_indices, (shape[0], frames))


def check_frame_choice(arrays: Arrays, name: str, chosen: Any, wanted: Shape) -> None:
    """A choice of frames (B, S)."""
    expect_array(arrays, name, chosen)
    shape = arrays.shape(chosen)
    if not fits(shape, wanted):
        raise InputError(
            name,
            f"expected the shape {list(wanted)} of the frames, got {list(shape)}",
            hint="config.frames(samples, adapter=False) tells how many frames so many samples become.",
        )
    check_zeros_and_ones(arrays, name, chosen, "1 = a frame that is masked.")


def check_maskable(config: Any, vector: Any) -> None:
    """Whether a model, with the `vector` that stands for masked frames, or None, masks those that it is told to."""
    if vector is None or not config.apply_spec_augment:
        why = "has no vector for them (mask_time_prob is 0)" if vector is None else "masks no frames"
        why += "" if config.apply_spec_augment else " (apply_spec_augment is False)"
        raise InputError("mask_time_indices", f"the model {why}")


def check_targets(arrays: Arrays, mask_time_indices: Any, sampled_negative_indices: Any) -> None:
    """Whether pre-training has frames to guess, once the backbone has looked at their shape."""
    if mask_time_indices is None:
        if sampled_negative_indices is not None:
            raise InputError("sampled_negative_indices", "is given, and mask_time_indices is not")
        return
    values = arrays.values(mask_time_indices)
    if values is not None and not values.any():
        raise InputError("mask_time_indices", "masks no frame, so there is nothing to learn from")


def check_negatives(arrays: Arrays, negatives: Any, frames: Shape) -> None:
    """Frames (B, S, N) to tell each of a batch (B, S) from, by their places in the flattened batch."""
    name = "sampled_negative_indices"
    if not arrays.is_array(negatives) or arrays.kind(negatives) not in "iu":
        got = arrays.dtype(negatives) if arrays.is_array(negatives) else type(negatives).__name__
        raise InputError(name, f"expected {arrays.called} of whole numbers, got {got}")
    shape = arrays.shape(negatives)
    if not fits(shape, (*frames, None)) or shape[2] == 0:
        raise InputError(name, f"expected the shape {[*frames, 'negatives']}, got {list(shape)}")
    ends = None if None in frames else arrays.ends(negatives)
    if ends is not None and (ends[0] < 0 or ends[1] >= prod(frames)):
        raise InputError(name, f"has indices outside 0 … {prod(frames) - 1}, the frames of the batch")


def check_temperature(arrays: Arrays, name: str, temperature: Any) -> None:
    """A number above 0, or a schedule's array of one, which is not looked at while it is traced."""
    if arrays.is_array(temperature) and not arrays.shape(temperature):
        there = arrays.values(temperature)
        if there is None:
            return
        temperature = there.item()
    number = not isinstance(temperature, bool) and isinstance(temperature, Real)
    if not number or not 0 < temperature < inf:
        raise InputError(name, f"expected a number above 0, got {temperature!r}")


def check_adapter(owner: str, config: Any, takes_adapter: bool) -> None:
    """A head may need a vector for every frame, and an adapter leaves fewer."""
    if config.add_adapter and not takes_adapter:
        raise ConfigError(f"{owner}(config)", "does not take an adapter", hint="Set add_adapter=False.")


def check_blank(owner: str, config: Any) -> None:
    if config.pad_token_id is None:
        raise ConfigError(f"{owner}(config)", "pad_token_id is None, and CTC needs it for its blank")


def voice_field(config: Any) -> int:
    """Frames that the x-vector head reads at once."""
    return int(1 + sum((size - 1) * step for size, step in zip(config.tdnn_kernel, config.tdnn_dilation, strict=True)))


def check_voices(arrays: Arrays, frames: Any, real: Any, field: int) -> None:
    """Whether frames (B, S, D), `real` (B, S) of them, give two vectors or more: one alone has no deviation."""
    size, least = arrays.shape(frames)[1], field + 1
    if size is not None and size < least:
        raise InputError("input_values", f"clips of {size} frames, and a voice takes at least {least}")
    values = None if real is None else arrays.values(real)
    if values is not None and (vectors := _whole_windows(values, field, 1).sum(1)).min() < 2:  # (B,)
        row = int(vectors.argmin())
        count = int(values[row].sum())
        gap = " without a gap" if count >= least else ""
        raise InputError("attention_mask", f"row {row} has {count} frames, a voice takes at least {least}{gap}")


def _samples(arrays: Arrays, samples: Any, least: int) -> None:
    name = "input_values"
    if samples is None:
        raise InputError(name, "is missing", hint="Give samples (batch, samples), as a feature extractor makes them.")
    expect_array(arrays, name, samples, hint=f'Extract with return_tensors="{arrays.code}".')
    if arrays.kind(samples) != "f":
        raise InputError(
            name,
            f"expected floating-point samples, got {arrays.dtype(samples)}",
            hint="A feature extractor turns whole numbers into normalised samples.",
        )
    shape = arrays.shape(samples)
    if len(shape) != 2:
        hint = "One clip alone is a batch of one: samples[None]." if len(shape) == 1 else "Sound has one channel."
        raise InputError(name, f"expected (batch, samples), got the shape {list(shape)}", hint=hint)
    if shape[0] is not None and not shape[0]:
        raise InputError(name, "the batch is empty")
    if shape[1] is not None and shape[1] < least:
        raise InputError(
            name,
            f"clips of {shape[1]} samples, and one frame takes {least}",
            hint="Pad shorter clips, or leave them out.",
        )
    ends = arrays.ends(samples)
    if ends is not None and not (finite(ends[0]) and finite(ends[1])):
        values = arrays.values(samples)
        place = first_place((values != values) | (abs(values) == float("inf")))
        raise InputError(name, f"{values[tuple(place)].item()} at {place} is not a finite number")


def _sound_mask(arrays: Arrays, mask: Any, shape: Shape, config: Any) -> None:
    name, least = "attention_mask", config.receptive_field
    expect_array(arrays, name, mask)
    if not fits(arrays.shape(mask), shape):
        raise InputError(name, f"expected the shape {list(shape)} of the input, got {list(arrays.shape(mask))}")
    check_zeros_and_ones(arrays, name, mask, "1 = a real sample, 0 = padding.")
    values = arrays.values(mask)
    if values is None:
        return
    heard = values != 0
    if heard.all():
        return
    real = heard.sum(1)
    if (real < least).any():
        row = int(real.argmin())
        raise InputError(
            name,
            f"row {row} has {int(real[row])} real samples, and one frame takes {least}",
            hint="Leave clips out that are so short.",
        )
    if heard[:, 0].all() and not (heard[:, 1:] & ~heard[:, :-1]).any():
        return  # all padding is behind the samples
    frames = _whole_windows(heard, least, config.inputs_to_logits_ratio).any(1)  # (B,)
    if not frames.all():
        raise InputError(
            name,
            f"row {int(frames.argmin())} has no frame of {least} real samples without a gap",
            hint="Put padding behind the samples, not between them.",
        )


def _whole_windows(mask: Any, field: int, stride: int) -> Any:
    """Which windows of `field` neighbours are all True: numpy (B, T) -> (B, S)."""
    total = mask.cumsum(1)
    ends = total[:, field - 1 :: stride]
    before = (total - mask)[:, ::stride]
    return ends - before[:, : ends.shape[1]] == field
