"""Random spans and negatives: what the papers ask for, and the peer's statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import peer_wav2vec2
from dovela import InputError, compute_mask_indices, sample_negative_indices
from peers import peer4


def runs(row: torch.Tensor) -> list[int]:
    """Lengths of the stretches of True."""
    text = "".join("x" if masked else " " for masked in row.tolist())
    return [len(run) for run in text.split()]


def test_as_many_frames_as_asked_for() -> None:
    assert compute_mask_indices((4, 60), 0.5, 1).sum(1).tolist() == [30] * 4
    assert compute_mask_indices((4, 80), 0.5, 4).sum(1).max() <= 40
    assert not compute_mask_indices((4, 60), 0.0, 1).any()
    assert compute_mask_indices((2, 7), 1.0, 7).all()


def test_spans_are_whole_and_stay_within_what_is_real() -> None:
    mask = torch.arange(80) < torch.tensor([[80], [40], [12], [3]])
    for _ in range(20):
        drawn = compute_mask_indices((4, 80), 0.5, 4, attention_mask=mask.long())
        assert not (drawn & ~mask).any()
        assert not drawn[3].any()  # too short for a span
        assert all(run >= 4 for row in drawn for run in runs(row))


def test_padding_on_the_left_is_not_masked() -> None:
    mask = torch.arange(80) >= 50
    for _ in range(20):
        assert not (compute_mask_indices((1, 80), 0.5, 4, mask[None]) & ~mask).any()


def test_the_least_number_of_spans() -> None:
    for _ in range(20):
        drawn = compute_mask_indices((3, 100), 0.0, 5, min_masks=2)
        assert all(5 < row.sum() <= 10 for row in drawn)
    assert compute_mask_indices((1, 9), 0.0, 4, min_masks=50).sum() <= 8  # never more than fit in beside each other


def test_a_low_probability_is_rounded_by_chance_for_the_batch() -> None:
    drawn = [compute_mask_indices((4, 100), 0.05, 10).any(1) for _ in range(200)]
    assert all(rows.all() or not rows.any() for rows in drawn)
    assert 60 < sum(bool(rows.all()) for rows in drawn) < 140


def test_the_seed_of_torch_decides() -> None:
    torch.manual_seed(3)
    first = compute_mask_indices((4, 100), 0.4, 5), sample_negative_indices((4, 100), 9)
    torch.manual_seed(3)
    again = compute_mask_indices((4, 100), 0.4, 5), sample_negative_indices((4, 100), 9)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], compute_mask_indices((4, 100), 0.4, 5))


@pytest.mark.peer
@pytest.mark.parametrize(
    ("shape", "prob", "length", "lengths", "least"),
    [((2, 60), 0.3, 5, None, 0), ((3, 50), 0.2, 3, [50, 30, 11], 2), ((2, 40), 0.9, 10, [40, 25], 0)],
)
def test_each_frame_is_masked_as_often_as_the_peer_masks_it(
    shape: tuple[int, int], prob: float, length: int, lengths: list[int] | None, least: int
) -> None:
    mask = None if lengths is None else (np.arange(shape[1]) < np.array(lengths)[:, None]).astype(np.int64)
    theirs = peer4(peer_wav2vec2.spans, shape, prob, length, mask, least, 1500)
    given: Any = None if mask is None else torch.from_numpy(mask)
    drawn = [compute_mask_indices(shape, prob, length, given, least) for _ in range(1500)]
    ours = torch.stack(drawn).float().mean(0).numpy()
    assert np.abs(ours - theirs).max() < 0.08
    assert np.abs(ours.mean(1) - theirs.mean(1)).max() < 0.015


def test_negatives_are_other_masked_frames_of_the_row() -> None:
    chosen = torch.rand(5, 40) < 0.3
    chosen[:, :2] = True
    chosen[4] = False
    negatives = sample_negative_indices((5, 40), 50, chosen)
    assert negatives.shape == (5, 40, 50)
    for row in range(5):
        for frame in range(40):
            drawn = negatives[row, frame]
            assert (drawn // 40 == row).all()
            if chosen[row, frame]:
                assert chosen.flatten()[drawn].all()
                assert not (drawn == row * 40 + frame).any()


def test_negatives_are_even() -> None:
    drawn = sample_negative_indices((1, 5), 20_000)[0, 2]
    counts = torch.bincount(drawn, minlength=5)
    assert counts[2] == 0
    assert (counts[[0, 1, 3, 4]] - 5000).abs().max() < 300


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute_mask_indices((2, 9), 1.5, 3), r"mask_prob\): expected a number in \[0, 1\], got 1.5"),
        (
            lambda: compute_mask_indices((2, 9), 0.5, 0),
            "expected whole numbers mask_length >= 1 and min_masks >= 0, got 0",
        ),
        (lambda: compute_mask_indices((2, 9), 0.5, 10), r"mask_length\): a span of 10 is longer than the rows \(9\)"),
        (lambda: compute_mask_indices((2, 9), 0.5, 3, torch.ones(2, 8)), r"expected the shape \[2, 9\], got \[2, 8\]"),
        (lambda: sample_negative_indices((2, 9), 0), r"num_negatives\): expected a whole number of at least 1, got 0"),
        (lambda: compute_mask_indices((2, 9), "0.5", 3), r"mask_prob\): expected a number in \[0, 1\], got '0.5'"),
        (lambda: compute_mask_indices((2, 9), 0.5, 2.5), "expected whole numbers .*, got 2.5 and 0"),
        (lambda: compute_mask_indices(9, 0.5, 3), r"shape\): expected \(batch, frames\), got 9"),
        (lambda: compute_mask_indices((-2, 9), 0.5, 3), r"expected \(batch, frames\), got \(-2, 9\)"),
        (
            lambda: sample_negative_indices((2, 9, 3), 3),
            r"features_shape\): expected \(batch, frames\), got \(2, 9, 3\)",
        ),
        (lambda: sample_negative_indices((2, 9), 2.5), "expected a whole number of at least 1, got 2.5"),
        (lambda: sample_negative_indices((2, 9), 3, torch.ones(2, 8)), r"expected the shape \[2, 9\], got \[2, 8\]"),
        (lambda: sample_negative_indices((2, 9), 3, torch.eye(2, 9)), "row 0 has one masked frame, and no other"),
    ],
)
def test_bad_arguments_are_named(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
