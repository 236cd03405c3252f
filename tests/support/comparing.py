"""Whether two results are one: arrays within a tolerance of 1 + the largest value."""

from __future__ import annotations

from typing import Any

import numpy as np

BY_LAYER = ("hidden_states", "attentions")


def assert_close(ours: Any, theirs: Any, what: str, tolerance: float, real: Any = None) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} and {theirs.shape}"
    if real is not None:
        ours, theirs = ours[real], theirs[real]
    if not np.array_equal(ours, theirs, equal_nan=True):
        worst = np.abs(ours - theirs).max(initial=0)
        assert worst <= tolerance * (1 + np.abs(theirs).max(initial=0)), f"{what}: differs by {worst}"


def assert_outputs(ours: dict[str, Any], theirs: dict[str, Any], tolerance: float, real: Any = None) -> None:
    """Every output, at every place (rows, sequence) that is not padding."""
    assert set(ours) == set(theirs)
    for key, value in theirs.items():
        if key in BY_LAYER:
            assert len(ours[key]) == len(value), key
            for index, (a, b) in enumerate(zip(ours[key], value, strict=True)):
                if key == "attentions":
                    a, b = np.swapaxes(a, 1, 2), np.swapaxes(b, 1, 2)  # (B, S, H, S): rows of real queries
                places = real if real is not None and b.shape[:2] == real.shape else None
                assert_close(a, b, f"{key}[{index}]", tolerance, places)
        else:
            by_place = real is not None and np.shape(value)[:2] == real.shape
            assert_close(ours[key], value, key, tolerance, real if by_place else None)


def assert_gradients(ours: dict[str, Any], theirs: dict[str, Any], tolerance: float) -> None:
    """By state name. What has none in one has none, or zeros, in the other."""
    for name in {*ours, *theirs}:
        mine, other = ours.get(name), theirs.get(name)
        if mine is None or other is None:
            given = other if mine is None else mine
            assert not np.any(given), f"gradient of {name}: only one has it"
        else:
            assert_close(mine, other, f"gradient of {name}", tolerance)
