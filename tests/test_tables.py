"""Arithmetic that every framework shares."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from dovela.tables import bicubic_matrix


@pytest.mark.parametrize(
    ("old", "new"), [((3, 4), (5, 7)), ((6, 6), (2, 3)), ((1, 1), (3, 2)), ((14, 14), (24, 20)), ((5, 4), (5, 9))]
)
def test_a_grid_is_stretched_as_torch_does(old: tuple[int, int], new: tuple[int, int]) -> None:
    grid = torch.randn(1, 3, *old, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    theirs = F.interpolate(grid, size=new, mode="bicubic", align_corners=False)
    down, across = (bicubic_matrix(a, b) for a, b in zip(old, new, strict=True))
    ours = np.einsum("yr,xc,bdrc->bdyx", down, across, grid.numpy())
    assert np.abs(ours - theirs.numpy()).max() < 1e-6


def test_stretching_to_the_same_size_changes_nothing() -> None:
    assert np.array_equal(bicubic_matrix(7, 7), np.eye(7, dtype=np.float32))
