"""Names of filters and sizes."""

import pytest
from PIL import Image

from dovela.errors import InputError
from dovela.vision.filters import FILTERS, filter_number, require
from dovela.vision.sizes import height_and_width


def test_the_numbers_are_pillows():
    assert {f.name.lower(): f.value for f in Image.Resampling}.items() <= FILTERS.items()


def test_a_filter_that_this_pillow_lacks(monkeypatch):
    monkeypatch.setattr(Image, "Resampling", [Image.Resampling.BOX])
    require("here", 4)
    with pytest.raises(InputError, match=r"here.resample: Pillow [\d.]+ has no filter 'hamming'. Install a newer one"):
        require("here", 5)


IN_PILLOW = {f.value: f for f in Image.Resampling}


@pytest.mark.parametrize("name", FILTERS)
def test_every_spelling_of_a_filter(name):
    number, upper = FILTERS[name], name.upper()
    spellings = [number, IN_PILLOW.get(number, number), name, upper, f"PIL.Image.{upper}", f"Image.{upper}"]
    spellings += [f"PIL.Image.Resampling.{upper}", f"Resampling.{upper}", f"PILImageResampling.{upper}"]
    assert [filter_number("here", spelling) for spelling in spellings] == [number] * len(spellings)


def test_former_names_of_filters():
    assert [filter_number("here", n) for n in ("LINEAR", "cubic", "PIL.Image.ANTIALIAS")] == [2, 3, 1]


@pytest.mark.parametrize("wrong", ["gauss", "", 8, -1, 2.0, True, None, [2], "2"])
def test_no_filter(wrong):
    with pytest.raises(InputError, match=r"^here.resample: .* is not one of Pillow's filters \(nearest 0, lanczos 1"):
        filter_number("here", wrong)


def test_a_misspelt_filter_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'lanczos'"):
        filter_number("here", "PIL.Image.LANCZOZ")


@pytest.mark.parametrize(
    ("size", "pair"),
    [(5, (5, 5)), ((3, 4), (3, 4)), ([3, 4], (3, 4)), ({"height": 3, "width": 4}, (3, 4)), (65_535, (65_535, 65_535))],
)
def test_sizes(size, pair):
    assert height_and_width("here", size) == pair


@pytest.mark.parametrize(
    "wrong",
    [0, -3, 2.5, True, "224", None, (3,), (3, 4, 5), (3, 0), 65_536, {}, {"height": 3}, {"width": 3, "height": "4"}],
    ids=str,
)
def test_no_size(wrong):
    with pytest.raises(InputError, match=r"^here: .* is not a size: an integer, \(height, width\) or {'height'"):
        height_and_width("here", wrong)


@pytest.mark.parametrize("edge", ["shortest_edge", "longest_edge"])
def test_one_edge_is_no_size(edge):
    with pytest.raises(InputError, match="one edge alone leaves images of different shapes"):
        height_and_width("here", {edge: 3})
