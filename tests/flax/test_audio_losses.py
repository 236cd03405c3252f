"""Losses on sound are those of torch, with their gradients."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from comparing import assert_close
from dovela import InputError
from dovela.audio_rules import check_negatives
from dovela.flax import audio_losses, quantizer
from dovela.flax.inputs import JAX
from dovela.torch import audio_losses as torch_losses
from dovela.torch import quantizer as torch_quantizer
from flax_parts import with_weights_of

OPTIONS: dict[str, Any] = {"blank": 0, "reduction": "mean", "zero_infinity": False}


def speech(rows: int = 5, frames: int = 24, characters: int = 7, vocabulary: int = 9) -> Any:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((rows, frames, vocabulary)).astype(np.float32) * 2
    labels = rng.integers(1, vocabulary, (rows, characters))
    labels[0, 1] = labels[0, 0]  # the same twice
    labels[1, 2:5] = -100  # padding in between
    labels[2] = -100  # silence
    real = np.arange(frames) < np.array([frames, 20, 12, frames, 15])[:rows, None]
    real[3, 5] = False  # a gap
    return logits, labels, real


def both(logits: np.ndarray, labels: np.ndarray, real: np.ndarray | None, **options: Any) -> None:
    options = {**OPTIONS, **options}
    there = torch.from_numpy(logits).requires_grad_()
    theirs = torch_losses.ctc_loss(
        there, torch.from_numpy(labels), None if real is None else torch.from_numpy(real), **options
    )
    theirs.sum().backward()

    def loss(x: Any) -> Any:
        y = audio_losses.ctc_loss(x, jnp.asarray(labels), None if real is None else jnp.asarray(real), **options)
        return y.sum(), y

    gradient, ours = jax.jit(jax.grad(loss, has_aux=True))(logits)
    assert_close(ours, theirs.detach(), "loss", 1e-5)
    assert_close(gradient, there.grad, "gradient", 1e-5)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("padded", [False, True])
def test_ctc(reduction: str, padded: bool) -> None:
    logits, labels, real = speech()
    both(logits, labels, real if padded else None, reduction=reduction)


def test_ctc_where_the_blank_is_among_the_characters() -> None:
    """A mistake that is only told of, as in torch, so the number is to be torch's too."""
    logits, labels, real = speech()
    labels[0, [0, 3]] = labels[4, [2, 3]] = 0
    both(logits, labels, real, reduction="none")


def test_ctc_without_characters() -> None:
    logits, _, real = speech()
    both(logits, np.zeros((5, 0), np.int64), real)


def test_ctc_leaves_rows_out_that_cannot_be() -> None:
    logits, labels, real = speech()
    labels[4], real[4, 9:] = 3, False  # seven equal characters take 13 frames
    for reduction in ("mean", "sum", "none"):
        both(logits, labels, real, zero_infinity=True, reduction=reduction)
    with pytest.raises(InputError, match="row 4 has 7 characters, which take 13 frames, and its sound has 9"):
        audio_losses.ctc_loss(jnp.asarray(logits), jnp.asarray(labels), jnp.asarray(real), **OPTIONS)
    loss = jax.jit(lambda y: audio_losses.ctc_loss(jnp.asarray(logits), y, jnp.asarray(real), **OPTIONS))
    assert np.isinf(loss(labels))  # where nothing can be looked at


def test_ctc_of_long_speech() -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2, 600, 32)).astype(np.float32)
    both(logits, rng.integers(1, 32, (2, 150)), None)


def test_ctc_refuses_characters_that_are_none() -> None:
    logits, labels, _ = speech()
    labels[3, 1] = 9
    with pytest.raises(InputError, match=r"9 at \[3, 1\] is outside 0 … 8"):
        audio_losses.ctc_loss(jnp.asarray(logits), labels, None, **OPTIONS)
    with pytest.raises(InputError, match="a jax or numpy array of character ids, got list"):
        audio_losses.ctc_loss(jnp.asarray(logits), [[1]], None, **OPTIONS)


def test_frames() -> None:
    rng = np.random.default_rng(0)
    logits, classes = rng.standard_normal((2, 6, 4)).astype(np.float32), rng.integers(0, 4, (2, 6))
    classes[1, 3:] = -100
    for labels in (classes, np.eye(4, dtype=np.float32)[np.abs(classes) % 4]):
        theirs = torch_losses.frame_loss(torch.from_numpy(logits), torch.from_numpy(labels))
        assert_close(audio_losses.frame_loss(jnp.asarray(logits), labels), theirs, "loss", 1e-6)
    with pytest.raises(InputError, match="frames that are not of exactly one class"):
        audio_losses.frame_loss(jnp.asarray(logits), np.ones((2, 6, 4), np.float32))


# ---- pre-training ---------------------------------------------------------------------------------


class Book:
    conv_dim, codevector_dim, num_codevector_groups, num_codevectors_per_group = (6,), 8, 2, 5


def test_the_best_entry_and_the_perplexity() -> None:
    x = np.random.default_rng(0).standard_normal((2, 7, 6)).astype(np.float32)
    part, module = torch_quantizer.GumbelQuantizer(Book).eval(), quantizer.GumbelQuantizer(Book)
    variables = with_weights_of(part, module, x)
    for chosen in (None, np.arange(7) % 3 == np.array([[0], [1]])):
        theirs = part(torch.from_numpy(x), None if chosen is None else torch.from_numpy(chosen))
        ours = module.apply(variables, x, None if chosen is None else jnp.asarray(chosen))
        for a, b, what in zip(ours, theirs, ("codes", "perplexity"), strict=True):
            assert_close(a, b.detach(), what, 1e-6)


def test_drawn_entries_follow_their_scores() -> None:
    x = np.ones((1, 4000, 6), np.float32)
    module = quantizer.GumbelQuantizer(Book)
    variables = module.init(jax.random.key(0), x)
    keys = {"gumbel": jax.random.key(1)}
    codes, _ = module.apply(variables, x, temperature=0.5, train=True, rngs=keys)
    book = np.asarray(variables["params"]["codevectors"]).reshape(2, 5, 4)
    entry = np.abs(np.asarray(codes).reshape(4000, 2, 1, 4) - book).sum(-1).argmin(-1)  # (S, G)
    assert np.abs(np.asarray(codes).reshape(4000, 2, 1, 4) - book).sum(-1).min(-1).max() < 1e-5  # they are of the book
    scores = np.asarray(module.apply(variables, x, method=lambda m, x: m.scores(x)))[0, 0].reshape(2, 5)
    for group in range(2):
        expected = np.exp(scores[group]) / np.exp(scores[group]).sum()
        assert np.abs(np.bincount(entry[:, group], minlength=5) / 4000 - expected).max() < 0.03

    def total(variables: Any) -> Any:
        codes, _ = module.apply(variables, x, temperature=0.5, train=True, rngs=keys)
        return (codes * jnp.arange(8)).sum()

    assert np.any(jax.grad(total)(variables)["params"]["scores"]["kernel"])  # learns through what is drawn


def test_contrast() -> None:
    rng = np.random.default_rng(0)
    predicted, quantized = (rng.standard_normal((2, 6, 8)).astype(np.float32) for _ in range(2))
    quantized[0, 3] = quantized[0, 1]  # a negative that is the target itself
    negatives = rng.integers(0, 12, (2, 6, 5))
    negatives[0, 1, 2] = 3
    chosen = np.arange(6) % 2 == np.array([[0], [1]])
    chosen[0, 1] = True
    leaves = [torch.from_numpy(a).requires_grad_() for a in (predicted, quantized)]
    theirs = torch_quantizer.contrastive_loss(*leaves, torch.from_numpy(negatives), torch.from_numpy(chosen), 0.1)
    theirs.backward()

    def loss(predicted: Any, quantized: Any) -> Any:
        return quantizer.contrastive_loss(predicted, quantized, negatives, jnp.asarray(chosen), 0.1)

    ours, gradients = jax.value_and_grad(loss, (0, 1))(predicted, quantized)
    assert_close(ours, theirs.detach(), "loss", 1e-6)
    for mine, leaf in zip(gradients, leaves, strict=True):
        assert_close(mine, leaf.grad, "gradient", 1e-5)


def test_negatives_that_are_none() -> None:
    shape = (2, 6)
    with pytest.raises(InputError, match="sampled_negative_indices: expected a jax or numpy array of whole numbers"):
        check_negatives(JAX, np.zeros((2, 6, 3)), shape)
    with pytest.raises(InputError, match=r"expected the shape \[2, 6, 'negatives'\], got \[2, 3\]"):
        check_negatives(JAX, np.zeros((2, 3), int), shape)
    with pytest.raises(InputError, match="indices outside 0 … 11, the frames of the batch"):
        check_negatives(JAX, np.full((2, 6, 3), 12), shape)
