"""`Wav2Vec2FeatureExtractor`: its contract, and its values beside the peers'."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest

import peer_audio
from data import data_path
from dovela import BatchFeature, InputError, SequenceFeatureExtractor, Wav2Vec2FeatureExtractor
from dovela.features import FEATURE_EXTRACTORS
from peers import peer4, peer5

RATE = {"sampling_rate": 16000}


def noise(length, seed=0, scale=0.1):
    return (np.random.default_rng(seed).standard_normal(length) * scale).astype(np.float32)


def clips():
    return [noise(length, length) for length in (800, 1000, 1201)]


@pytest.fixture
def extractor():
    return Wav2Vec2FeatureExtractor()


# Printed, saved, opened.


def test_it_prints_its_arguments():
    extractor = Wav2Vec2FeatureExtractor(padding_value=1.0, do_normalize=True)
    name, _, settings = repr(extractor).partition(" ")
    assert name == "Wav2Vec2FeatureExtractor"
    assert json.loads(settings) == {
        "do_normalize": True,
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "feature_size": 1,
        "padding_side": "right",
        "padding_value": 1.0,
        "return_attention_mask": False,
        "sampling_rate": 16000,
    }
    assert settings == json.dumps(json.loads(settings), indent=2, sort_keys=True)
    assert issubclass(Wav2Vec2FeatureExtractor, SequenceFeatureExtractor)
    assert FEATURE_EXTRACTORS.get("Wav2Vec2FeatureExtractor") is Wav2Vec2FeatureExtractor


def test_it_comes_back_as_it_was_saved(tmp_path):
    made = Wav2Vec2FeatureExtractor(
        sampling_rate=8000, padding_value=0.5, return_attention_mask=True, do_normalize=False, padding_side="left"
    )
    made.save_pretrained(tmp_path)
    for again in (
        Wav2Vec2FeatureExtractor.from_pretrained(tmp_path),
        copy.deepcopy(made),
        pickle.loads(pickle.dumps(made)),
    ):
        assert again.to_dict() == made.to_dict()
        assert repr(again) == repr(made)


def test_it_reads_the_file_of_4x():
    folder = data_path("vocab/wav2vec2-base-960h")
    assert Wav2Vec2FeatureExtractor.from_pretrained(folder).to_dict() == Wav2Vec2FeatureExtractor().to_dict()


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5])
def test_the_peers_open_what_is_saved_and_the_other_way_round(peer, tmp_path):
    options = {"padding_value": 0.25, "return_attention_mask": True, "sampling_rate": 8000}
    made = Wav2Vec2FeatureExtractor(**options)
    made.save_pretrained(tmp_path / "ours")
    clip = noise(5000)
    seen = peer(peer_audio.opened, str(tmp_path / "ours"), clip)
    assert seen["class"] == "Wav2Vec2FeatureExtractor"
    assert {name: seen["settings"][name] for name in made.settings()} == made.settings()
    np.testing.assert_array_equal(seen["values"], made(clip, sampling_rate=8000, return_tensors="np").input_values)
    peer(peer_audio.saved, str(tmp_path / "theirs"), options)
    assert Wav2Vec2FeatureExtractor.from_pretrained(tmp_path / "theirs").settings() == made.settings()


@pytest.mark.peer
def test_it_reads_the_nested_file_of_5x(tmp_path):
    options = {"padding_value": 0.25, "return_attention_mask": True}
    vocabulary = str(data_path("vocab/wav2vec2-base-960h/vocab.json"))
    peer5(peer_audio.saved, str(tmp_path), options, vocabulary)
    assert not (tmp_path / "preprocessor_config.json").exists()
    again = Wav2Vec2FeatureExtractor.from_pretrained(tmp_path)
    assert again.settings() == Wav2Vec2FeatureExtractor(**options).settings()


def test_neither_torch_nor_numpy_is_needed_to_make_one():
    code = (
        "import sys, dovela; dovela.Wav2Vec2FeatureExtractor(); print({'torch', 'numpy', 'soundfile'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# Its contract.


@pytest.mark.parametrize("padding", ["longest", "max_length", "do_not_pad"])
@pytest.mark.parametrize("return_tensors", [None, "np"])
def test_every_clip_has_zero_mean_and_unit_variance(extractor, padding, return_tensors):
    length = 1600 if padding == "max_length" else None
    sound = clips() if padding != "do_not_pad" or return_tensors is None else [clips()[0]] * 2
    batch = extractor(sound, padding=padding, max_length=length, return_tensors=return_tensors, **RATE)
    width = {"longest": 1201, "max_length": 1600}.get(padding)
    for values, clip in zip(batch["input_values"], sound, strict=True):
        assert values.dtype == np.float32
        assert values.shape == (width or len(clip),)
        assert abs(values[: len(clip)].mean()) < 1e-3
        assert abs(values[: len(clip)].var() - 1) < 1e-3
        assert not values[len(clip) :].any()


def test_it_normalises_what_truncation_leaves(extractor):
    cut = extractor(clips(), truncation=True, max_length=1000, padding="max_length", return_tensors="np", **RATE)
    assert cut["input_values"].shape == (3, 1000)
    np.testing.assert_array_equal(cut["input_values"][2], extractor(clips()[2][:1000], **RATE)["input_values"][0])
    longest = extractor(clips(), truncation=True, max_length=1000, padding="longest", return_tensors="np", **RATE)
    np.testing.assert_array_equal(cut["input_values"], longest["input_values"])
    beyond = extractor(clips(), truncation=True, max_length=2000, padding="longest", return_tensors="np", **RATE)
    assert beyond["input_values"].shape == (3, 1201)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_clip_is_the_same_alone_and_in_any_batch(normalize, side):
    extractor = Wav2Vec2FeatureExtractor(padding_value=-3.5, padding_side=side, do_normalize=normalize)
    sound = [noise(length, length) for length in (1, 17, 400, 3001, 70_001, 150_000)]
    sound += [(noise(5000) * 1000).astype(np.int16), noise(900) + 50]
    batch = extractor(sound, padding=True, pad_to_multiple_of=64, return_attention_mask=True, **RATE)
    for clip, values, mask in zip(sound, batch["input_values"], batch["attention_mask"], strict=True):
        alone = extractor(clip, **RATE)["input_values"][0]
        np.testing.assert_array_equal(values[mask == 1], alone)
        assert (values[mask == 0] == -3.5).all()
        assert mask.sum() == len(clip)
        assert mask[0 if side == "right" else -1] == 1


def test_padding_and_masks_agree_whatever_is_asked(extractor):
    plain = extractor(clips(), padding=True, **RATE)
    masked = extractor(clips(), padding=True, return_attention_mask=True, **RATE)
    assert set(plain) == {"input_values"}
    assert set(masked) == {"input_values", "attention_mask"}
    np.testing.assert_array_equal(plain["input_values"], masked["input_values"])  # with a mask or without
    always = Wav2Vec2FeatureExtractor(return_attention_mask=True)
    assert set(always(clips(), padding=True, **RATE)) == {"input_values", "attention_mask"}
    assert set(always(clips(), padding=True, return_attention_mask=False, **RATE)) == {"input_values"}


@pytest.mark.parametrize("return_tensors", [None, "np", "pt"])
def test_what_comes_back(extractor, return_tensors):
    made = extractor(clips(), padding=True, return_attention_mask=True, return_tensors=return_tensors, **RATE)
    assert type(made) is BatchFeature
    values, mask = made.input_values, made["attention_mask"]
    if return_tensors is None:
        assert type(values) is type(mask) is list
        assert {type(row) for row in values} == {np.ndarray}
    elif return_tensors == "np":
        assert (type(values), values.dtype, values.shape) == (np.ndarray, np.float32, (3, 1201))
        assert (type(mask), mask.dtype, mask.shape) == (np.ndarray, np.int32, (3, 1201))
    else:
        torch = pytest.importorskip("torch")
        assert (values.dtype, tuple(values.shape)) == (torch.float32, (3, 1201))
        assert (mask.dtype, tuple(mask.shape)) == (torch.int32, (3, 1201))


def test_without_normalising_values_stay_and_pcm_is_scaled():
    extractor = Wav2Vec2FeatureExtractor(do_normalize=False)
    clip = noise(1000)
    np.testing.assert_array_equal(extractor(clip, **RATE)["input_values"][0], clip)
    for dtype, top, zero in (("int16", 2**15 - 1, 0), ("int32", 2**31 - 1, 0), ("uint8", 255, 128), ("int8", 127, 0)):
        pcm = np.array([zero, np.iinfo(dtype).min, top], dtype)
        values = extractor(pcm, **RATE)["input_values"][0]
        np.testing.assert_allclose(values, [0, -1, 1], atol=1e-2)
        assert values.max() <= 1


def test_the_rate_is_asked_for_once(extractor, told):
    extractor(clips()[0])
    extractor(clips()[1])
    assert len(told()) == 1
    assert "sampling_rate was not given, so the sound is taken to have 16000 Hz" in told()[0]


def test_the_rate_may_come_with_the_sound(extractor, told):
    extractor({"array": clips()[0], "sampling_rate": 16000})
    assert not told()


# Beside the peers.


def recordings():
    soundfile = pytest.importorskip("soundfile")
    folder = data_path("audio")
    found = sorted([*folder.rglob("*.wav"), *folder.rglob("*.flac")])
    sounds = {path.name: soundfile.read(path, dtype="float32", always_2d=True)[0].mean(1) for path in found}
    assert len(sounds) > 15
    return sounds


@pytest.mark.peer
def test_every_recording_is_as_the_peer_has_it(extractor):
    sounds = recordings()
    for scale in (np.float32, np.float64, np.int16):
        inputs = [(s * 32767 if scale is np.int16 else s).astype(scale) for s in sounds.values()]
        theirs = peer4(peer_audio.extracted, {}, [(sound, RATE) for sound in inputs])
        ours = extractor(inputs, **RATE)["input_values"]
        for name, mine, their in zip(sounds, ours, theirs, strict=True):
            assert abs(mine - their["input_values"][0]).max() <= 1e-6, name
            if scale is np.float32:
                np.testing.assert_array_equal(mine, their["input_values"][0])


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5])
@pytest.mark.parametrize("normalize", [True, False])
def test_calls_are_as_the_peers_answer_them(peer, normalize):
    options = {"do_normalize": normalize, "padding_value": 0.5}
    extractor = Wav2Vec2FeatureExtractor(**options)
    sound = clips()
    mask = {"return_attention_mask": True}  # without one the peers normalise over the padding
    calls = [
        (sound, {}),
        (sound, mask),
        ([clip.tolist() for clip in sound], {}),
        (sound[0].tolist(), {}),
        (np.stack([sound[0], sound[0]]), {"return_tensors": "np"}),
        (tuple(sound), {"padding": True, **mask}),
        (sound, {"padding": "longest", "return_tensors": "np", **mask}),
        (sound, {"padding": "longest", "return_tensors": "pt", **mask}),
        (sound, {"padding": "longest", "pad_to_multiple_of": 256, **mask}),
        (sound, {"padding": "max_length", "max_length": 1500, **mask}),
        (sound, {"padding": "max_length", "max_length": 900, **mask}),
        (sound, {"padding": "max_length", "max_length": 900, "truncation": True, **mask}),
        (sound, {"padding": "max_length", "max_length": 900, "truncation": True, "pad_to_multiple_of": 128, **mask}),
        (sound, {"truncation": True, "max_length": 900}),
        (sound, {"padding": True, "truncation": True, "max_length": 900, **mask}),
    ]
    calls = [(given, {**RATE, **kwargs}) for given, kwargs in calls]
    for (given, kwargs), theirs in zip(calls, peer(peer_audio.extracted, options, calls), strict=True):
        ours = extractor(given, **kwargs)
        if theirs == "ValueError":  # rows above max_length: the peers fail to normalise them beside a mask
            assert normalize
            assert kwargs["max_length"] == 900
            assert not kwargs.get("truncation")
            continue
        assert set(ours) == set(theirs)
        for name in ours:
            assert len(ours[name]) == len(theirs[name])
            for mine, their in zip(ours[name], theirs[name], strict=True):
                mine = np.asarray(mine)
                assert mine.dtype == their.dtype
                np.testing.assert_array_equal(mine, their)


@pytest.mark.peer
def test_where_the_peer_normalises_over_padding_we_do_not():
    sound = [noise(400), noise(4000) + np.float32(0.3)]
    wrong = peer4(peer_audio.extracted, {}, [(sound, {"padding": True, "return_tensors": "np", **RATE})])[0]
    alone = peer4(peer_audio.extracted, {}, [(clip, RATE) for clip in sound])
    ours = Wav2Vec2FeatureExtractor()(sound, padding=True, return_tensors="np", **RATE)["input_values"]
    for i, clip in enumerate(sound):
        np.testing.assert_array_equal(ours[i, : len(clip)], alone[i]["input_values"][0])
    assert not ours[0, 400:].any()
    assert abs(wrong["input_values"] - ours).max() > 0.1


def test_its_own_arguments_are_checked():
    for options, message in [
        ({"do_normalise": True}, "unknown argument 'do_normalise'; did you mean 'do_normalize'"),
        ({"feature_size": 2}, r"feature_size: 2 is not one of 1"),
        ({"sampling_rate": 0}, r"sampling_rate: 0 is not a number of at least 1"),
        ({"sampling_rate": "16000"}, r"sampling_rate: '16000' is not an integer"),
        ({"padding_value": None}, r"padding_value: None is not a finite number"),
        ({"padding_value": float("nan")}, r"padding_value: nan is not a finite number"),
        ({"padding_side": "top"}, r"padding_side: 'top' is not one of 'left', 'right'"),
        ({"do_normalize": 1}, r"do_normalize: 1 is not true or false"),
        ({"return_attention_mask": None}, r"return_attention_mask: None is not true or false"),
    ]:
        with pytest.raises(InputError, match=message):
            Wav2Vec2FeatureExtractor(**options)
    extractor = Wav2Vec2FeatureExtractor()
    with pytest.raises(InputError, match="padding_value: 'x' is not a finite number"):
        extractor.padding_value = "x"
