"""`SequenceFeatureExtractor.pad`: every option, beside the peers, and the errors it raises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import peer_audio
from dovela import BatchFeature, InputError, SequenceFeatureExtractor
from peers import peer4, peer5


class Bare(SequenceFeatureExtractor, register=False):
    """No more than the base."""


OPTIONS = {"feature_size": 1, "sampling_rate": 16000, "padding_value": -2.5}
LENGTHS = (30, 47, 64)


def rows(size=1, dtype=np.float32):
    draw = np.random.default_rng(0)
    made = [draw.standard_normal((length, size)).astype(dtype) for length in LENGTHS]
    return made if size > 1 else [row[:, 0] for row in made]


def bare(**options):
    return Bare(**{**OPTIONS, "return_attention_mask": False, **options})


def equal(ours, theirs):
    assert set(ours) == set(theirs)
    for name in ours:
        assert len(ours[name]) == len(theirs[name])
        for mine, their in zip(ours[name], theirs[name], strict=True):
            np.testing.assert_array_equal(np.asarray(mine), their)
            assert np.asarray(mine).dtype == their.dtype


CALLS = [
    {},
    {"padding": False},
    {"padding": True},
    {"padding": "longest", "return_tensors": "np"},
    {"padding": "max_length", "max_length": 64},
    {"padding": "max_length", "max_length": 80, "return_tensors": "np"},
    {"padding": "max_length", "max_length": 40},
    {"pad_to_multiple_of": 10},
    {"padding": "longest", "pad_to_multiple_of": 16, "return_tensors": "np"},
    {"padding": "max_length", "max_length": 70, "pad_to_multiple_of": 16},
    {"padding": "max_length", "max_length": 30, "truncation": True, "return_tensors": "np"},
    {"padding": "max_length", "max_length": 47, "truncation": True},
    {"padding": True, "max_length": 40, "truncation": True},
    {"padding": False, "max_length": 40, "truncation": True},
    {"padding": "max_length", "max_length": 31, "truncation": True, "pad_to_multiple_of": 12},
    {"padding": "max_length", "max_length": 31, "pad_to_multiple_of": 12},
]


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5])
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("masked", [True, False])
def test_it_pads_as_the_peers_do(peer, size, side, masked):
    options = {**OPTIONS, "feature_size": size, "padding_side": side, "return_attention_mask": masked}
    given = {"input_values": rows(size)}
    theirs = peer(peer_audio.padded, options, [(given, call) for call in CALLS])
    for call, expected in zip(CALLS, theirs, strict=True):
        equal(Bare(**options).pad(given, **call), expected)


@pytest.mark.peer
def test_every_form_of_a_batch_is_padded_alike():
    forms = [
        {"input_values": rows()},
        {"input_values": [row.tolist() for row in rows()]},
        {"input_values": tuple(rows(dtype=np.float64))},
        BatchFeature({"input_values": rows()}),
        [{"input_values": row} for row in rows()],
        [BatchFeature({"input_values": row}) for row in rows()],
    ]
    expected = peer4(peer_audio.padded, OPTIONS, [({"input_values": rows()}, {"return_tensors": "np"})])[0]
    for form in forms:
        made = Bare(**OPTIONS).pad(form, return_tensors="np")
        assert type(made) is BatchFeature
        equal(made, expected)
        assert made.input_values.dtype == np.float32
        assert made.attention_mask.dtype == np.int32


def test_torch_comes_back_as_torch():
    torch = pytest.importorskip("torch")
    expected = bare().pad({"input_values": rows()})["input_values"]
    given = {"input_values": [torch.from_numpy(row) for row in rows()]}
    made = bare().pad(given, return_attention_mask=True)
    assert isinstance(made["input_values"], torch.Tensor)
    assert isinstance(made["attention_mask"], torch.Tensor)
    assert torch.equal(made["input_values"], torch.from_numpy(expected))
    assert all(isinstance(row, torch.Tensor) for row in bare().pad(given, padding=False)["input_values"])
    assert isinstance(bare().pad(given, return_tensors="np")["input_values"], np.ndarray)
    assert isinstance(bare().pad({"input_values": rows()}, return_tensors="pt")["input_values"], torch.Tensor)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=5),
    st.sampled_from([True, False, "longest", "max_length", "do_not_pad"]),
    st.one_of(st.none(), st.integers(1, 60)),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 20)),
    st.sampled_from(["left", "right"]),
)
def test_what_holds_for_all_lengths(lengths, padding, max_length, truncation, multiple, side):
    options = {"padding": padding, "max_length": max_length, "truncation": truncation, "pad_to_multiple_of": multiple}
    given_rows = [np.arange(1, length + 1, dtype=np.float32) for length in lengths]
    extractor = bare(padding_side=side, return_attention_mask=True, padding_value=0)
    try:
        made = extractor.pad({"input_values": given_rows}, **options)
    except InputError:
        assert max_length is None or multiple is not None or not truncation
        return
    cut = -(-max_length // (multiple or 1)) * (multiple or 1) if truncation else 10**9
    for row, values, mask in zip(given_rows, made["input_values"], made["attention_mask"], strict=True):
        kept = values[mask == 1]
        np.testing.assert_array_equal(kept, row[:cut])  # what stays is the row's beginning, on either side
        assert not values[mask == 0].any()
        assert len(values) == len(mask)
        outer = values[: len(kept)] if side == "right" else values[len(values) - len(kept) :]
        np.testing.assert_array_equal(outer, kept)
        if padding in (False, "do_not_pad"):
            assert len(values) == len(kept)
        elif multiple and not (padding == "max_length" and not truncation):
            assert len(values) % multiple == 0


def test_a_mask_that_came_along_is_cut_and_padded():
    masks = [np.arange(length) % 2 for length in LENGTHS]
    given = {"input_values": rows(), "attention_mask": masks}
    made = bare().pad(given, padding=True, truncation=True, max_length=40, return_tensors="np")
    assert made["attention_mask"].shape == (3, 40)
    np.testing.assert_array_equal(made["attention_mask"][0], [*masks[0], *[0] * 10])
    np.testing.assert_array_equal(made["attention_mask"][1], masks[1][:40])
    assert "attention_mask" not in bare().pad(given, return_attention_mask=False)
    assert len(given["attention_mask"][0]) == 30  # what was given stays as it was


@pytest.mark.parametrize("kind", ["np", "pt"])
def test_double_precision_becomes_single(kind):
    if kind == "pt":
        pytest.importorskip("torch")
    sound = np.random.default_rng(0).random(100)
    for row in (sound, sound.tolist()):
        made = bare().pad([{"input_values": row}], return_tensors=kind)["input_values"]
        assert str(made.dtype).removeprefix("torch.") == "float32"
        assert tuple(made.shape) == (1, 100)


def test_other_columns_are_passed_on():
    made = bare().pad([{"input_values": row, "label": i} for i, row in enumerate(rows())], return_tensors="np")
    np.testing.assert_array_equal(made["label"], [0, 1, 2])
    with pytest.raises(InputError, match=r"BatchFeature\['labels'\]: rows of shapes \(1,\) to \(2,\) make no tensor"):
        bare().pad(
            [{"input_values": row, "labels": [1] * (1 + (i > 0))} for i, row in enumerate(rows())], return_tensors="np"
        )


def test_integers_stay_integers_where_the_padding_is_one():
    given = {"input_values": [[1, 2, 3], [4]]}
    assert bare(padding_value=-7).pad(given)["input_values"].tolist() == [[1, 2, 3], [4, -7, -7]]
    assert bare(padding_value=0.5).pad(given)["input_values"].tolist() == [[1, 2, 3], [4, 0.5, 0.5]]


class Loudness(SequenceFeatureExtractor, register=False):
    """A person's own: the loudness of every 10 ms."""

    model_input_names = ("input_features", "attention_mask")

    def __init__(self, feature_size: int = 1, sampling_rate: int = 8000, padding_value: float = 0.0, **options):
        super().__init__(feature_size, sampling_rate, padding_value, **options)

    def __call__(self, sound, sampling_rate=None, **options):
        clips = self.read(sound, sampling_rate)
        frames = [np.abs(clip[: len(clip) // 80 * 80]).reshape(-1, 80).mean(1) for clip in clips]
        return self.pad({"input_features": frames}, **options)


def test_an_extractor_of_ones_own(tmp_path):
    extractor = Loudness(padding_side="left")
    made = extractor([np.ones(800), np.full(400, 16384, np.int16)], 8000, return_tensors="np")
    np.testing.assert_array_equal(made["input_features"], [[1] * 10, [0] * 5 + [0.5] * 5])
    np.testing.assert_array_equal(made["attention_mask"], [[1] * 10, [0] * 5 + [1] * 5])
    with pytest.raises(InputError, match=r"Loudness\(\): expected sound of 8000 Hz, got 16000 Hz"):
        extractor(np.ones(800), 16000)
    with pytest.raises(
        InputError, match=r"Loudness\(\), clip 1: 1 of 3 samples are not finite, the first \(nan\) at 2"
    ):
        extractor([np.ones(800), [1, 2, np.nan]], 8000)
    with pytest.raises(InputError, match="unknown argument 'paddingside'; did you mean 'padding_side'"):
        Loudness(paddingside="left")
    extractor.save_pretrained(tmp_path)
    assert Loudness.from_pretrained(tmp_path).settings() == extractor.settings()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"padding": "longst"},
            r"pad: padding='longst' is not one of True, False, 'longest', .*did you mean 'longest'",
        ),
        ({"padding": None}, r"padding=None is not one of"),
        ({"padding": 1}, r"padding=1 is not one of"),
        ({"padding": "max_length"}, r"padding='max_length' needs a length\. Give max_length"),
        ({"truncation": True}, r"truncation=True needs a length\. Give max_length"),
        ({"truncation": True, "padding": "max_length"}, r"truncation=True needs a length"),
        ({"truncation": "longest_first"}, r"truncation must be True or False, got 'longest_first'"),
        ({"truncation": True, "max_length": 0}, r"max_length must be a positive integer, got 0"),
        ({"truncation": True, "max_length": -3}, r"max_length must be a positive integer, got -3"),
        ({"truncation": True, "max_length": 1.5}, r"max_length must be a positive integer, got 1.5"),
        ({"truncation": True, "max_length": True}, r"max_length must be a positive integer, got True"),
        ({"pad_to_multiple_of": 0}, r"pad_to_multiple_of must be a positive integer, got 0"),
        ({"max_length": 9}, r"max_length=9 has no effect with padding=True and truncation=False\. Ask for truncation"),
        ({"padding": False, "pad_to_multiple_of": 8}, r"pad_to_multiple_of=8 has no effect without padding\. Ask"),
        ({"return_tensors": "numpy"}, r"return_tensors='numpy' is not known.*Choose from 'np', 'pt', 'jax', 'tf'"),
        ({"pading": True}, r"Bare\.pad: unknown argument 'pading'; did you mean 'padding'"),
        ({"return_attention_mask": "yes"}, r"return_attention_mask must be True or False, got 'yes'"),
        (
            {"padding": False, "return_tensors": "np"},
            r"BatchFeature\['input_values'\]: rows of shapes \(30,\) to \(64,\) make no tensor.*padding=True",
        ),
        (
            {"padding": "max_length", "max_length": 40, "return_tensors": "np"},
            r"rows of shapes \(40,\) to \(64,\) make no tensor",
        ),
    ],
)
def test_arguments_that_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        bare().pad({"input_values": rows()}, **options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], r"Bare\.pad: there are no rows in an empty list"),
        ({"input_values": []}, r"there are no rows in 'input_values'"),
        ("sound", r"expected a dictionary of rows or a list of dictionaries, got str"),
        ([[1.0, 2.0]], r"expected a dictionary of rows or a list of dictionaries, got list"),
        (
            {"input_value": [[1.0]]},
            r"there is no column 'input_values'; did you mean 'input_value'\? There are 'input_value'",
        ),
        ([{"input_values": [1.0]}, {"labels": [1]}], r"every row needs the same columns, got"),
        ({"input_values": [[1.0], [2.0]], "labels": [1]}, r"input_values has 2 rows, but \{'labels': 1\}"),
        ({"input_values": [1.0, 2.0]}, r"row 0 of 'input_values': expected a row of values, got one.*\[row\]"),
        ({"input_values": [[1.0], []]}, r"row 1 of 'input_values': is empty"),
        (
            {"input_values": [np.ones((1, 9)), np.ones((1, 8))]},
            r"expected the shape \(t,\), got \(1, 9\)\. A call returns a batch: give its rows, batch\['input_values'\]",
        ),
        ({"input_values": [["a"]]}, r"row 0: holds str \('a'\), of which there are no tensors"),
        (
            {"input_values": [[1.0, 2.0]], "attention_mask": [[1]]},
            r"row 0 of 'attention_mask': expected 2 integers, one a step, got int64 of shape \(1,\)",
        ),
    ],
)
def test_rows_that_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        bare().pad(given)


def test_rows_of_several_sizes_are_refused():
    with pytest.raises(InputError, match=r"row 1 of 'input_values': has values of shape \(3,\), but row 0 of \(2,\)"):
        bare(feature_size=2).pad({"input_values": [np.ones((4, 2)), np.ones((4, 3))]})
    with pytest.raises(InputError, match=r"expected the shape \(t,\) or \(t, F\), got \(4, 2, 1\)"):
        bare(feature_size=2).pad({"input_values": [np.ones((4, 2, 1))]})
