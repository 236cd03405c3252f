"""Zero mean and unit variance: numpy's arithmetic to the bit, and right where that loses precision."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovela.audio.standardize import BLOCK, standardize


def made(clip):
    place = np.full(len(clip), 7, np.float32)
    assert standardize(place, clip)
    return place


def exact(clip):
    clip = clip.astype(np.float64)
    return (clip - clip.mean()) / np.sqrt(clip.var() + 1e-7)


def noise(length, seed=0, scale=0.1):
    return (np.random.default_rng(seed).standard_normal(length) * scale).astype(np.float32)


@pytest.mark.parametrize(
    "length", [1, 2, 7, 8, 9, 127, 128, 129, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5, 16 * BLOCK + 1001]
)
def test_floats_are_numpys_arithmetic_to_the_bit(length):
    clip = noise(length)
    expected = (clip - clip.mean()) / np.sqrt(clip.var() + np.float32(1e-7))
    np.testing.assert_array_equal(made(clip), expected)


@settings(deadline=None)
@given(st.integers(1, 300_000), st.integers(0, 2**32 - 1), st.floats(-0.5, 0.5))
def test_floats_of_any_length_and_offset(length, seed, offset):
    clip = noise(length, seed) + np.float32(offset)
    np.testing.assert_allclose(made(clip), exact(clip), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("length", [1, 100, BLOCK // 2, BLOCK // 2 + 1, 5 * BLOCK + 3])
def test_integers_are_as_exact_as_float32_is(dtype, length):
    bounds = np.iinfo(dtype)
    clip = np.random.default_rng(0).integers(bounds.min, bounds.max, length, dtype, endpoint=True)
    np.testing.assert_allclose(made(clip), exact(clip), rtol=3e-7, atol=3e-7)


@pytest.mark.parametrize("offset", [0.5, 100, 1e5])
def test_a_clip_far_from_zero_loses_nothing(offset):
    clip = noise(50_000, scale=1e-2) + np.float32(offset)
    np.testing.assert_allclose(made(clip), exact(clip), rtol=1e-6, atol=1e-6)
    shifted = (noise(50_000, scale=50) + 30_000).astype(np.int16)
    np.testing.assert_allclose(made(shifted), exact(shifted), rtol=1e-6, atol=1e-6)


def test_silence_becomes_zeros_and_one_sample_too():
    assert not made(np.zeros(1000, np.float32)).any()
    assert not made(np.full(1000, 0.1, np.float32)).any()
    assert not made(np.full(1000, -300, np.int16)).any()
    assert not made(np.full(1, 0.7, np.float32)).any()


def test_numbers_so_large_that_float32_has_no_squares_of_them():
    clip = noise(1000, scale=1e30)
    np.testing.assert_allclose(made(clip), exact(clip), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 777, -1])
def test_what_is_not_finite_is_told(bad, at):
    clip = noise(1000)
    clip[at] = bad
    assert not standardize(np.empty(1000, np.float32), clip)


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_memory_beside_the_result_does_not_grow_with_the_clip(dtype):
    clip = (noise(3_000_000) * 1000).astype(dtype)
    place = np.empty(len(clip), np.float32)
    tracemalloc.start()
    standardize(place, clip)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * BLOCK


def test_the_clip_stays_as_it_was():
    for clip in (noise(1000), noise(1000) + 100, (noise(1000) * 1000).astype(np.int16)):
        before = clip.copy()
        made(clip)
        np.testing.assert_array_equal(clip, before)
