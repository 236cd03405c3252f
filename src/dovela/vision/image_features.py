"""What an image extractor is made of: one method a step, on images of Pillow, arrays of numpy and tensors of torch.

Letters: C channels, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..checks import Positive
from ..errors import InputError
from ..kept_arguments import check_value, short
from ..tensors import is_tensor, on_host
from .arrays import as_floats, channel_axis, is_floating, planes
from .filters import filter_number
from .inputs import flatten, is_picture, pillow
from .pictures import load, plain_gray, to_rgb
from .sizes import height_and_width


class ImageFeatureExtractionMixin:
    """Steps for extractors of images. Each takes an image and returns a new one; what came in is not changed.

    Channels of an array are on its first or last axis, whichever has 1, 3 or 4 entries; if both have, it is an
    InputError.
    """

    def to_pil_image(self, image: Any, rescale: bool | None = None) -> Any:
        """`image` as a `PIL.Image.Image`. `rescale`: multiply by 255; by default floats are, which lie in [0, 1]."""
        where = self._where("to_pil_image")
        check_value(f"{where}.rescale", bool | None, rescale)
        if is_picture(image):
            return image
        import numpy as np

        array = planes(where, self._array(where, image))
        scaled = is_floating(where, array.dtype) if rescale is None else rescale
        if is_floating(where, array.dtype):
            array = as_floats(where, array, unit=scaled)
        array = np.rint(array * np.float32(255) if scaled else array)
        low, high = float(array.min()), float(array.max())
        if low < 0 or high > 255:
            raise InputError(where, f"values from {low:g} to {high:g} are no bytes, 0 to 255", hint="Scale them first.")
        array = array.astype(np.uint8).transpose(1, 2, 0)
        if array.shape[2] not in (1, 3, 4):
            raise InputError(where, f"a picture has 1, 3 or 4 channels, and the image has {array.shape[2]}")
        return pillow(where).fromarray(np.ascontiguousarray(array[..., 0] if array.shape[2] == 1 else array))

    def convert_rgb(self, image: Any) -> Any:
        """A picture of Pillow in mode RGB, without its transparency. Arrays are returned as they are."""
        where = self._where("convert_rgb")
        if is_picture(image):
            return to_rgb(where, image)
        self._array(where, image)
        return image

    def rescale(self, image: Any, scale: float) -> Any:
        """`image * scale`: an array (of a picture, (H, W, C)) or a tensor."""
        where = self._where("rescale")
        scale = check_value(f"{where}.scale", float, scale)
        return self._array(where, image) * scale if is_picture(image) else self._tensor(where, image) * scale

    def to_numpy_array(self, image: Any, rescale: bool | None = None, channel_first: bool = True) -> Any:
        """`image` as an array, (C, H, W) or, not `channel_first`, (H, W, C); two axes stay two.

        `rescale`: divide by 255, into float32; by default bytes (all integers) are.
        """
        import numpy as np

        where = self._where("to_numpy_array")
        check_value(f"{where}.rescale", bool | None, rescale)
        check_value(f"{where}.channel_first", bool, channel_first)
        array = self._array(where, image)
        axis = 2 if is_picture(image) and array.ndim == 3 else channel_axis(where, array.shape)
        if rescale or (rescale is None and not is_floating(where, array.dtype)):
            array = array.astype(np.float32) * np.float32(1 / 255)
        if axis is None or axis == (0 if channel_first else 2):
            return array
        return array.transpose(2, 0, 1) if channel_first else array.transpose(1, 2, 0)

    def expand_dims(self, image: Any) -> Any:
        """(H, W) as (1, H, W); a picture of Pillow is returned as it is."""
        return image if is_picture(image) else self._tensor(self._where("expand_dims"), image)[None]

    def normalize(
        self, image: Any, mean: Sequence[float] | float, std: Sequence[float] | float, rescale: bool = False
    ) -> Any:
        """`(image - mean) / std`, a value a channel, in float32: of a picture (C, H, W), else as it came.

        `rescale`: divide by 255 first. A picture of Pillow always is.
        """
        import numpy as np

        where = self._where("normalize")
        check_value(f"{where}.rescale", bool, rescale)
        if is_picture(image):
            image, rescale = self.to_numpy_array(image, rescale=True), False
            axis = 0 if image.ndim == 3 else None
        else:
            axis = channel_axis(where, tuple(self._array(where, image).shape))
        channels = 1 if axis is None else image.shape[axis]
        statistics = []
        for name, values in (("mean", mean), ("std", std)):
            try:
                array = on_host(f"{where}.{name}", values).astype(np.float64)
            except (ValueError, TypeError):
                array = np.array(np.nan)
            if not np.isfinite(array).all() or (name == "std" and (array <= 0).any()):
                raise InputError(f"{where}.{name}", f"{short(values)} is not made of {_NUMBERS[name]}")
            if array.ndim > 1 or array.size not in (1, channels):
                expected = f"a number, or {channels}, one for each channel"
                raise InputError(f"{where}.{name}", f"expected {expected}, got {array.size}")
            statistics.append(array.reshape(-1, 1, 1) if axis == 0 else array.reshape(-1))
        numbers = self._floats(where, image) * (1 / 255) if rescale else self._floats(where, image)
        if is_tensor(numbers, "pt"):
            return (numbers - numbers.new_tensor(statistics[0])) / numbers.new_tensor(statistics[1])
        return (numbers - statistics[0].astype(numbers.dtype)) / statistics[1].astype(numbers.dtype)

    def resize(
        self,
        image: Any,
        size: Any,
        resample: Any = None,
        default_to_square: bool = True,
        max_size: int | None = None,
    ) -> Any:
        """`image` as a picture of Pillow, in another size.

        `size`: an integer, a pair (height, width) or {"height": …, "width": …}. An integer is both sides, or without
        `default_to_square` the shorter one; the longer one is then at most `max_size`, and the shorter one shrinks with
        it. `resample`: a filter by number, enum or name; bilinear by default.
        """
        where = self._where("resize")
        check_value(f"{where}.default_to_square", bool, default_to_square)
        max_size = check_value(f"{where}.max_size", Positive | None, max_size)
        number = filter_number(where, 2 if resample is None else resample)
        if isinstance(size, (tuple, list)) and len(size) == 1:
            size = size[0]
        height, width = height_and_width(f"{where}.size", size)
        picture = self.to_pil_image(image)
        load(where, picture)
        if isinstance(size, int) and not default_to_square:
            width, height = _keeping_ratio(where, picture.size, size, max_size)
        elif max_size is not None:
            raise InputError(where, "max_size needs one length as size, and default_to_square=False")
        if number and picture.mode in ("1", "P"):
            raise InputError(
                where,
                f"Pillow resizes mode {picture.mode!r} by its nearest filter alone",
                hint="Convert it first: extractor.convert_rgb(image).",
            )
        return picture if picture.size == (width, height) else picture.resize((width, height), number)

    def center_crop(self, image: Any, size: Any) -> Any:
        """The middle of `image`, a picture as one and an array as (C, H, W); where it is too small, zeros surround it.

        `size`: an integer or a pair (height, width).
        """
        where = self._where("center_crop")
        height, width = height_and_width(f"{where}.size", size)
        if is_picture(image):
            left, top = (image.width - width) // 2, (image.height - height) // 2
            return image.crop((left, top, left + width, top + height))
        tensor = self._tensor(where, image)
        axis = channel_axis(where, tuple(tensor.shape))
        if axis is None:
            tensor = tensor[None]
        elif axis == 2:
            tensor = tensor.permute(2, 0, 1) if is_tensor(tensor, "pt") else tensor.transpose(2, 0, 1)
        top, left = (tensor.shape[1] - height) // 2, (tensor.shape[2] - width) // 2
        inner = tensor[:, max(top, 0) : top + height, max(left, 0) : left + width]
        if inner.shape[1:] == (height, width):
            return inner
        if is_tensor(tensor, "pt"):
            out = tensor.new_zeros((tensor.shape[0], height, width))
        else:
            import numpy as np

            out = np.zeros((tensor.shape[0], height, width), tensor.dtype)
        down, right = max(-top, 0), max(-left, 0)
        out[:, down : down + inner.shape[1], right : right + inner.shape[2]] = inner
        return out

    def flip_channel_order(self, image: Any) -> Any:
        """RGB to BGR and back. A picture of Pillow becomes an array of floats, (C, H, W)."""
        where = self._where("flip_channel_order")
        if is_picture(image):
            image, axis = self.to_numpy_array(to_rgb(where, image)), 0
        else:
            found = channel_axis(where, tuple(self._tensor(where, image).shape))
            if found is None:
                raise InputError(where, "an image of two axes has no channels to flip")
            axis = found
        if is_tensor(image, "pt"):
            return image.flip(axis)
        return image[::-1] if axis == 0 else image[..., ::-1]

    def rotate(
        self,
        image: Any,
        angle: float,
        resample: Any = None,
        expand: bool = False,
        center: tuple[float, float] | None = None,
        translate: tuple[int, int] | None = None,
        fillcolor: Any = None,
    ) -> Any:
        """`image` as a picture of Pillow, turned counter-clockwise by `angle` degrees.

        The other arguments are those of `PIL.Image.Image.rotate`; `resample` is the nearest filter by default.
        """
        where = self._where("rotate")
        angle = check_value(f"{where}.angle", float, angle)
        number = filter_number(where, 0 if resample is None else resample)
        if number not in (0, 2, 3):
            raise InputError(f"{where}.resample", "Pillow rotates with nearest, bilinear and bicubic alone")
        picture = self.to_pil_image(image)
        load(where, picture)
        try:
            return picture.rotate(
                angle, resample=number, expand=expand, center=center, translate=translate, fillcolor=fillcolor
            )
        except (ValueError, TypeError) as error:
            raise InputError(where, f"Pillow does not rotate with these arguments ({error})") from error

    def _where(self, method: str) -> str:
        return f"{type(self).__name__}.{method}"

    def _tensor(self, where: str, image: Any) -> Any:
        """An array or a tensor of torch, as it is."""
        return image if is_tensor(image, "pt") else self._array(where, image)

    def _array(self, where: str, image: Any) -> Any:
        """A picture, an array or a tensor as an array."""
        import numpy as np

        if is_picture(image):
            return np.asarray(plain_gray(where, image))
        if not hasattr(image, "shape") or not hasattr(image, "dtype"):
            raise InputError(
                where,
                f"expected an image of Pillow, an array or a tensor, got {type(image).__name__}",
                hint="Files are opened by PIL.Image.open." if isinstance(image, (str, bytes)) else "",
            )
        return flatten(where, image)[0] if getattr(image, "ndim", 0) != 4 else self._refuse_batch(where)

    def _refuse_batch(self, where: str) -> Any:
        raise InputError(where, "expected one image, got a batch", hint="Call it for each image.")

    def _floats(self, where: str, image: Any) -> Any:
        """Of 32 bits, unless they are floats of more or fewer."""
        if is_tensor(image, "pt"):
            return image if image.is_floating_point() else image.float()
        array = on_host(where, image)
        return array if array.dtype.kind == "f" else array.astype("float32")


_NUMBERS = {"mean": "finite numbers", "std": "numbers above 0"}


def _keeping_ratio(where: str, size: tuple[int, int], shorter: int, max_size: int | None) -> tuple[int, int]:
    """(width, height) of a picture of `size` (width, height) when its shorter side is `shorter`."""
    short, long = min(size), max(size)
    new_short, new_long = shorter, int(shorter * long / short)
    if max_size is not None:
        if max_size <= shorter:
            raise InputError(
                f"{where}.max_size", f"{max_size} must be above size, the shorter side, which is {shorter}"
            )
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    if new_short < 1:
        raise InputError(where, f"a picture of {size[0]} x {size[1]} pixels would have no pixels left")
    return (new_short, new_long) if size[0] <= size[1] else (new_long, new_short)
