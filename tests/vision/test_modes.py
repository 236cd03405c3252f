"""Pillow's modes and filters: resized to the bit, converted with sense."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from dovela.models.vit.features import ViTFeatureExtractor
from pictures import encoded, noise, picture

FILTERS = {f.name: f.value for f in Image.Resampling}
MODES = ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "HSV", "LAB"]


def in_mode(mode: str) -> Image.Image:
    rgba = Image.fromarray(noise(31, 43, 4))
    if mode in ("LA", "La"):
        gray = rgba.convert("LA")
        return gray.convert("La") if mode == "La" else gray
    if mode == "PA":
        return rgba.convert("RGB").convert("P").convert("PA")
    if mode in ("RGBA", "RGBa"):
        return rgba.convert(mode)
    if mode == "LAB":
        return Image.merge("LAB", rgba.convert("RGB").split())
    return rgba.convert("RGB").convert(mode)


def as_rgb(image: Image.Image) -> Image.Image:
    """By Pillow alone, in as many steps as it needs."""
    for through in ((), ("RGBA",), ("LA", "RGBA")):
        try:
            made = image
            for mode in (*through, "RGB"):
                made = made.convert(mode)
        except ValueError:
            continue
        return made
    raise AssertionError(image.mode)


def levels(image, **options) -> np.ndarray:
    """The bytes that came out, (H, W, C)."""
    raw = {"do_rescale": False, "do_normalize": False}
    return ViTFeatureExtractor(**raw)(image, return_tensors="np", **options).pixel_values[0].transpose(1, 2, 0)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("mode", MODES)
def test_resized_to_the_bit(mode, name):
    image = in_mode(mode)
    for height, width in ((17, 90), (224, 224), (31, 43), (1, 1)):
        expected = np.asarray(as_rgb(image).resize((width, height), FILTERS[name]))
        made = levels(image, size=(height, width), resample=name)
        assert np.array_equal(made, expected)


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_are_resized_to_the_bit(channels, name):
    array = noise(31, 43, channels)
    image = Image.fromarray(array[..., 0] if channels == 1 else array)
    expected = np.asarray(image.resize((20, 50), FILTERS[name]))
    expected = expected[..., None].repeat(3, axis=2) if channels == 1 else expected
    for given in (array, array.transpose(2, 0, 1), np.ascontiguousarray(array.transpose(2, 0, 1)), array[:, :, :]):
        assert np.array_equal(levels(given, size=(50, 20), resample=name), expected)


def test_any_number_of_channels_where_it_is_said_which_axis_they_are():
    array = noise(31, 43, 7)
    made = levels(array, size=(50, 20), input_data_format="channels_last")
    for c in range(7):
        assert np.array_equal(made[..., c], np.asarray(Image.fromarray(array[..., c].copy()).resize((20, 50), 2)))
    assert np.array_equal(levels(array.transpose(2, 0, 1), size=(50, 20), input_data_format="channels_first"), made)


def test_gray_stays_gray_for_a_model_of_one_channel():
    extractor = ViTFeatureExtractor(size=8, image_mean=[0.5], image_std=[0.5])
    gray = noise(20, 20, 1)[..., 0]
    for given in (gray, gray[None], gray[..., None], Image.fromarray(gray), gray / 255):
        made = extractor(given, return_tensors="np").pixel_values
        assert made.shape == (1, 1, 8, 8)
        assert np.abs(made - extractor(gray, return_tensors="np").pixel_values).max() < 0.01
    assert ViTFeatureExtractor(do_convert_rgb=True, size=8)(gray, return_tensors="np").pixel_values.shape == (
        1,
        3,
        8,
        8,
    )


def test_channels_are_left_alone_on_request():
    for mode, channels in (("L", 1), ("LA", 2), ("RGBA", 4), ("CMYK", 4), ("1", 1), ("HSV", 3)):
        image = in_mode(mode)
        made = levels(image, do_convert_rgb=False, size=(31, 43))
        assert made.shape == (31, 43, channels)
        expected = np.asarray(image.convert("L") if mode == "1" else image)
        assert np.array_equal(made, expected.reshape(made.shape))


def test_the_fourth_channel_of_an_array_is_dropped_on_request():
    array = noise(31, 43, 4)
    made = levels(array, do_convert_rgb=True, size=(9, 9))
    assert np.array_equal(made, levels(np.ascontiguousarray(array[..., :3]), size=(9, 9)))


def test_sixteen_bits_are_scaled_not_clipped():
    wide = np.linspace(0, 65535, 30 * 40).reshape(30, 40).astype(np.uint16)
    wide[0, :4] = (0, 128, 129, 65535)
    for given in (Image.fromarray(wide), encoded(Image.fromarray(wide), "png"), encoded(Image.fromarray(wide), "tiff")):
        made = levels(given, size=(30, 40))
        assert np.array_equal(made, np.rint(wide / 257.0)[..., None].repeat(3, axis=2))


def test_modes_without_a_range_are_read_as_arrays():
    floats = np.random.default_rng(0).random((30, 40), np.float32)
    unit = ViTFeatureExtractor(size=9)
    assert np.array_equal(
        unit(Image.fromarray(floats), "np").pixel_values, unit(np.stack([floats] * 3), "np").pixel_values
    )
    integers = noise(30, 40, 1)[..., 0].astype(np.int32)
    assert np.array_equal(levels(Image.fromarray(integers)), levels(integers.astype(np.uint8)))


def test_palettes_with_transparency_raise_no_warning():
    image = in_mode("P")
    image.info["transparency"] = bytes(range(256))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = levels(image, size=(31, 43))
    assert np.array_equal(made, np.asarray(image.convert("RGBA").convert("RGB")))


def test_colours_under_transparent_pixels_show():
    image = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert levels(image, size=(2, 2))[0, 0].tolist() == [10, 20, 30]


def test_orientation_in_exif_is_left_alone():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    image = picture(20, 30)
    turned = encoded(image, "png", exif=exif.tobytes())
    assert np.array_equal(levels(turned, size=(20, 30)), np.asarray(image))


def animation() -> bytes:
    frames = [picture(20, 30, seed) for seed in range(3)]
    return encoded(frames[0], "png", save_all=True, append_images=frames[1:])


def test_of_an_animation_the_current_frame_is_taken_and_told(told):
    assert np.array_equal(levels(animation(), size=(20, 30)), np.asarray(picture(20, 30, 0)))
    assert "(PNG) has 3 frames; the current one, 0, is taken" in told()[-1]
    with Image.open(io.BytesIO(animation())) as image:
        image.seek(2)
        assert np.array_equal(levels(image, size=(20, 30)), np.asarray(picture(20, 30, 2)))
    assert "the current one, 2, is taken. Choose with image.seek" in told()[-1]
