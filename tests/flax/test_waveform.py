"""Parts that hear sound compute what torch's compute, with its weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import dovela
from comparing import assert_close, assert_gradients
from dovela.flax import spec_augment, waveform
from dovela.torch import waveform as torch_waveform
from flax_parts import by_state_name, with_weights_of
from sounds import WAV2VEC2

TOLERANCE = 1e-5


def config(**changes: Any) -> Any:
    return dovela.Wav2Vec2Config(**{**WAV2VEC2, "feat_proj_dropout": 0.0, **changes})


def compare(part: torch.nn.Module, module: Any, x: np.ndarray) -> None:
    """Outputs, and the gradients of a weighted sum of them."""
    variables = with_weights_of(part, module, x)
    theirs = part(torch.from_numpy(x))
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    weights = [np.random.default_rng(1).standard_normal(y.shape).astype(np.float32) for y in theirs]
    sum((y * torch.from_numpy(w)).sum() for y, w in zip(theirs, weights, strict=True)).backward()

    def total(variables: Any) -> Any:
        made = module.apply(variables, x)
        made = made if isinstance(made, tuple) else (made,)
        return sum((y * w).sum() for y, w in zip(made, weights, strict=True)), made

    gradients, ours = jax.grad(total, has_aux=True)(variables)
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert_close(a, b.detach(), f"output {index}", TOLERANCE)
    expected = {name: p.grad.numpy() for name, p in part.named_parameters() if p.grad is not None}
    assert_gradients(by_state_name(gradients["params"]), expected, TOLERANCE)


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("bias", [False, True])
def test_convolutions_over_samples(norm: str, bias: bool) -> None:
    chosen = config(feat_extract_norm=norm, conv_bias=bias)
    compare(torch_waveform.FeatureEncoder(chosen), waveform.FeatureEncoder(chosen), noise(2, 400))


def test_projection() -> None:
    compare(torch_waveform.FeatureProjection(config()), waveform.FeatureProjection(config()), noise(2, 5, 16))


@pytest.mark.parametrize("frames", [1, 3, 11])
@pytest.mark.parametrize("kernel", [7, 8, 1])
def test_positions_with_odd_and_even_kernels(kernel: int, frames: int) -> None:
    chosen = config(num_conv_pos_embeddings=kernel)
    compare(torch_waveform.PositionalConv(chosen), waveform.PositionalConv(chosen), noise(2, frames, 48))


@pytest.mark.parametrize("kind", ["bfloat16", "float16"])
def test_positions_in_half_precision(kind: str) -> None:
    x, weight = jnp.asarray(noise(2, 9, 8), kind), jnp.asarray(noise(8, 4, 6), kind)
    made = waveform.wide_conv(x, weight, 2)
    assert made.dtype == kind
    whole = waveform.wide_conv(x.astype("float32"), weight.astype("float32"), 2)
    np.testing.assert_allclose(made.astype("float32"), whole, rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    "changes",
    [{}, {"output_hidden_size": 24}, {"num_adapter_layers": 1, "adapter_kernel_size": 4, "adapter_stride": 3}],
)
def test_adapter(changes: dict[str, Any]) -> None:
    chosen = config(add_adapter=True, **changes)
    part = torch_waveform.FrameAdapter(chosen)
    compare(part, waveform.FrameAdapter(chosen), noise(2, 29, 48))
    real = np.arange(29) < np.array([[29], [17]])
    ours = waveform.adapted_frames(chosen, jnp.asarray(real))
    assert np.array_equal(ours, part.real_frames(torch.from_numpy(real)))


def test_whole_windows() -> None:
    rng = np.random.default_rng(0)
    for field, stride in [(1, 1), (4, 1), (5, 3), (40, 20)]:
        mask = rng.random((6, 90)) < 0.9
        mask[0] = True
        theirs = torch_waveform.whole_windows(torch.from_numpy(mask), field, stride)
        assert np.array_equal(waveform.whole_windows(jnp.asarray(mask), field, stride), theirs)


def test_new_weights_spread_as_in_torch() -> None:
    chosen = config(conv_bias=True, conv_dim=[256, 256, 256], hidden_size=256, add_adapter=True, conv_kernel=[10, 9, 8])
    for theirs, module, x in [
        (torch_waveform.FeatureEncoder(chosen), waveform.FeatureEncoder(chosen), noise(1, 400)),
        (torch_waveform.FeatureProjection(chosen), waveform.FeatureProjection(chosen), noise(1, 2, 256)),
        (torch_waveform.PositionalConv(chosen), waveform.PositionalConv(chosen), noise(1, 9, 256)),
        (torch_waveform.FrameAdapter(chosen), waveform.FrameAdapter(chosen), noise(1, 9, 256)),
    ]:
        drawn = by_state_name(jax.jit(module.init)(jax.random.key(0), x)["params"])
        for name, tensor in theirs.state_dict().items():
            ours, expected = drawn[name], tensor.numpy()  # the size of all, and of the largest
            assert np.isclose(np.square(ours).mean() ** 0.5, np.square(expected).mean() ** 0.5, rtol=0.2, atol=1e-6), (
                name
            )
            assert np.isclose(np.abs(ours).max(), np.abs(expected).max(), rtol=0.35, atol=1e-6), name


# ---- spans ----------------------------------------------------------------------------------------


def runs(row: np.ndarray) -> list[int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return [int(end - start) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def test_spans_lie_within_what_is_real() -> None:
    real = jnp.arange(200) < jnp.array([[200], [90], [12], [4]])
    masked = np.asarray(spec_augment.random_spans(jax.random.key(0), real, 0.3, 5, 2))
    assert not (masked & ~np.asarray(real)).any()
    assert all(run >= 5 for row in masked for run in runs(row))
    assert not masked[3].any()  # too short for one
    assert masked[:3].any(1).all()


def test_as_many_spans_as_asked_for() -> None:
    real = jnp.ones((2000, 50), bool)
    masked = np.asarray(spec_augment.random_spans(jax.random.key(1), real, 0.2, 1, 0))
    assert set(masked.sum(1)) == {10}  # spans of one frame do not overlap
    draws = [np.asarray(spec_augment.random_spans(jax.random.key(i), real[:1], 0.25, 1, 0)).sum() for i in range(200)]
    assert set(draws) == {12, 13}
    assert 12.3 < np.mean(draws) < 12.7
    least = spec_augment.random_spans(jax.random.key(1), real, 0.0, 1, 3)
    assert set(np.asarray(least).sum(1)) == {3}
    share = masked.mean(0)
    assert share.min() > 0.15  # anywhere alike
    assert share.max() < 0.25


def test_rows_shorter_than_a_span_are_left() -> None:
    assert not spec_augment.random_spans(jax.random.key(0), jnp.ones((2, 4), bool), 0.5, 5, 2).any()
