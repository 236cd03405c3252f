"""What is no image is refused, by a message that says which one and what to do."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dovela.errors import InputError
from dovela.models.vit.features import ViTFeatureExtractor
from pictures import encoded, noise, picture

UNIT = np.full((20, 30, 3), 0.5, np.float32)


def with_value(value):
    array = UNIT.copy()
    array[3, 4, 1] = value
    return array


CASES = {
    "empty list": ([], {}, r"ViTFeatureExtractor: expected at least one image, got none"),
    "empty nested": ([[], []], {}, "expected at least one image, got none"),
    "empty batch": (np.zeros((0, 3, 5, 5)), {}, "expected at least one image, got none"),
    "none": (None, {}, r"ViTFeatureExtractor: expected an image of Pillow, .* got NoneType$"),
    "none in a list": ([UNIT, None], {}, r"ViTFeatureExtractor, image 1: expected .* got NoneType"),
    "dictionary": ({"image": UNIT}, {}, "got dict$"),
    "generator": ((image for image in [UNIT]), {}, r"got generator. Collect it first: list\(…\)\."),
    "number": (3, {}, "got int"),
    "list of numbers": ([[1, 2], [3, 4]], {}, r"got a list of numbers. Make an array: numpy.array\(…\)"),
    "one axis": (np.zeros(5), {}, r"an array of shape \(5,\) is no image. Expected are \(height, width\)"),
    "five axes": (np.zeros((1, 1, 3, 5, 5)), {}, r"an array of shape \(1, 1, 3, 5, 5\) is no image"),
    "no pixels": (np.zeros((3, 0, 5)), {}, r"image 0: an image of shape \(3, 0, 5\) has no pixels"),
    "picture without pixels": (Image.new("RGB", (0, 7)), {}, "a picture of 0 x 7 pixels has none"),
    "ambiguous": (
        np.zeros((3, 9, 3)),
        {},
        r"in an image of shape \(3, 9, 3\) the first and the last axis may be channels. "
        "Say which it is: input_data_format='channels_first' or 'channels_last'",
    ),
    "ambiguous 1 and 3": (np.zeros((1, 9, 3)), {}, "the first and the last axis may be channels"),
    "ambiguous 4": (np.zeros((4, 9, 4)), {}, "the first and the last axis may be channels"),
    "no channels": (np.zeros((8, 9, 8)), {}, r"has no axis of 1, 3 or 4 channels. .* \(batch, 1, height, width\)"),
    "format for two axes": (
        np.zeros((8, 9)),
        {"input_data_format": "channels_last"},
        "has no channels, and 'channels_last' was given",
    ),
    "none for three axes": (UNIT, {"input_data_format": "none"}, r"has three axes, and 'none' stands for"),
    "bool": (np.ones((8, 9), bool), {}, r"an array of bool is no image. For a mask, say what True is"),
    "complex": (np.ones((8, 9), complex), {}, "an array of complex128 is no image$"),
    "text": (np.array([["a"]]), {}, "is no image"),
    "nan": (with_value(np.nan), {}, r"image 0: the image has values that are not finite \(NaN"),
    "infinity": (with_value(-np.inf), {}, "not finite"),
    "nan without rescaling": (with_value(np.nan), {"do_rescale": False}, "not finite"),
    "beyond float32": (np.full((8, 9), 1e300), {"do_rescale": False}, "not finite"),
    "floats of 0 to 255": (
        with_value(255.0),
        {},
        r"floats are taken for units, 0 to 1, when rescaling, and there are values from 0.5 to 255. For 0 to 255, pass "
        r"image.astype\('uint8'\)",
    ),
    "normalised floats": (with_value(-0.5), {}, r"from -0.5 to 0.5\. .* pass do_rescale=False, do_normalize=False"),
    "large integers": (np.full((8, 9), 300), {}, r"taken for bytes, 0 to 255, and there are values from 300 to 300"),
    "negative integers": (np.full((8, 9), -1), {}, "values from -1 to -1"),
    "sixteen bits": (np.full((8, 9), 4000, np.uint16), {}, r"\(image / 65535\).astype\('float32'\)"),
    "mode I": (Image.fromarray(np.full((8, 9), 70_000, np.int32)), {}, "integers are taken for bytes"),
    "mode F": (Image.fromarray(np.full((8, 9), 70, np.float32)), {}, "floats are taken for units"),
    "palette as it is": (picture().convert("P"), {"do_convert_rgb": False}, "a palette's indices are no colours"),
    "different sizes": (
        [picture(5, 6), picture(6, 5)],
        {"do_resize": False},
        r"images of different sizes make no batch: \(5, 6\) and \(6, 5\) \(height, width\) are among them. Leave do_re",
    ),
    "different channels": ([noise(5, 6, 4), picture()], {}, "images with 3 and with 4 channels make no batch"),
    "alpha": (noise(5, 6, 4), {}, r"image_mean: has 3 values, and the images have 4 channels. .* do_convert_rgb=True"),
    "gray left gray": (
        noise(5, 6, 1),
        {"do_convert_rgb": False},
        "image_mean: has 3 values, and the images have 1 channel. Leave do_convert_rgb on",
    ),
    "two channels": (
        noise(5, 6, 2),
        {"input_data_format": "channels_last"},
        "has 3 values, and the images have 2 channels. Give one value a channel",
    ),
    "colour for one channel": (picture(), {"image_mean": [0.5], "image_std": [0.5]}, "has 1 values, and the .* 3 chan"),
    "unknown argument": (UNIT, {"do_normalise": True}, r"unknown argument 'do_normalise'; did you mean 'do_normalize'"),
    "return_tensors": (UNIT, {"return_tensors": "torch"}, "return_tensors='torch' is not known"),
    "data_format": (UNIT, {"data_format": "NCHW"}, "data_format: 'NCHW' is not one of 'channels_first', 'channels_la"),
    "input_data_format": (UNIT, {"input_data_format": "channel_last"}, "; did you mean 'channels_last'"),
    "size": (UNIT, {"size": 0}, "ViTFeatureExtractor.size: 0 is not a size"),
    "resample": (UNIT, {"resample": "gauss"}, "ViTFeatureExtractor.resample: 'gauss' is not one of Pillow's filters"),
    "image_std": (UNIT, {"image_std": 0}, "ViTFeatureExtractor.image_std: 0 is not a number above 0"),
    "lengths": (UNIT, {"image_std": [1, 1]}, "image_mean has 3 values and image_std 2; one for each channel"),
    "address": ("https://example.org/cat.png", {}, "is an address, where a file is expected. Download it first"),
    "no file": ("/no/such/cat.png", {}, r"'/no/such/cat.png': there is no such image file \(looked in"),
    "no file in a batch": ([UNIT, "cat.png"], {}, "image 1: 'cat.png': there is no such image file"),
    "folder": (".", {}, "is a folder, where an image file is expected"),
    "no image in a view": (memoryview(b"no image"), {}, "the file is not an image in a format that Pillow reads"),
    "statistics beyond float32": (
        UNIT,
        {"image_std": 1e-300},
        "image_std and rescale_factor the values do not fit into float32",
    ),
    "no image": (b"no image", {}, "the file is not an image in a format that Pillow reads"),
    "empty file": (b"", {}, "the file is not an image"),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input(case):
    images, options, message = CASES[case]
    with pytest.raises(InputError, match=message):
        ViTFeatureExtractor()(images, **options)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "tiff"])
def test_files_that_were_cut_short(kind, tmp_path):
    whole = encoded(picture(50, 60), kind)
    for length in (len(whole) // 2, len(whole) - len(whole) // 5):
        (tmp_path / "cut").write_bytes(whole[:length])
        for given in (whole[:length], tmp_path / "cut"):
            with pytest.raises(
                InputError, match=r"^ViTFeatureExtractor: the (image|file)|^ViTFeatureExtractor, image 0"
            ):
                ViTFeatureExtractor()(given)


@pytest.mark.parametrize("kind", ["png", "gif", "tiff"])
def test_a_picture_that_cannot_be_decoded_any_more(kind, tmp_path):
    (tmp_path / "a").write_bytes(encoded(picture(), kind))
    image = Image.open(tmp_path / "a")
    image.close()
    with pytest.raises(InputError, match="image 1: the image cannot be read"):
        ViTFeatureExtractor()([picture(), image])


def test_all_problems_are_told_together():
    with pytest.raises(InputError, match=r"2 problems\n  - .*image 0: .*not finite.*\n  - .*image 2: integers"):
        ViTFeatureExtractor()([with_value(np.nan), UNIT, np.full((8, 9), 300)])


def test_decompression_bombs(monkeypatch):
    content = encoded(picture(50, 60))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match=r"larger than Pillow takes for harmless .* PIL.Image.MAX_IMAGE_PIXELS"):
        ViTFeatureExtractor()(content)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)  # Pillow warns from here on, and warnings are errors here
    with pytest.raises(InputError, match="larger than Pillow takes for harmless"):
        ViTFeatureExtractor()(content)


@pytest.mark.parametrize("made", ["meta", "sparse"])
def test_tensors_that_no_array_can_hold(made):
    torch = pytest.importorskip("torch")
    image = torch.zeros(3, 8, 8, device="meta") if made == "meta" else torch.zeros(8, 8).to_sparse()
    with pytest.raises(InputError, match=r"ViTFeatureExtractor, image 1: a tensor \(torch.float32, .* cannot be read"):
        ViTFeatureExtractor()([UNIT, image])


def test_text_files_are_to_be_opened_as_binary(tmp_path):
    (tmp_path / "a.txt").write_text("text")
    with (tmp_path / "a.txt").open() as file, pytest.raises(InputError, match="Open it in binary mode"):
        ViTFeatureExtractor()(file)


WRONG = [
    ({"size": -5}, "size: -5 is not a size"),
    ({"size": {"shortest_edge": 224}}, "one edge alone"),
    ({"size": None}, "size: None is not a size"),
    ({"resample": None}, "resample: None is not one of Pillow's filters"),
    ({"resample": "PIL.Image.GAUSS"}, "is not one of Pillow's filters"),
    ({"image_mean": []}, r"image_mean: \[\] is not a list of at least one number"),
    ({"image_mean": "0.5"}, "image_mean: '0.5' is not a finite number or a list"),
    ({"image_mean": float("nan")}, "image_mean: nan is not a finite number"),
    ({"image_std": [0.5, 0, 0.5]}, r"image_std: .* a number above 0 at \[1\]"),
    ({"image_std": -1}, "image_std: -1 is not a number above 0"),
    ({"image_mean": [0.5]}, "image_mean has 1 values and image_std 3"),
    ({"rescale_factor": 0}, "rescale_factor: 0 is not a number above 0"),
    ({"do_resize": 1}, "do_resize: 1 is not true or false"),
    ({"do_convert_rgb": "yes"}, "do_convert_rgb: 'yes' is not true or false or null"),
    ({"do_resise": True}, "unknown argument 'do_resise'; did you mean 'do_resize'"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=str)
def test_bad_settings(options, message):
    with pytest.raises(InputError, match=message):
        ViTFeatureExtractor(**options)


def test_without_pillow_it_says_how_to_install_it():
    code = """
        import sys
        sys.modules["PIL"] = None
        import numpy
        from dovela import MissingBackend, ViTFeatureExtractor
        try:
            ViTFeatureExtractor()(numpy.zeros((3, 9, 9)))
        except MissingBackend as error:
            print(error)
    """
    import textwrap

    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    message = (
        "ViTFeatureExtractor: needs the package 'PIL', which is not installed. Run: pip install \"dovela[vision]\""
    )
    assert done.stdout.strip() == message
