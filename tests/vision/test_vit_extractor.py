"""ViTFeatureExtractor: as printed, as saved, and what it makes of images in every form."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data import data_path
from dovela.errors import CheckpointError, InputError
from dovela.models.vit.features import ViTFeatureExtractor, ViTImageProcessor
from peer_image_jobs import opened, pixel_values, saved_and_opened, saved_in_processor
from peers import peer4, peer5
from pictures import encoded, noise, picture

FILTERS = {f.name: f.value for f in Image.Resampling}
PHOTOS = [
    "images/coco/000000039769.png",
    "images/coco/000000004016.png",
    "images/misc/australia.jpg",
    "images/misc/keras_test_image.jpg",
    "images/misc/pineapple.jpg",
    "images/misc/wolves.jpg",
]


def values(images, **options):
    return ViTFeatureExtractor()(images, return_tensors="np", **options).pixel_values


# As printed and saved.

DEFAULTS = {
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "ViTFeatureExtractor",
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "size": 224,
}


def as_printed(extractor):
    name, _, rest = repr(extractor).partition(" ")
    assert rest == json.dumps(json.loads(rest), indent=2, sort_keys=True)
    return name, json.loads(rest)


def test_it_is_printed_as_the_guide_shows():
    assert as_printed(ViTFeatureExtractor()) == ("ViTFeatureExtractor", DEFAULTS)
    custom = ViTFeatureExtractor(resample="PIL.Image.BOX", do_normalize=False, image_mean=[0.3, 0.3, 0.3])
    changed = {"resample": "PIL.Image.BOX", "do_normalize": False, "image_mean": [0.3, 0.3, 0.3]}
    assert as_printed(custom) == ("ViTFeatureExtractor", DEFAULTS | changed)
    assert as_printed(ViTFeatureExtractor(do_rescale=False))[1] == DEFAULTS | {"do_rescale": False}
    newer = {k: v for k, v in DEFAULTS.items() if k != "feature_extractor_type"}
    assert as_printed(ViTImageProcessor()) == (
        "ViTImageProcessor",
        newer | {"image_processor_type": "ViTImageProcessor"},
    )


def test_a_filter_is_saved_as_its_number(tmp_path):
    ViTFeatureExtractor(resample="PIL.Image.BOX", size=(3, 4)).save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["resample"] == 4
    assert saved["size"] == [3, 4]
    assert saved["do_rescale"] is True
    assert ViTFeatureExtractor.from_pretrained(tmp_path).resample == 4


@pytest.mark.peer
@pytest.mark.parametrize("options", [{}, {"size": (20, 30), "resample": "box", "image_std": [0.1, 0.2, 0.3]}], ids=str)
@pytest.mark.parametrize("cls", [ViTFeatureExtractor, ViTImageProcessor])
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
def test_peers_open_what_we_write(peer, cls, options, tmp_path):
    cls(**options).save_pretrained(tmp_path)
    found = peer(opened, str(tmp_path), "AutoImageProcessor")
    assert found.pop("class").startswith("ViTImageProcessor")
    expected = cls(**options).to_dict() | {"size": options.get("size", (224, 224))}
    assert found == {name: expected[name] for name in found}


@pytest.mark.peer
def test_the_older_peer_opens_it_by_its_older_door(tmp_path):
    ViTFeatureExtractor().save_pretrained(tmp_path)
    assert peer4(opened, str(tmp_path), "AutoFeatureExtractor")["class"] == "ViTFeatureExtractor"


@pytest.mark.peer
@pytest.mark.parametrize("writer", [saved_and_opened, saved_in_processor])
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
def test_what_peers_write_opens_here(peer, writer, tmp_path, told):
    peer(writer, str(tmp_path), {"size": {"height": 20, "width": 30}, "resample": 3, "do_normalize": False})
    for cls in (ViTFeatureExtractor, ViTImageProcessor):
        found = cls.from_pretrained(tmp_path)
        assert (found.size, found.resample, found.do_normalize) == ({"height": 20, "width": 30}, 3, False)
    assert told() == []


def test_what_a_file_asks_for_and_we_do_not_have(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text('{"do_center_crop": true, "crop_size": 224}')
    with pytest.raises(CheckpointError, match=r"do_center_crop=True is not implemented"):
        ViTFeatureExtractor.from_pretrained(tmp_path)


def test_building_one_needs_neither_pillow_nor_numpy():
    code = "import sys; from dovela import ViTFeatureExtractor; repr(ViTFeatureExtractor(size=3, resample='box'))\n"
    code += "assert not {'numpy', 'PIL', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# Next to the peers.


@pytest.mark.peer
@pytest.mark.parametrize("photo", PHOTOS)
def test_photos_as_the_peer_makes_them_with_every_filter(photo):
    path = data_path(photo)
    color = {"do_convert_rgb": True}  # one of them is gray, which the peer takes as three channels only if told
    cases = [({"resample": number} | color, {}) for number in FILTERS.values()]
    cases += [({"size": {"height": 50, "width": 333}} | color, {"do_normalize": False})]
    cases += [(color, {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "resample": 3})]
    expected = peer4(pixel_values, path.read_bytes(), cases)
    for (made, call), theirs in zip(cases, expected, strict=True):
        ours = ViTFeatureExtractor(**made)(path, return_tensors="np", **call).pixel_values
        assert (ours.dtype, ours.shape) == (np.float32, theirs.shape)
        assert np.abs(ours - theirs).max() <= 1e-6, (made, call)


CALLS = [
    {"do_resize": False},
    {"do_rescale": False},
    {"do_normalize": False},
    {"do_rescale": False, "do_normalize": False},
    {"rescale_factor": 1 / 127.5},
    {"image_mean": 0.2, "image_std": 2.0},
    {"size": {"height": 7, "width": 9}},
    {"size": [7, 9]},
    {"size": 11, "resample": 0},
]


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
def test_what_a_call_may_change(peer):
    image = noise()
    theirs = peer(pixel_values, image, [({}, call) for call in CALLS])
    for call, expected in zip(CALLS, theirs, strict=True):
        assert np.abs(values(image, **call) - expected).max() <= 1e-6 * max(1, np.abs(expected).max()), call


@pytest.mark.peer
def test_arrays_in_either_order_as_the_peer_makes_them():
    image = noise(12, 9)
    four, one = noise(12, 9, 4), noise(12, 9, 1)
    cases = [
        (image, {}),
        (image.transpose(2, 0, 1), {}),
        (image.transpose(2, 0, 1), {"data_format": "channels_last"}),
        (image.astype(np.int64), {}),
        ([image, image], {}),
        (np.stack([image, image]), {}),
        (noise(3, 9), {"input_data_format": "channels_last"}),
        (four, {"input_data_format": "channels_last", "image_mean": 0, "image_std": 1}),
        (four.transpose(2, 0, 1), {"input_data_format": "channels_first", "image_mean": 0, "image_std": 1}),
        (one, {"image_mean": [0.5], "image_std": [0.5]}),
    ]
    for given, call in cases:
        (expected,) = peer4(pixel_values, given, [({"size": 8}, call)])
        made = ViTFeatureExtractor(size=8)(given, return_tensors="np", **call).pixel_values
        assert made.shape == expected.shape
        assert np.abs(made - expected).max() <= 1e-6


# What one image is, in whatever form it comes.


def forms():
    """The same photo in all the ways that it can be given, by name."""
    torch = pytest.importorskip("torch")
    image = picture()
    bytes_last = np.asarray(image)
    bytes_first = np.ascontiguousarray(bytes_last.transpose(2, 0, 1))
    return {
        "array (H, W, C)": bytes_last,
        "array (C, H, W)": bytes_first,
        "a view": np.repeat(bytes_last, 2, axis=1)[:, ::2],
        "reversed twice": bytes_last[::-1][::-1],
        "int32": bytes_first.astype(np.int32),
        "tensor": torch.from_numpy(bytes_first),
        "tensor int64": torch.from_numpy(bytes_first).long(),
        "batch array": bytes_last[None],
        "batch tensor": torch.from_numpy(bytes_first)[None],
        "list": [image],
        "tuple of lists": ([image],),
        "list of batches": [bytes_last[None]],
        "file": encoded(image),
        "bytearray": bytearray(encoded(image)),
        "stream": io.BytesIO(encoded(image)),
    }


@pytest.mark.parametrize("size", [8, (40, 30), (90, 120), (30, 40)], ids=str)
def test_every_form_gives_the_same_values(size):
    expected = values(picture(), size=size)
    for name, given in forms().items():
        assert np.array_equal(values(given, size=size), expected), name


def test_paths(tmp_path):
    image = picture()
    image.save(tmp_path / "a.png")
    expected = values(image)
    for path in (tmp_path / "a.png", str(tmp_path / "a.png"), [tmp_path / "a.png"]):
        assert np.array_equal(values(path), expected)
    with Path(tmp_path / "a.png").open("rb") as file:
        assert np.array_equal(values(file), expected)


def test_a_folder_of_files_larger_than_the_limit_on_open_files(tmp_path):
    resource = pytest.importorskip("resource")
    picture(4, 4).save(tmp_path / "a.png")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (64, {hard}))\n"
        "from dovela import ViTFeatureExtractor\n"
        f"ViTFeatureExtractor(size=4)([{str(tmp_path / 'a.png')!r}] * 200)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_batch_is_its_images_one_by_one():
    mixed = [picture(30, 40, 1), noise(20, 90, seed=2), encoded(picture(300, 10, 3)), picture(700, 900, 4).convert("L")]
    batch = values(mixed, size=16)
    assert batch.shape == (4, 3, 16, 16)
    for image, row in zip(mixed, batch, strict=True):
        assert np.array_equal(values(image, size=16)[0], row)
    nested = values([[mixed[0], mixed[1]], [mixed[2]], mixed[3]], size=16)
    assert np.array_equal(nested, batch)


def test_many_large_images_at_once_and_the_same_one_many_times():
    large = [picture(400, 500, seed) for seed in range(3)]
    alone = {seed: values(image)[0] for seed, image in enumerate(large)}
    order = [0, 1, 2, 0, 0, 1, 2, 2] * 3
    for _ in range(3):
        batch = values([large[i] for i in order])
        assert all(np.array_equal(batch[row], alone[i]) for row, i in enumerate(order))
    lazy = Image.open(io.BytesIO(encoded(large[0])))  # not yet decoded
    assert np.array_equal(values([lazy] * 8), np.stack([alone[0]] * 8))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_prepares_images_too():
    code = """
import os, numpy
from dovela import ViTFeatureExtractor
extractor, images = ViTFeatureExtractor(), [numpy.zeros((600, 600, 3), "uint8")] * 8
first = extractor(images, "np").pixel_values
child = os.fork()
if not child:
    os._exit(int((extractor(images, "np").pixel_values != first).any()))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_comes_in_is_not_changed():
    image, array = picture(), noise()
    floats = (array / 255).astype(np.float32)
    before = image.tobytes(), array.copy(), floats.copy()
    values([image, array, floats], do_resize=False)
    assert image.tobytes() == before[0]
    assert np.array_equal(array, before[1])
    assert np.array_equal(floats, before[2])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_0_to_1_are_not_rescaled_again(dtype):
    array = noise()
    floats = (array / 255).astype(dtype)
    exact = {np.float16: 4e-3, np.float32: 1e-6, np.float64: 1e-6}[dtype]
    assert np.abs(values(floats, do_resize=False) - values(array, do_resize=False)).max() < exact
    assert np.array_equal(values(floats, do_rescale=False), values(floats))  # said, or told by the dtype
    # Resized without rounding and clipping to bytes on the way, which Pillow does once an axis.
    for number in FILTERS.values():
        made = values(floats, resample=number, size=17)
        assert np.abs(made - values(array, resample=number, size=17)).max() < 0.04


def test_torch_floats_of_every_width():
    torch = pytest.importorskip("torch")
    image = torch.rand(3, 12, 12)
    for dtype, exact in ((torch.float16, 2e-3), (torch.bfloat16, 1e-2), (torch.float64, 1e-6)):
        assert np.abs(values(image.to(dtype), size=5) - values(image, size=5)).max() < exact
    assert np.array_equal(values(image.requires_grad_(), size=5), values(image.detach(), size=5))


def test_values_that_are_no_units_are_taken_as_they_are_without_rescaling():
    image = np.float32([[[-3.0, 100.5], [7.25, 0.0]]]).repeat(3, axis=0)
    made = values(image, do_rescale=False, do_normalize=False, do_resize=False)
    assert np.array_equal(made[0], image)


def test_bytes_that_are_normalised_without_rescaling_are_told(told):
    values(noise(), do_rescale=False, do_normalize=False)
    values(noise(), do_rescale=False, image_mean=[127.5] * 3, image_std=[127.5] * 3)
    values(noise() / 255, do_rescale=False)
    assert told() == []
    values(noise(), do_rescale=False)
    assert [line for line in told() if "do_rescale=False leaves bytes at 0 to 255" in line]


# What comes out.


@pytest.mark.parametrize("kind", ["np", "pt"])
def test_tensors(kind):
    torch = pytest.importorskip("torch")
    made = ViTFeatureExtractor(size=(5, 6))([picture(), picture()], return_tensors=kind)
    assert list(made) == ["pixel_values"] == list(ViTFeatureExtractor.model_input_names)
    assert tuple(made.pixel_values.shape) == (2, 3, 5, 6)
    assert made.pixel_values.dtype == {"np": np.float32, "pt": torch.float32}[kind]


def test_without_return_tensors_it_is_a_list():
    made = ViTFeatureExtractor(size=5)([picture(), picture()]).pixel_values
    assert [row.shape for row in made] == [(3, 5, 5)] * 2
    assert np.array_equal(made, values([picture()] * 2, size=5))
    assert ViTFeatureExtractor().preprocess(picture(), return_tensors="np").pixel_values.shape == (1, 3, 224, 224)


def test_channels_last():
    first, last = values(picture(), size=(5, 6)), values(picture(), size=(5, 6), data_format="channels_last")
    assert last.shape == (1, 5, 6, 3)
    assert last.flags.c_contiguous
    assert np.array_equal(last.transpose(0, 3, 1, 2), first)


def test_settings_can_be_assigned():
    extractor = ViTFeatureExtractor()
    extractor.size, extractor.image_mean = (5, 6), (0, 0, 0)
    assert extractor(picture(), "np").pixel_values.shape == (1, 3, 5, 6)
    assert extractor.image_mean == [0.0, 0.0, 0.0]
    with pytest.raises(InputError, match=r"ViTFeatureExtractor.size: -1 is not a size"):
        extractor.size = -1
