"""What is no sound is an error of ours, at once, that says what to do."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest

from dovela import InputError, Wav2Vec2FeatureExtractor

CLIP = (np.random.default_rng(0).standard_normal(1000) * 0.1).astype(np.float32)
RATE = {"sampling_rate": 16000}


@pytest.fixture(params=[True, False], ids=["normalised", "as it is"])
def extractor(request):
    return Wav2Vec2FeatureExtractor(do_normalize=request.param)


def changed(at, value):
    clip = CLIP.copy()
    clip[at] = value
    return clip


@pytest.mark.parametrize(
    ("sound", "message"),
    [
        (None, r"Extractor\(\): NoneType None is no sound\. Give an array \(n,\), a list of arrays, or the path"),
        (3, r"one number \(3\) is no sound\. Give an array \(n,\), and its rate as sampling_rate"),
        (np.float32(0.5), r"one number \(0.5\) is no sound"),
        (
            (CLIP, 16000),
            r"clip 1: one number \(16000\) is no sound\. Give an array \(n,\), and its rate as sampling_rate",
        ),
        (object, r"type <class 'object'> is no sound"),
        (iter([CLIP]), r"list_iterator .* is no sound"),
        ([], r"there is no sound in an empty list"),
        (np.zeros(0), r"Extractor\(\): is empty"),
        (np.zeros((0, 5)), r"there is no sound in shape \(0, 5\)"),
        (np.zeros((5, 0)), r"is empty|sound of"),
        ([CLIP, []], r"clip 1: is empty\. Leave out clips of no samples"),
        ([CLIP, None], r"clip 1: NoneType None is no sound"),
        ([[0.1, [0.2, 0.3]]], r"a list of unequal parts is no sound"),
        ([[0.1, None]], r"an array of object is no sound"),
        (["a", "b"], r"clip 0: there is no file 'a' \(looked in "),
        ([[0.1, "b"]], r"is no sound"),
        (CLIP > 0, r"truth values are no sound"),
        ([True, False], r"truth values are no sound"),
        (CLIP.astype(complex), r"complex128 is a spectrum, not sound\. Give the samples themselves"),
        (CLIP.astype("datetime64[s]"), r"an array of datetime64\[s\] is no sound"),
        (CLIP.reshape(10, 10, 10), r"shape \(10, 10, 10\) is no clip\. Give an array \(n,\)"),
        ([CLIP.reshape(10, 10, 10)], r"shape \(10, 10, 10\) is no clip"),
        (CLIP.reshape(500, 2), r"shape \(500, 2\) is sound of 2 channels, .* mono=True, or pick one: sound\[:, 0\]"),
        ([CLIP, CLIP.reshape(2, 500)], r"clip 1: shape \(2, 500\) is sound of 2 channels.*pick one: sound\[0\]"),
        (
            CLIP.reshape(1000, 1),
            r"shape \(1000, 1\) has an axis for channels\. Give one clip as \(n,\): sound\.ravel\(\)",
        ),
        ([CLIP.reshape(1, 1000)], r"shape \(1, 1000\) has an axis for channels"),
        (changed(7, np.nan), r"Extractor\(\): 1 of 1000 samples are not finite, the first \(nan\) at 7\. Look at how"),
        ([CLIP, changed(slice(3, 5), -np.inf)], r"clip 1: 2 of 1000 samples are not finite, the first \(-inf\) at 3"),
        (CLIP.astype(np.float64) * 1e300, r"1000 of 1000 samples are not finite"),
        ({}, r"expected the keys 'array' and 'sampling_rate' \(or 'path', or 'bytes'\), got \[\]"),
        ({"raw": CLIP}, r"expected the keys 'array' .*, got \['raw'\]"),
        ({"array": CLIP, "sampling_rate": 8000}, r"sampling_rate=16000 was given, but it says itself 8000 Hz"),
        ({"array": CLIP, "sampling_rate": "fast"}, r"sampling_rate must be a positive integer, in Hz, got 'fast'"),
    ],
)
def test_what_is_no_sound(extractor, sound, message):
    with pytest.raises(InputError, match=message):
        extractor(sound, **RATE)


def test_a_tensor_that_no_array_can_hold(extractor):
    torch = pytest.importorskip("torch")
    with pytest.raises(
        InputError, match=r"clip 1: a tensor \(torch.float32, .* on 'meta'\) cannot be read as an array"
    ):
        extractor([CLIP, torch.empty(9, device="meta")], **RATE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"samplingrate": 16000},
            r"unknown argument 'samplingrate'; did you mean 'sampling_rate'\? Known: max_length,",
        ),
        ({"sampling_rate": 8000}, r"expected sound of 16000 Hz, got 8000 Hz\. Call with resample=True to convert it"),
        ({"sampling_rate": 0}, r"sampling_rate must be a positive integer, in Hz, got 0"),
        ({"sampling_rate": "16000"}, r"sampling_rate must be a positive integer, in Hz, got '16000'"),
        ({"sampling_rate": 16000.5}, r"sampling_rate must be a positive integer, in Hz, got 16000.5"),
        ({"sampling_rate": True}, r"sampling_rate must be a positive integer, in Hz, got True"),
        ({"sampling_rate": float("nan")}, r"sampling_rate must be a positive integer, in Hz, got nan"),
        ({"resample": True}, r"resample=True needs to know from which rate\. Give sampling_rate"),
        ({"resample": 8000}, r"resample must be True or False, got 8000"),
        ({"mono": "mean"}, r"mono must be True or False, got 'mean'"),
        ({"padding": "longst"}, r"Extractor\(\): padding='longst' is not one of"),
        ({"truncation": True, "max_length": 0}, r"max_length must be a positive integer, got 0"),
        ({"return_tensors": "torch"}, r"return_tensors='torch' is not known"),
        ({"return_attention_mask": 1}, r"return_attention_mask must be True or False, got 1"),
    ],
)
def test_arguments_of_a_call(extractor, options, message):
    with pytest.raises(InputError, match=message):
        extractor(CLIP, **options)


def test_integers_whose_scale_is_not_known():
    sound = np.arange(100)
    with pytest.raises(InputError, match=r"integers of type int64 are no PCM.*Give uint8, int8, int16 or int32, or"):
        Wav2Vec2FeatureExtractor(do_normalize=False)(sound, **RATE)
    Wav2Vec2FeatureExtractor()(sound, **RATE)  # normalised, the scale is gone


def test_rates_of_any_type_that_is_a_whole_number(extractor):
    for rate in (16000, 16000.0, np.int64(16000), np.float32(16000)):
        assert len(extractor(CLIP, sampling_rate=rate)["input_values"][0]) == 1000


def test_ragged_batches_make_no_tensor(extractor):
    with pytest.raises(
        InputError, match=r"BatchFeature\['input_values'\]: rows of shapes \(9,\) to \(1000,\).*padding=True"
    ):
        extractor([CLIP, CLIP[:9]], return_tensors="np", **RATE)


def test_what_is_not_finite_is_found_before_resampling_spreads_it(extractor):
    with pytest.raises(InputError, match=r"1 of 1000 samples are not finite, the first \(nan\) at 7"):
        extractor(changed(7, np.nan), sampling_rate=8000, resample=True)


def test_too_short_to_resample(extractor):
    pytest.importorskip("soxr")
    with pytest.raises(InputError, match="is too short to resample from 48000 to 16000 Hz"):
        extractor(CLIP[:1], sampling_rate=48000, resample=True)


# Files.


def wav(samples=100, channels=1):
    data = np.zeros((samples, channels), np.int16).tobytes()
    header = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, channels, 16000, 32000, 2, 16
    )
    return header + struct.pack("<4sI", b"data", len(data)) + data


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("no/such.wav", r"there is no file 'no/such.wav' \(looked in "),
        ("x" * 5000, r"'x{100}'… cannot be opened"),
        ("a\0b", r"cannot be opened \(embedded null byte\)"),
        (".", r"'\.' cannot be opened \(Is a directory\)"),
        ("https://example.org/a.wav", r"'https://example.org/a.wav' is an address, not a file\. Download it"),
        (b"", r"there are no bytes"),
        (
            b"hello",
            r"what these 5 bytes hold is no sound file that libsndfile can read \(.*\)\. Convert it first: ffmpeg",
        ),
        (wav()[:20], r"what these 20 bytes hold ends after 20 of 244 bytes\. Copy or download it again"),
        (wav()[:100], r"ends after 100 of 244 bytes"),
        (wav(0), r"Extractor\(\): is empty"),
        (wav(100, 2), r"shape \(100, 2\) is sound of 2 channels.*Average them with mono=True, or read it yourself"),
        (lambda: io.StringIO("text"), r"the stream gives text, not bytes\. Open the file with mode 'rb'"),
        (lambda: io.BytesIO(b""), r"there are no bytes\. A stream that was read must go back first: seek\(0\)"),
        (lambda: io.BytesIO(b"junk"), r"the stream is no sound file"),
    ],
)
def test_what_is_no_sound_file(extractor, file, message):
    pytest.importorskip("soundfile")
    with pytest.raises(InputError, match=message):
        extractor(file() if callable(file) else file)


def test_a_flac_that_was_cut_off(extractor, tmp_path):
    soundfile = pytest.importorskip("soundfile")
    path = tmp_path / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).standard_normal(50_000) * 0.1, 16000)
    path.write_bytes(path.read_bytes()[:40_000])
    with pytest.raises(InputError, match=r"cut\.flac' (is no sound file|ends after)"):
        extractor(path)


def test_a_wav_that_was_written_to_a_pipe(extractor):
    pytest.importorskip("soundfile")
    for size in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        assert len(extractor(wav()[:4] + size + wav()[8:])["input_values"][0]) == 100


def test_a_flac_that_was_written_to_a_pipe(extractor):
    soundfile = pytest.importorskip("soundfile")
    stream = io.BytesIO()
    soundfile.write(stream, CLIP, 16000, format="FLAC")
    whole = bytearray(stream.getvalue())
    whole[21] &= 0xF0  # the number of samples, which is then not known
    whole[22:26] = bytes(4)
    with pytest.raises(
        InputError, match=r"does not say how many samples it has, as when written to a pipe\. Convert it"
    ):
        extractor(bytes(whole))
    whole[21:26] = b"\xff" * 5  # and now it claims 256 GiB of them
    with pytest.raises(InputError, match=r"ends after 1000 of|is no sound file that libsndfile can read"):
        extractor(bytes(whole))


@pytest.mark.parametrize(
    ("package", "call"),
    [("soundfile", "extractor(b'RIFF')"), ("soxr", "extractor([0.5] * 99, sampling_rate=8000, resample=True)")],
)
def test_without_an_optional_package_it_says_how_to_install_it(package, call):
    code = f"""
import sys
sys.modules[{package!r}] = None
import dovela
extractor = dovela.Wav2Vec2FeatureExtractor()
try:
    {call}
except dovela.MissingBackend as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f'needs the package {package!r}, which is not installed. Run: pip install "dovela[audio]"' in done.stdout
