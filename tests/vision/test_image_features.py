"""The steps that an extractor of one's own is made of."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dovela.errors import InputError
from dovela.features import BatchFeature, FeatureExtractionMixin
from dovela.vision.image_features import ImageFeatureExtractionMixin
from peer_image_jobs import steps
from peers import peer4
from pictures import encoded, noise, picture

MIXIN = ImageFeatureExtractionMixin()
LAST = noise(20, 30)
FIRST = np.ascontiguousarray(LAST.transpose(2, 0, 1))
FLOATS = FIRST.astype(np.float32) / 255
PICTURE = encoded(Image.fromarray(LAST))
GRAY = LAST[..., 0]

ASKS = [
    *(("to_pil_image", image, {}) for image in (PICTURE, LAST, FIRST, FLOATS, GRAY)),
    ("to_pil_image", FLOATS * 255, {"rescale": False}),
    ("to_pil_image", FLOATS, {"rescale": True}),
    *(("convert_rgb", image, {}) for image in (PICTURE, encoded(Image.fromarray(GRAY)), FIRST)),
    ("rescale", FIRST.astype(np.float32), {"scale": 1 / 255}),
    ("rescale", FLOATS, {"scale": 255}),
    ("to_numpy_array", PICTURE, {}),
    ("to_numpy_array", PICTURE, {"rescale": False}),
    ("to_numpy_array", PICTURE, {"channel_first": False}),
    ("to_numpy_array", LAST, {}),
    ("to_numpy_array", LAST, {"rescale": False, "channel_first": False}),
    ("to_numpy_array", LAST.astype(np.float64) / 255, {}),
    ("to_numpy_array", GRAY, {}),
    ("expand_dims", GRAY, {}),
    ("expand_dims", PICTURE, {}),
    *(("normalize", image, {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}) for image in (PICTURE, FLOATS)),
    ("normalize", LAST.astype(np.float32), {"mean": np.float32([0.1, 0.2, 0.3]), "std": np.float32([0.4, 0.5, 0.6])}),
    ("normalize", FIRST, {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "rescale": True}),
    ("normalize", LAST, {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "rescale": True}),
    *(("resize", image, {"size": 9}) for image in (PICTURE, LAST, FIRST, FLOATS, GRAY)),
    *(("resize", PICTURE, {"size": [9], "resample": number}) for number in range(6)),
    *(("resize", PICTURE, {"size": 9, "default_to_square": False, "max_size": longest}) for longest in (None, 10, 99)),
    ("resize", encoded(picture(30, 20)), {"size": 9, "default_to_square": False, "max_size": 11}),
    ("resize", PICTURE, {"size": 20, "default_to_square": False}),
    *(("center_crop", image, {"size": 10}) for image in (PICTURE, LAST, FIRST, GRAY)),
    *(("center_crop", image, {"size": size}) for image in (PICTURE, FIRST) for size in ((7, 11), (20, 30), (40, 50))),
    *(("center_crop", image, {"size": (30, 10)}) for image in (PICTURE, LAST)),
    ("center_crop", PICTURE, {"size": (41, 51)}),
    ("flip_channel_order", PICTURE, {}),
    ("flip_channel_order", FIRST, {}),
    *(("rotate", image, {"angle": 33}) for image in (PICTURE, LAST, FIRST)),
    ("rotate", PICTURE, {"angle": 45, "resample": 3, "expand": 1, "fillcolor": (1, 2, 3)}),
    ("rotate", PICTURE, {"angle": 90, "resample": 2, "center": (3, 4), "translate": (5, 6)}),
]


@pytest.mark.peer
def test_every_step_as_the_peer_takes_it():
    theirs = peer4(steps, ASKS)
    for (name, image, options), expected in zip(ASKS, theirs, strict=True):
        given = decoded(image) if isinstance(image, bytes) else image
        made = np.asarray(getattr(MIXIN, name)(given, **options))
        assert made.shape == expected.shape, (name, options)
        assert np.abs(made - expected.astype(np.float64)).max() < 1e-6, (name, options)


def decoded(content: bytes) -> Image.Image:
    import io

    return Image.open(io.BytesIO(content))


def test_tensors_stay_tensors():
    torch = pytest.importorskip("torch")
    tensor, array = torch.from_numpy(FIRST), FIRST
    same = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    for name, options in (
        ("rescale", {"scale": 0.5}),
        ("expand_dims", {}),
        ("center_crop", {"size": 7}),
        ("center_crop", {"size": 77}),
        ("flip_channel_order", {}),
        ("normalize", same | {"rescale": True}),
        ("normalize", same),
    ):
        made = getattr(MIXIN, name)(tensor, **options)
        assert isinstance(made, torch.Tensor), name
        assert np.allclose(made.numpy(), getattr(MIXIN, name)(array, **options), rtol=0, atol=1e-6), name
    assert MIXIN.center_crop(tensor.permute(1, 2, 0), 7).shape == (3, 7, 7)
    assert MIXIN.to_numpy_array(tensor).dtype == np.float32
    assert np.array_equal(np.asarray(MIXIN.to_pil_image(tensor)), LAST)
    assert np.array_equal(np.asarray(MIXIN.resize(tensor, 9)), np.asarray(MIXIN.resize(LAST, 9)))


# Where the peer is wrong.


def test_a_pair_is_height_and_width():
    assert MIXIN.resize(LAST, (10, 40)).size == (40, 10)
    assert MIXIN.resize(LAST, {"height": 10, "width": 40}, resample="PIL.Image.BOX").size == (40, 10)


def test_floats_become_the_nearest_byte():
    levels = np.arange(256, dtype=np.float32).reshape(1, 16, 16) / 255
    for scaled in (levels, np.nextafter(levels, 0, dtype=np.float32)):
        assert np.array_equal(np.asarray(MIXIN.to_pil_image(scaled)).ravel(), np.arange(256))


def test_channels_are_found_where_they_are():
    assert np.array_equal(MIXIN.to_numpy_array(FIRST, rescale=False), FIRST)
    assert np.array_equal(MIXIN.to_numpy_array(FIRST, rescale=False, channel_first=False), LAST)
    assert np.array_equal(MIXIN.flip_channel_order(LAST), LAST[..., ::-1])


def test_bytes_are_normalised_as_floats():
    made = MIXIN.normalize(FIRST, mean=0.5, std=0.25)
    assert made.dtype == np.float32
    assert np.array_equal(made, (FIRST - np.float32(0.5)) / np.float32(0.25))


@pytest.mark.parametrize("size", [(21, 31), (25, 30), (5, 45), (21, 5)])
def test_a_crop_has_the_size_asked_for_and_is_pillows(size):
    cropped = MIXIN.center_crop(FIRST, size)
    assert cropped.shape == (3, *size)
    assert np.array_equal(cropped.transpose(1, 2, 0), np.asarray(MIXIN.center_crop(Image.fromarray(LAST), size)))


def test_pictures_of_every_kind_become_rgb():
    for mode in ("1", "L", "P", "RGBA", "CMYK"):
        image = Image.fromarray(LAST).convert(mode)
        assert MIXIN.convert_rgb(image).tobytes() == image.convert("RGB").tobytes()


ERRORS = {
    "type": (lambda: MIXIN.to_pil_image("cat.png"), r"to_pil_image: expected an image .* got str. Files are opened by"),
    "batch": (lambda: MIXIN.resize(LAST[None], 3), "expected one image, got a batch. Call it for each"),
    "axes": (lambda: MIXIN.normalize(np.zeros((3, 9, 3)), 0, 1), "the first and the last axis may be channels"),
    "floats": (lambda: MIXIN.to_pil_image(FLOATS * 255), "floats are taken for units"),
    "floats not scaled": (lambda: MIXIN.to_pil_image(FLOATS - 1, rescale=False), "values from -1 to .* are no bytes"),
    "integers": (lambda: MIXIN.to_pil_image(FIRST.astype(int) * 2), r"are no bytes, 0 to 255. Scale them first"),
    "channels": (lambda: MIXIN.to_pil_image(np.zeros((5, 9, 9))), "no axis of 1, 3 or 4 channels"),
    "mean": (lambda: MIXIN.normalize(LAST, [0.5, 0.5], 1), r"normalize.mean: expected a number, or 3, .* got 2"),
    "nan": (lambda: MIXIN.normalize(LAST, float("nan"), 1), r"normalize.mean: nan is not made of finite numbers"),
    "std": (lambda: MIXIN.normalize(LAST, 0, [1, 0, 1]), r"normalize.std: \[1, 0, 1\] is not made of numbers above 0"),
    "filter": (lambda: MIXIN.resize(LAST, 3, "gauss"), "resize.resample: 'gauss' is not one of Pillow's filters"),
    "size": (lambda: MIXIN.resize(LAST, 0), "resize.size: 0 is not a size"),
    "max_size": (
        lambda: MIXIN.resize(LAST, 9, default_to_square=False, max_size=9),
        "max_size: 9 must be above size, the shorter side, which is 9",
    ),
    "max_size of a square": (lambda: MIXIN.resize(LAST, 9, max_size=10), "max_size needs one length as size"),
    "thin": (
        lambda: MIXIN.resize(Image.new("RGB", (1, 900)), 2, default_to_square=False, max_size=3),
        "a picture of 1 x 900 pixels would have no pixels left",
    ),
    "palette": (lambda: MIXIN.resize(picture().convert("P"), 9), "mode 'P' by its nearest filter alone. Convert it"),
    "crop": (lambda: MIXIN.center_crop(LAST, -1), "center_crop.size: -1 is not a size"),
    "flip": (lambda: MIXIN.flip_channel_order(GRAY), "an image of two axes has no channels to flip"),
    "rotate": (lambda: MIXIN.rotate(LAST, 9, resample=1), "Pillow rotates with nearest, bilinear and bicubic alone"),
    "angle": (lambda: MIXIN.rotate(LAST, "90"), "rotate.angle: '90' is not a finite number"),
    "fill": (lambda: MIXIN.rotate(LAST, 9, fillcolor="gray9"), r"Pillow does not rotate with .* \(unknown color"),
    "center": (lambda: MIXIN.rotate(LAST, 9, center="middle"), "rotate: Pillow does not rotate with these arguments"),
    "scale": (lambda: MIXIN.rescale(LAST, "1"), "rescale.scale: '1' is not a finite number"),
    "scales": (lambda: MIXIN.rescale(LAST, [1, 2]), "rescale.scale: .* is not a finite number"),
    "rescale": (lambda: MIXIN.to_pil_image(LAST, rescale="no"), "to_pil_image.rescale: 'no' is not true or false"),
    "rescaled array": (lambda: MIXIN.to_numpy_array(LAST, rescale=2), "to_numpy_array.rescale: 2 is not true or false"),
    "channel_first": (lambda: MIXIN.to_numpy_array(LAST, channel_first=1), "channel_first: 1 is not true or false"),
    "words": (lambda: MIXIN.normalize(LAST, "a", 1), "normalize.mean: 'a' is not made of finite numbers"),
    "ragged": (lambda: MIXIN.normalize(LAST, [[1, 2], 3], 1), "normalize.mean: .* is not made of finite numbers"),
    "square": (lambda: MIXIN.resize(LAST, 9, default_to_square="no"), "default_to_square: 'no' is not true or false"),
    "max_size in words": (lambda: MIXIN.resize(LAST, 9, max_size="10"), "resize.max_size: '10' is not an integer"),
    "mode": (lambda: MIXIN.convert_rgb(Image.new("F", (3, 3))), "a picture of mode 'F' has no range of its own"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input(case):
    call, message = ERRORS[case]
    with pytest.raises(InputError, match=message):
        call()


def test_an_extractor_of_ones_own(tmp_path, monkeypatch):
    from dovela.features import FEATURE_EXTRACTORS

    monkeypatch.setattr(FEATURE_EXTRACTORS, "_entries", dict(FEATURE_EXTRACTORS._entries))

    class MiddleExtractor(FeatureExtractionMixin, ImageFeatureExtractionMixin):
        """Crops the middle."""

        model_input_names = ("pixel_values",)

        def __init__(self, size: int = 16, **options):
            super().__init__(**options)
            self.size = size

        def __call__(self, images, return_tensors=None):
            cropped = [self.to_numpy_array(self.center_crop(image, self.size)) for image in images]
            return BatchFeature({"pixel_values": cropped}, return_tensors)

    MiddleExtractor(size=8).save_pretrained(tmp_path)
    made = MiddleExtractor.from_pretrained(tmp_path)([picture(), picture()], return_tensors="np")
    assert made.pixel_values.shape == (2, 3, 8, 8)
