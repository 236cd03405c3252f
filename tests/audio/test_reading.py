"""What people hand in as sound: every form gives the same clip."""

from __future__ import annotations

import array
import io
from pathlib import Path

import numpy as np
import pytest

from data import data_path
from dovela import InputError, Wav2Vec2FeatureExtractor

soundfile = pytest.importorskip("soundfile")
RATE = {"sampling_rate": 16000}


def clip(length=4000, seed=0):
    return (np.random.default_rng(seed).standard_normal(length) * 0.1).astype(np.float32)


@pytest.fixture
def extractor():
    return Wav2Vec2FeatureExtractor(do_normalize=False)


def written(sound, format="WAV", subtype="FLOAT", rate=16000):
    stream = io.BytesIO()
    soundfile.write(stream, sound, rate, format=format, subtype=subtype)
    return stream.getvalue()


class Decoder:
    """As `datasets` 4 gives sound: what is decoded on request is (channels, n)."""

    def __init__(self, data, rate=16000):
        self.data, self.sample_rate = data, rate

    def get_all_samples(self):
        return self


class Stream:
    """A stream that can only be read, as a connection is."""

    def __init__(self, content):
        self.content = content

    def read(self):
        return self.content


FORMS = {
    "float32": lambda sound: sound,
    "float64": lambda sound: sound.astype(np.float64),
    "big-endian": lambda sound: sound.astype(">f4"),
    "every other sample": lambda sound: np.repeat(sound, 2)[::2],
    "read-only": lambda sound: np.frombuffer(sound.tobytes(), np.float32),
    "a list": lambda sound: sound.tolist(),
    "a tuple": lambda sound: tuple(sound.tolist()),
    "a list of numpy's numbers": lambda sound: list(sound),
    "an array of Python's": lambda sound: array.array("f", sound.tolist()),
    "a batch of one": lambda sound: sound[None],
    "a list of one": lambda sound: [sound],
    "an entry of datasets": lambda sound: {"path": None, "array": sound, "sampling_rate": 16000},
    "one with bytes": lambda sound: {"bytes": written(sound), "path": "gone.wav"},
    "a decoder": lambda sound: Decoder(sound[None]),
    "bytes": written,
    "a bytearray": lambda sound: bytearray(written(sound)),
    "a stream": lambda sound: io.BytesIO(written(sound)),
    "a connection": lambda sound: Stream(written(sound)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_read_alike(extractor, form):
    given = FORMS[form](clip())
    values = extractor(given, return_tensors="np", **RATE)["input_values"]
    np.testing.assert_array_equal(values, clip()[None])


@pytest.mark.parametrize("form", ["float32", "a list", "an entry of datasets", "bytes", "a stream"])
def test_every_form_makes_a_batch(extractor, form):
    sounds = [clip(100, 1), clip(200, 2)]
    values = extractor([FORMS[form](sound) for sound in sounds], **RATE)["input_values"]
    for mine, sound in zip(values, sounds, strict=True):
        np.testing.assert_array_equal(mine, sound)


def test_torch_tensors(extractor):
    torch = pytest.importorskip("torch")
    sound = torch.from_numpy(clip())
    for given in (sound, [sound], sound[None], sound.clone().requires_grad_()):
        np.testing.assert_array_equal(extractor(given, **RATE)["input_values"][0], clip())
    for dtype in (torch.float16, torch.bfloat16):
        values = extractor(sound.to(dtype), **RATE)["input_values"][0]
        np.testing.assert_array_equal(values, sound.to(dtype).float().numpy())


def test_half_precision(extractor):
    values = extractor(clip().astype(np.float16), **RATE)["input_values"][0]
    np.testing.assert_array_equal(values, clip().astype(np.float16).astype(np.float32))


def test_two_rows_are_a_batch_and_not_stereo(extractor):
    sound = np.stack([clip(500, 1), clip(500, 2)])
    np.testing.assert_array_equal(extractor(sound, return_tensors="np", **RATE)["input_values"], sound)


def test_what_was_given_stays_as_it_was():
    for sound in (clip(), (clip() * 1000).astype(np.int16)):
        before = sound.copy()
        Wav2Vec2FeatureExtractor(padding_value=3)([sound, clip(9000)], padding=True, **RATE)
        np.testing.assert_array_equal(sound, before)


# Files.


@pytest.mark.parametrize(
    ("format", "subtype", "error"),
    [
        ("WAV", "PCM_16", 4e-5),
        ("WAV", "PCM_24", 2e-7),
        ("WAV", "PCM_U8", 1e-2),
        ("WAV", "DOUBLE", 0),
        ("FLAC", "PCM_16", 4e-5),
        ("OGG", "VORBIS", 0.2),
        ("MP3", "MPEG_LAYER_III", 0.2),
        ("AIFF", "PCM_16", 4e-5),
    ],
)
def test_formats(extractor, tmp_path, format, subtype, error):
    if format not in soundfile.available_formats():
        pytest.skip(f"this libsndfile has no {format}")
    sound = (np.sin(np.arange(16000) * 0.1) * 0.5).astype(np.float32)
    path = tmp_path / f"sound.{format.lower()}"
    path.write_bytes(written(sound, format, subtype))
    with path.open("rb") as stream:
        for given in (path, str(path), path.read_bytes(), stream):
            values = extractor(given)["input_values"][0]
            assert values.shape == sound.shape
            assert abs(values - sound)[500:-500].max() <= error


def test_a_recording_is_read_as_wav_and_as_flac():
    extractor = Wav2Vec2FeatureExtractor()
    folder = data_path("audio/librispeech")
    wav, flac = (extractor(folder / f"1272-141231-0002.{kind}")["input_values"][0] for kind in ("wav", "flac"))
    np.testing.assert_allclose(wav, flac, atol=5e-3)  # made apart, by two programs, from one recording


def test_a_users_folder_is_found(extractor, tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_bytes(written(clip()))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(extractor("~/a.wav")["input_values"][0]) == 4000
    monkeypatch.chdir(tmp_path)
    assert len(extractor(Path("a.wav"))["input_values"][0]) == 4000


# Other rates and channels, on request.


def test_it_resamples_on_request(extractor):
    soxr = pytest.importorskip("soxr")
    sound = clip(8000)
    for rate in (8000, 22050, 44100, 48000):
        values = extractor(sound, sampling_rate=rate, resample=True)["input_values"][0]
        assert values.dtype == np.float32
        assert len(values) == round(8000 * 16000 / rate)
        np.testing.assert_array_equal(values, soxr.resample(sound, rate, 16000))
    np.testing.assert_array_equal(extractor(sound, resample=True, **RATE)["input_values"][0], sound)


def test_a_tone_stays_a_tone():
    pytest.importorskip("soxr")
    extractor = Wav2Vec2FeatureExtractor()
    tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000) * np.sqrt(2)
    for sound in (tone, (tone * 30000).astype(np.int16), written(tone.astype(np.float32), rate=44100)):
        rate = {} if isinstance(sound, bytes) else {"sampling_rate": 44100}
        values = extractor(sound, resample=True, **rate)["input_values"][0]
        np.testing.assert_allclose(values[200:-200], expected[200:-200], atol=2e-3)


def test_unsigned_bytes_are_centred_before_they_are_resampled():
    pytest.importorskip("soxr")
    tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    tone[:800] = tone[-800:] = 0  # silence, which is 128 in bytes
    values = Wav2Vec2FeatureExtractor()((tone * 100 + 128).astype(np.uint8), sampling_rate=8000, resample=True)
    assert abs(values["input_values"][0][:800]).max() < 0.05


def test_channels_are_averaged_on_request(extractor):
    stereo = np.stack([clip(seed=1), clip(seed=2)], axis=1)
    expected = stereo.mean(1)
    forms = (stereo, [stereo.T], {"array": stereo, "sampling_rate": 16000}, written(stereo), Decoder(stereo.T))
    for sound in forms:
        np.testing.assert_allclose(extractor(sound, mono=True, **RATE)["input_values"][0], expected, atol=1e-8)
    pcm = np.array([[100, 300], [-(2**15), -(2**15)]] * 3, np.int16)
    np.testing.assert_array_equal(extractor(pcm, mono=True, **RATE)["input_values"][0][:2], [200 / 2**15, -1])


def test_a_recording_of_another_rate_and_two_channels():
    pytest.importorskip("soxr")
    extractor, path = Wav2Vec2FeatureExtractor(), data_path("audio/jfk.flac")
    values = extractor(path, resample=True, mono=True)["input_values"][0]
    assert values.shape == (11 * 16000,)
    with pytest.raises(InputError, match=r"sound of 2 channels.*Average them with mono=True, or read it yourself"):
        extractor(path, resample=True)
    with pytest.raises(InputError, match=r"expected sound of 16000 Hz, got 44100 Hz\. Call with resample=True"):
        extractor(path, mono=True)
