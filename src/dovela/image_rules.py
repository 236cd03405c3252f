"""What models of images may be called with, once for every framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from .errors import InputError
from .input_rules import Arrays, Shape, check_zeros_and_ones, expect_array, finite, fits, flag


@dataclass
class ImageInputs:
    """What a model of images is called with, after it was checked. A kit derives its own.

    Letters: B batch, C channels, P patches.
    """

    pixel_values: Any  # (B, C, height, width)
    bool_masked_pos: Any  # boolean (B, P), True = hidden
    interpolate_pos_encoding: bool
    output_attentions: bool
    output_hidden_states: bool

    arrays: ClassVar[Arrays]

    @classmethod
    def check(
        cls,
        config: Any,
        pixel_values: Any,
        bool_masked_pos: Any,
        interpolate_pos_encoding: bool | None,
        output_attentions: bool | None,
        output_hidden_states: bool | None,
    ) -> Self:
        check_images(cls.arrays, config, pixel_values, bool_masked_pos, interpolate_pos_encoding)
        return cls(
            cls.arrays.own(pixel_values),
            cls.arrays.booleans(bool_masked_pos),
            flag("interpolate_pos_encoding", interpolate_pos_encoding, False),
            flag("output_attentions", output_attentions, config.output_attentions),
            flag("output_hidden_states", output_hidden_states, config.output_hidden_states),
        )


def check_images(
    arrays: Arrays, config: Any, pixel_values: Any, bool_masked_pos: Any = None, interpolate_pos_encoding: Any = None
) -> None:
    _pixels(arrays, config, pixel_values, flag("interpolate_pos_encoding", interpolate_pos_encoding, False))
    if bool_masked_pos is not None:
        _hidden_patches(arrays, config, bool_masked_pos, arrays.shape(pixel_values))


def _pixels(arrays: Arrays, config: Any, x: Any, stretch: bool) -> None:
    where, channels, (high, wide) = "pixel_values", config.num_channels, config.image_shape
    prepare = f'Prepare images with a feature extractor and return_tensors="{arrays.code}".'
    if x is None:
        raise InputError(where, "expected images, and none are given", hint=prepare)
    expect_array(arrays, where, x, hint=prepare)
    if arrays.kind(x) != "f":
        raise InputError(
            where,
            f"expected floating-point numbers, got {arrays.dtype(x)}",
            hint="Bytes are to be rescaled and normalised as in training, which a feature extractor does.",
        )
    shape = arrays.shape(x)
    if len(shape) != 4:
        hint = "One image alone is a batch of one: pixel_values[None]." if len(shape) == 3 else ""
        raise InputError(where, f"expected (batch, channels, height, width), got the shape {list(shape)}", hint=hint)
    height, width = shape[2:]
    if shape[1] is not None and shape[1] != channels:
        last = shape[3] == channels
        hint = f"The channels come before height and width: {_CHANNELS_FIRST[arrays.code]}." if last else ""
        raise InputError(where, f"expected {channels} channels, got {shape[1]} in the shape {list(shape)}", hint=hint)
    down, across = config.patch_shape
    if not stretch and not fits((height, width), (high, wide)):
        raise InputError(
            where,
            f"expected images of {high} × {wide} pixels, got {height} × {width}",
            hint="Resize them, or pass interpolate_pos_encoding=True to stretch the positions.",
        )
    if (height is not None and height < down) or (width is not None and width < across):
        raise InputError(where, f"images of {height} × {width} pixels are smaller than a patch ({down} × {across})")
    ends = arrays.ends(x)
    if ends is not None and not (finite(ends[0]) and finite(ends[1])):
        raise InputError(where, "has values that are NaN or infinite")


def check_mask_token(owner: str, mask_token: Any) -> None:
    """Whether a model has a token, or None, to hide patches behind."""
    if mask_token is None:
        hint = f"Build it with use_mask_token=True: {owner}(config, use_mask_token=True)."
        raise InputError("bool_masked_pos", "this model has no mask token to hide patches behind", hint=hint)


def check_comparable(config: Any) -> None:
    """Whether a model makes as many pixels of each token as a patch has, so that hidden ones can be compared."""
    (down, across), side = config.patch_shape, config.encoder_stride
    if (down, across) != (side, side):
        raise InputError(
            "bool_masked_pos",
            f"what is hidden cannot be compared: patches have {down} × {across} pixels, and the model makes "
            f"{side} × {side} of each",
            hint="Configure encoder_stride as patch_size.",
        )


_CHANNELS_FIRST = {
    "pt": "pixel_values.movedim(-1, 1)",
    "jax": "jnp.moveaxis(pixel_values, -1, 1)",
    "tf": "tf.transpose(pixel_values, [0, 3, 1, 2])",
}


def _hidden_patches(arrays: Arrays, config: Any, mask: Any, pixels: Shape) -> None:
    where = "bool_masked_pos"
    expect_array(arrays, where, mask)
    batch, _, height, width = pixels
    down, across = config.patch_shape
    rows = None if height is None else height // down
    columns = None if width is None else width // across
    patches = None if rows is None or columns is None else rows * columns
    shape = arrays.shape(mask)
    if not fits(shape, (batch, patches)):
        raise InputError(
            where,
            f"expected the shape {[batch, patches]}, one for each of {rows} × {columns} patches, got {list(shape)}",
        )
    check_zeros_and_ones(arrays, where, mask, "1 = the patch is hidden, 0 = it is seen.")
