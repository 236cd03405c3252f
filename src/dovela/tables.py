"""Arithmetic that needs no gradient, once, in numpy, for every framework."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def sinusoids(length: int, dim: int) -> npt.NDArray[np.float32]:
    """(length, dim) sinusoidal positions, sine on even and cosine on odd columns (Vaswani et al. 2017, section 3.5)."""
    column = np.arange(dim)
    angle = np.arange(length)[:, None] / np.power(10000.0, 2 * (column // 2) / dim)
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)


def alibi_slopes(heads: int) -> list[float]:
    """How steeply each head's scores fall with the distance (Press et al. 2021).

    2^(-8/n), 2^(-16/n), … for n heads, a power of two; for other numbers those of the power below, and then every
    second one of twice that power.
    """
    power = 1 << (heads.bit_length() - 1)
    slopes = [2.0 ** (-8 * (i + 1) / power) for i in range(power)]
    between = [2.0 ** (-4 * (i + 1) / power) for i in range(2 * power)][::2]
    return slopes + between[: heads - power]


def grid_sinusoids(rows: int, columns: int, dim: int) -> npt.NDArray[np.float32]:
    """(1 + rows x columns, dim) positions of an image's patches: waves of the row in the first half, of the column in
    the second (He et al. 2021, MAE); a class token before them has zeros."""
    down, across = sinusoids(rows, dim - dim // 2), sinusoids(columns, dim // 2)
    grid = np.concatenate([np.repeat(down, columns, 0), np.tile(across, (rows, 1))], axis=1)
    return np.concatenate([np.zeros((1, dim), np.float32), grid])


def bicubic_matrix(old: int, new: int) -> npt.NDArray[np.float32]:
    """(new, old) weights that stretch a row of `old` values to `new`, by cubic convolution (Keys 1981, a = -0.75).

    The ends are repeated beyond themselves, and corners are not aligned: as torch stretches, so that the same picture
    comes out in every framework. A grid is stretched by one matrix for each of its sides.
    """
    a = -0.75
    centre = (np.arange(new) + 0.5) * (old / new) - 0.5  # where each new value stands among the old ones
    left = np.floor(centre).astype(np.int64)
    matrix = np.zeros((new, old))
    for step in (-1, 0, 1, 2):
        away = np.abs(centre - (left + step))
        near = ((a + 2) * away - (a + 3)) * away**2 + 1
        far = a * (((away - 5) * away + 8) * away - 4)
        np.add.at(matrix, (np.arange(new), (left + step).clip(0, old - 1)), np.where(away <= 1, near, far))
    return matrix.astype(np.float32)
