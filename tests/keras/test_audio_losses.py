"""CTC in Keras against torch's in float64: losses and gradients, compiled and not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

keras = pytest.importorskip("keras")
from dovela.keras.audio_losses import ctc_loss  # noqa: E402

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(4, 30, 12)).astype(np.float32)
LABELS = RNG.integers(1, 12, (4, 7))
LABELS[0, 1] = LABELS[0, 2]
LABELS[1, 4:] = LABELS[2] = LABELS[3, 1] = -100  # the third is silence; padding may lie between
LENGTHS = np.array([30, 20, 11, 25])


def torchs(lengths: np.ndarray, reduction: str, zero_infinity: bool, blank: int = 0) -> tuple[np.ndarray, np.ndarray]:
    logits, labels = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True), torch.tensor(LABELS)
    spare = labels < 0
    packed = labels.gather(1, spare.to(torch.uint8).argsort(dim=1, stable=True)).clamp(min=0)
    scores, counts = logits.log_softmax(-1).transpose(0, 1), (~spare).sum(1)
    loss = F.ctc_loss(scores, packed, torch.tensor(lengths), counts, blank, reduction, zero_infinity)
    loss.sum().backward()
    return loss.detach().numpy(), logits.grad.numpy()  # type: ignore[union-attr]


def kerass(lengths: np.ndarray, reduction: str, zero_infinity: bool, compiled: bool, blank: int = 0) -> tuple[Any, Any]:
    real = keras.ops.convert_to_tensor(np.arange(30) < lengths[:, None])

    def loss_of(logits: Any) -> Any:
        return ctc_loss(logits, LABELS, real, blank=blank, reduction=reduction, zero_infinity=zero_infinity)

    if keras.backend.backend() == "jax":
        import jax

        slopes = jax.grad(lambda x: loss_of(x).sum())(LOGITS)
        return (jax.jit(loss_of) if compiled else loss_of)(LOGITS), slopes
    import tensorflow as tf

    def both(logits: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = loss_of(logits)
        return loss, tape.gradient(loss, logits)

    return (tf.function(both, autograph=False, jit_compile=True) if compiled else both)(tf.constant(LOGITS))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_it_is_torchs(reduction: str, compiled: bool) -> None:
    expected, slopes = torchs(LENGTHS, reduction, False)
    found, ours = kerass(LENGTHS, reduction, False, compiled)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(ours, slopes, atol=2e-6)


def test_what_no_path_leads_through_counts_nothing_if_asked() -> None:
    lengths = np.array([3, 20, 11, 25])
    expected, slopes = torchs(lengths, "none", True)
    found, ours = kerass(lengths, "none", True, False)
    assert found[0] == 0
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(ours, slopes, atol=2e-6)


def test_where_the_blank_is_among_the_characters() -> None:
    """A mistake that is only told of, as in torch, so the number is to be torch's too."""
    blank = int(LABELS[0, 3])
    assert np.isin(LABELS, blank).sum() > 1
    expected, slopes = torchs(LENGTHS, "none", False, blank)
    found, ours = kerass(LENGTHS, "none", False, False, blank)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(ours, slopes, atol=2e-6)
