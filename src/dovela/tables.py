"""Arithmetic that needs no gradient, once, in numpy, for every framework."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def sinusoids(length: int, dim: int) -> npt.NDArray[np.float32]:
    """(length, dim) sinusoidal positions, sine on even and cosine on odd columns (Vaswani et al. 2017, section 3.5)."""
    column = np.arange(dim)
    angle = np.arange(length)[:, None] / np.power(10000.0, 2 * (column // 2) / dim)
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle)).astype(np.float32)
