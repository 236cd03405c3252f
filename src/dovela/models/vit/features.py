"""ViT's input: images of one size, three channels, values around zero."""

from __future__ import annotations

from typing import Annotated, Any

from ...checks import PositiveFloat
from ...errors import InputError
from ...features import BatchFeature, FeatureExtractionMixin, refuse_unknown
from ...tensors import check_kind, from_array
from ...vision.arrays import FIRST, FORMATS, LAST, check_format
from ...vision.batch import Steps, prepare
from ...vision.filters import Filter, filter_number
from ...vision.image_features import ImageFeatureExtractionMixin
from ...vision.inputs import flatten
from ...vision.sizes import Size, height_and_width

HALF = (0.5, 0.5, 0.5)


class _NotEmpty:
    """A list with something in it."""

    def __contains__(self, value: Any) -> bool:
        return bool(value != [])

    def describe(self, value: Any) -> str:
        return "a list of at least one number"


Mean = Annotated[float | list[float], _NotEmpty()]
Deviation = Annotated[PositiveFloat | list[PositiveFloat], _NotEmpty()]


class ViTFeatureExtractor(FeatureExtractionMixin, ImageFeatureExtractionMixin):
    """Images to `pixel_values` for a ViT (https://arxiv.org/abs/2010.11929).

    Bytes (images of Pillow, files, arrays of integers) stand for 0 to 255, floats for 0 to 1: the dtype decides, and
    floats outside of [0, 1] are refused. Channels of an array are found by their number. Transparency is dropped, gray
    becomes RGB, EXIF orientation is left alone, and of an animated image the current frame is taken.
    """

    model_input_names = ("pixel_values",)
    quiet = frozenset({"do_rescale", "rescale_factor", "do_convert_rgb"})
    inert_settings = {
        "do_center_crop": (False, None),
        "do_pad": (False, None),
        "do_reduce_labels": (False, None),
        "do_flip_channel_order": (False, None),
    }

    def __init__(
        self,
        do_resize: bool = True,
        size: Size = 224,
        resample: Filter = 2,
        do_rescale: bool = True,
        rescale_factor: PositiveFloat = 1 / 255,
        do_normalize: bool = True,
        image_mean: Mean = HALF,  # type: ignore[assignment]  # a default that nobody can change
        image_std: Deviation = HALF,  # type: ignore[assignment]
        do_convert_rgb: bool | None = None,
        **options: Any,
    ) -> None:
        """`size`: both sides, (height, width) or {"height": …, "width": …}, in pixels.

        `resample`: one of Pillow's filters by number, enum or name ("PIL.Image.BOX"). `image_mean`, `image_std`: a
        number, or one a channel, in the units that rescaling leaves. `do_convert_rgb`: by default all but arrays of
        four channels become RGB; True includes those (the fourth is dropped), False leaves the channels as they are.
        """
        super().__init__(**options)
        self.do_resize, self.size, self.resample = do_resize, size, resample
        self.do_rescale, self.rescale_factor = do_rescale, rescale_factor
        self.do_normalize, self.image_mean, self.image_std = do_normalize, image_mean, image_std
        self.do_convert_rgb = do_convert_rgb
        _check_lengths(type(self).__name__, self.image_mean, self.image_std)

    def __call__(self, images: Any, return_tensors: str | None = None, **options: Any) -> BatchFeature:
        """`pixel_values`: float32, (B, C, H, W), or a list of B arrays without `return_tensors`.

        `images`: an image of Pillow, an array or tensor ((H, W), (H, W, C), (C, H, W) or a batch of the latter two), a
        path, the bytes of an image file or an open one, or a list of those. `return_tensors`: "np", "pt", "jax", "tf".
        `options`: every argument of the constructor, for this call; `data_format`, "channels_first" or
        "channels_last", of the result; `input_data_format`, those or "none", of arrays.
        """
        return self.preprocess(images, return_tensors=return_tensors, **options)

    def preprocess(
        self,
        images: Any,
        return_tensors: str | None = None,
        data_format: str | None = FIRST,
        input_data_format: str | None = None,
        **options: Any,
    ) -> BatchFeature:
        """What calling the extractor does."""
        where = type(self).__name__
        known = {*self.known_arguments(), "return_tensors", "data_format", "input_data_format"}
        refuse_unknown(where, options, known)
        check_kind(where, return_tensors)
        out_format = check_format(f"{where}.data_format", data_format, FIRST, LAST)
        steps = self._steps(where, options, check_format(f"{where}.input_data_format", input_data_format, *FORMATS))
        values = prepare(flatten(where, images), steps, channels_last=out_format == LAST)
        return BatchFeature(
            {"pixel_values": list(values) if return_tensors is None else from_array(values, return_tensors)}
        )

    def _steps(self, where: str, options: dict[str, Any], input_format: str | None) -> Steps:
        s = self.settings_with(where, options)
        _check_lengths(where, s["image_mean"], s["image_std"])
        return Steps(
            where,
            size=height_and_width(f"{where}.size", s["size"]) if s["do_resize"] else None,
            resample=filter_number(where, s["resample"]),
            factor=s["rescale_factor"] if s["do_rescale"] else None,
            mean=s["image_mean"] if s["do_normalize"] else None,
            std=s["image_std"] if s["do_normalize"] else None,
            convert_rgb=s["do_convert_rgb"],
            input_format=input_format,
        )

    def saved_settings(self) -> dict[str, Any]:
        return self.settings() | {"resample": filter_number(type(self).__name__, self.resample)}

    def _types(self) -> dict[str, str]:
        """Under both keys: older readers look for one, newer ones for the other."""
        name = type(self).__name__
        if name not in ("ViTFeatureExtractor", "ViTImageProcessor"):
            return {"feature_extractor_type": name, "image_processor_type": name}
        return {"feature_extractor_type": "ViTFeatureExtractor", "image_processor_type": "ViTImageProcessor"}


class ViTImageProcessor(ViTFeatureExtractor):
    """The newer name of ViTFeatureExtractor."""

    type_key = "image_processor_type"


def _check_lengths(where: str, mean: Any, std: Any) -> None:
    if isinstance(mean, list) and isinstance(std, list) and len(mean) != len(std):
        raise InputError(where, f"image_mean has {len(mean)} values and image_std {len(std)}; one for each channel")
