"""The head for voices on Flax: its parts compute what torch's compute, and clips too short for a voice are refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import dovela
from comparing import assert_close, assert_gradients
from dovela import InputError
from dovela.flax import audio_losses, xvector
from dovela.torch import xvector as torch_xvector
from dovela.torch.audio_losses import AngularMargin
from flax_parts import by_state_name, with_weights_of
from sounds import WAV2VEC2

TOLERANCE = 1e-5
REAL = np.arange(30) < np.array([[30], [17], [8]])
SHORT = np.arange(900) < np.array([[900], [120]])  # 44 frames, and 5


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("masked", [True, False])
def test_convolutions_over_frames(masked: bool) -> None:
    config, x, real = dovela.Wav2Vec2Config(**WAV2VEC2), noise(3, 30, 32), REAL if masked else None
    part, module = torch_xvector.TimeDelays(config), xvector.TimeDelays(config)
    theirs, kept = part(torch.from_numpy(x), None if real is None else torch.from_numpy(real))
    weight = np.random.default_rng(1).standard_normal(theirs.shape).astype(np.float32)
    (theirs * torch.from_numpy(weight)).sum().backward()
    variables = with_weights_of(part, module, x)
    ours, left = module.apply(variables, x, real)
    assert_close(ours, theirs.detach(), "frames", TOLERANCE)
    slopes = jax.grad(lambda variables: (module.apply(variables, x)[0] * weight).sum())(variables)
    expected = {name: p.grad.numpy() for name, p in part.named_parameters()}
    assert_gradients(by_state_name(slopes["params"]), expected, TOLERANCE)
    assert (left is None) == (kept is None) == (not masked)
    assert left is None or np.array_equal(left, kept)


@pytest.mark.parametrize("masked", [True, False])
def test_statistics(masked: bool) -> None:
    """The gradients too where a channel is off in every frame of a row."""
    x, real = np.maximum(noise(3, 30, 6), 0), REAL if masked else None
    x[1, :, 2] = 0
    weight = noise(3, 12)
    there = torch.from_numpy(x).requires_grad_()
    theirs = torch_xvector.StatisticsPooling()(there, None if real is None else torch.from_numpy(real))
    (theirs * torch.from_numpy(weight)).sum().backward()
    assert_close(xvector.statistics(jnp.asarray(x), real), theirs.detach(), "statistics", TOLERANCE)
    slopes = jax.grad(lambda x: (xvector.statistics(x, real) * weight).sum())(jnp.asarray(x))
    assert_close(slopes, there.grad, "gradient", TOLERANCE)


def test_statistics_in_half_precision_are_summed_in_whole() -> None:
    x = jnp.asarray(noise(1, 3000, 2) + 5, "bfloat16")
    made = xvector.statistics(x)
    assert made.dtype == "bfloat16"
    np.testing.assert_allclose(made.astype("float32"), xvector.statistics(x.astype("float32")), rtol=0.01)


def test_the_margin() -> None:
    part, x, labels = AngularMargin(6, 4), noise(3, 6), np.array([3, -100, 0])
    module = audio_losses.AngularMargin(4)
    theirs = part(torch.from_numpy(x), torch.from_numpy(labels))
    theirs.backward()
    variables = with_weights_of(part, module, x)
    ours, slopes = jax.value_and_grad(lambda v: module.apply(v, x, labels))(variables)
    assert_close(ours, theirs.detach(), "loss", TOLERANCE)
    assert_gradients(by_state_name(slopes["params"]), {"weight": part.weight.grad.numpy()}, TOLERANCE)
    assert module.apply(variables, x) is None
    assert module.apply(variables, x, np.full(3, -100)) == 0
    assert jnp.isnan(jax.jit(module.apply)(variables, x, np.array([0, 4, 1])))  # which nobody could look at


@pytest.fixture(scope="module")
def small() -> Any:
    return dovela.FlaxWav2Vec2ForXVector.from_config(dovela.Wav2Vec2Config(**WAV2VEC2))


def test_clips_too_short_for_a_voice_are_refused(small: Any) -> None:
    """By a call, by `check`, and while JAX compiles, if the mask is there."""
    sound = noise(2, 900)
    for call in (small, jax.jit(lambda x: small(x)), lambda x: small.check(input_values=x)):
        with pytest.raises(InputError, match="input_values: clips of 5 frames, and a voice takes at least 8"):
            call(sound[:, :120])
    for call in (
        lambda x: small(x, SHORT),
        jax.jit(lambda x: small(x, SHORT)),
        lambda x: small.check(input_values=x, attention_mask=SHORT),
    ):
        with pytest.raises(InputError, match="attention_mask: row 1 has 5 frames, a voice takes at least 8"):
            call(sound)
    with pytest.raises(InputError, match="row 0 has 32 frames, a voice takes at least 8 without a gap"):
        small(sound, np.stack([np.arange(900) % 140 < 120, np.ones(900, bool)]))
    embeddings = jax.jit(lambda x, mask: small(x, mask).embeddings)(sound, SHORT)
    assert np.array_equal(jnp.isnan(embeddings).any(1), [False, True])


def test_a_clip_means_the_same_alone_and_in_a_batch() -> None:
    config = dovela.Wav2Vec2Config(**WAV2VEC2, do_stable_layer_norm=True, feat_extract_norm="layer")
    model, sound = dovela.FlaxWav2Vec2ForXVector.from_config(config), noise(2, 900)
    together = model(sound, np.arange(900) < np.array([[900], [300]])).embeddings
    assert_close(model(sound[1:, :300]).embeddings[0], together[1], "embeddings", TOLERANCE)
