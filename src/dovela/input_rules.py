"""What models may be called with, once for every framework.

Shapes and dtypes are always checked; values only where a framework's `Arrays` can look at them.
Sizes that are not known yet (None, while a graph is made for any) are taken as they come.
"""

from __future__ import annotations

from typing import Any

from .errors import InputError

Size = Any  # an int, a framework's symbol for one, or None
Shape = tuple[Size, ...]

LIMITED = ("learned", "sinusoidal")  # position schemes with a row for each of max_position_embeddings places


class Arrays:
    """How a framework's arrays are looked at. A kit derives its own and says what `is_array` and `values` are."""

    word: str
    """"torch", "jax", "tensorflow"."""
    code: str
    """What return_tensors calls it: "pt", "jax", "tf"."""

    def is_array(self, x: Any) -> bool:
        """Whether a model of this framework takes it."""
        raise NotImplementedError

    def values(self, x: Any) -> Any:
        """The same as a numpy array, or None where that is not possible or not free."""
        raise NotImplementedError

    def shape(self, x: Any) -> Shape:
        return tuple(x.shape)

    def dtype(self, x: Any) -> str:
        """As messages name it."""
        return getattr(x.dtype, "name", None) or str(x.dtype)

    def kind(self, x: Any) -> str:
        """Of the numbers: "i" whole, "u" whole without a sign, "f" floating, "b" True and False, "c" complex."""
        name = self.dtype(x).rpartition(".")[2]
        return "f" if "float" in name else name[0]

    def ends(self, x: Any) -> tuple[Any, Any] | None:
        """The lowest and the highest value, NaN if there is one; None where values cannot be seen, or are none."""
        values = self.values(x)
        return None if values is None or not values.size else (values.min(), values.max())

    @property
    def called(self) -> str:
        return {"pt": "a torch tensor", "jax": "a jax or numpy array"}.get(self.code, f"a {self.word} or numpy array")


def flag(name: str, given: Any, default: bool) -> bool:
    """What an argument of True or False says, or the configuration where it says nothing."""
    if given is None or isinstance(given, bool):
        return default if given is None else given
    raise InputError(name, f"expected True or False, got {given!r}")


def expect_array(arrays: Arrays, name: str, x: Any, hint: str = "") -> None:
    if not arrays.is_array(x):
        got = f"ndarray of {x.dtype}" if type(x).__name__ == "ndarray" else type(x).__name__
        hint = "Hand over what is in it by name: model(**inputs)." if hasattr(x, "keys") else hint
        raise InputError(name, f"expected {arrays.called}, got {got}", hint=hint)


def fits(shape: Shape, wanted: Shape) -> bool:
    """Whether the shapes are equal as far as both are known."""
    if len(shape) != len(wanted):
        return False
    for size, other in zip(shape, wanted, strict=True):
        if size is not None and other is not None and size != other:
            return False
    return True


def check_zeros_and_ones(arrays: Arrays, name: str, mask: Any, meaning: str) -> None:
    """A mask's values. `meaning`: what 1 and 0 stand for, told where there is something else."""
    if arrays.kind(mask) == "b":
        return
    values = arrays.values(mask)
    if values is not None and not ((values == 0) | (values == 1)).all():
        raise InputError(name, "has values other than 0 and 1", hint=meaning)


# ---- text ------------------------------------------------------------------------------------------


def check_text(
    arrays: Arrays,
    config: Any,
    input_ids: Any = None,
    attention_mask: Any = None,
    token_type_ids: Any = None,
    position_ids: Any = None,
    inputs_embeds: Any = None,
    *,
    limited: bool | None = None,
) -> None:
    """`limited`: whether there are only so many positions; by default as the built-in scheme's name says.

    A row that is all padding is allowed: it attends evenly to everything.
    """
    limited = config.positions in LIMITED if limited is None else limited
    if (input_ids is None) == (inputs_embeds is None):
        both = "both are given" if input_ids is not None else "neither is given"
        raise InputError("model input", f"expected input_ids or inputs_embeds, and {both}")
    if input_ids is not None:
        check_ids(arrays, "input_ids", input_ids, config.vocab_size, "vocab_size", dims=(2,))
        batch, length = arrays.shape(input_ids)
    else:
        batch, length = _embeddings(arrays, inputs_embeds, config.hidden_size)
    if length is not None and not length:
        raise InputError(
            "model input", "the sequences are empty", hint="Give at least one token, even if only padding."
        )
    most = config.max_position_embeddings if limited else None
    if most is not None and position_ids is None and length is not None and length > most:
        raise InputError(
            "model input",
            f"sequences of {length} tokens, and the model has {most} positions",
            hint=f"Tokenise with truncation=True, max_length={most}.",
        )
    if token_type_ids is not None:
        if not config.type_vocab_size:
            raise InputError("token_type_ids", "this architecture has no token types")
        check_ids(arrays, "token_type_ids", token_type_ids, config.type_vocab_size, "type_vocab_size", dims=(2,))
        _same(arrays, "token_type_ids", token_type_ids, [(batch, length)])
    if position_ids is not None:
        check_ids(arrays, "position_ids", position_ids, most, "max_position_embeddings", dims=(1, 2))
        _same(arrays, "position_ids", position_ids, [(batch, length), (1, length), (length,)])
    if attention_mask is not None:
        _text_mask(arrays, attention_mask, batch, length)


def _embeddings(arrays: Arrays, x: Any, width: int) -> Shape:
    """Batch and length of vectors that are given instead of ids."""
    expected = f"expected floating-point (batch, sequence, {width})"
    if not arrays.is_array(x) or arrays.kind(x) != "f":
        got = arrays.dtype(x) if arrays.is_array(x) else type(x).__name__
        raise InputError("inputs_embeds", f"{expected}, got {got}")
    shape = arrays.shape(x)
    if not fits(shape, (None, None, width)):
        raise InputError("inputs_embeds", f"{expected}, got {list(shape)}")
    return shape[:2]


def check_ids(arrays: Arrays, name: str, ids: Any, limit: int | None, field: str, dims: tuple[int, ...]) -> None:
    """Whole numbers below `limit`, a field of the configuration, with so many axes."""
    expect_array(arrays, name, ids, hint=f'Tokenise with return_tensors="{arrays.code}".')
    shape = arrays.shape(ids)
    if not whole(arrays, ids):
        raise InputError(
            name,
            f"expected int64 or int32, got {arrays.dtype(ids)}",
            hint=f"Ids are whole numbers: use {_TO_WHOLE[arrays.code]}.",
        )
    if len(shape) not in dims:
        hint = "One text alone is a batch of one: ids[None]." if len(shape) == 1 else ""
        raise InputError(name, f"expected (batch, sequence), got the shape {list(shape)}", hint=hint)
    ends = arrays.ends(ids)
    if ends is not None and (ends[0] < 0 or (limit is not None and ends[1] >= limit)):
        bad = int(ends[0] if ends[0] < 0 else ends[1])
        bounds = "below 0" if limit is None else f"outside 0 … {limit - 1} ({field} {limit})"
        raise InputError(
            name,
            f"{bad} at {first_place(arrays.values(ids) == bad)} is {bounds}",
            hint="Does the tokenizer belong to this model?" if name == "input_ids" else "",
        )


_TO_WHOLE = {"pt": ".long()", "jax": '.astype("int32")', "tf": 'tf.cast(ids, "int32")'}


def whole(arrays: Arrays, x: Any) -> bool:
    """Whether these are integers as indices have them."""
    return arrays.dtype(x).rpartition(".")[2] in ("int64", "int32")


def first_place(found: Any) -> list[int]:
    """Where a numpy array is first True."""
    return [int(axis[0]) for axis in found.nonzero()]


def _same(arrays: Arrays, name: str, x: Any, shapes: list[Shape]) -> None:
    got = arrays.shape(x)
    for shape in shapes:
        if fits(got, shape):
            return
    raise InputError(name, f"expected the shape {list(shapes[0])} of the input, got {list(got)}")


def _text_mask(arrays: Arrays, mask: Any, batch: Size, length: Size) -> None:
    expect_array(arrays, "attention_mask", mask)
    shape = arrays.shape(mask)
    if not fits(shape, (batch, length)) and not fits(shape, (batch, length, length)):
        raise InputError(
            "attention_mask",
            f"expected the shape {[batch, length]} of the input, or {[batch, length, length]}, got {list(shape)}",
        )
    check_zeros_and_ones(arrays, "attention_mask", mask, "1 = a real token, 0 = padding.")


# ---- images ----------------------------------------------------------------------------------------


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
    if ends is not None and not (_finite(ends[0]) and _finite(ends[1])):
        raise InputError(where, "has values that are NaN or infinite")


_CHANNELS_FIRST = {
    "pt": "pixel_values.movedim(-1, 1)",
    "jax": "jnp.moveaxis(pixel_values, -1, 1)",
    "tf": "tf.transpose(pixel_values, [0, 3, 1, 2])",
}


def _finite(x: Any) -> bool:
    return -_INFINITE < float(x) < _INFINITE


_INFINITE = float("inf")


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


# ---- sound -----------------------------------------------------------------------------------------


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
    if ends is not None and not (_finite(ends[0]) and _finite(ends[1])):
        values = arrays.values(samples)
        place = first_place((values != values) | (abs(values) == _INFINITE))
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
