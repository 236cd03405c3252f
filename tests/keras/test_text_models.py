"""Text models in Keras: torch's numbers from torch's file."""

from __future__ import annotations

from pathlib import Path

import pytest

import keras_text
from peers import keras_on_jax

keras = pytest.importorskip("keras")


@pytest.mark.parametrize("case", keras_text.cases())
def test_it_does_what_torch_does(case: str, tmp_path: Path) -> None:
    keras_text.compare(case, tmp_path)


def test_on_jax_too(tmp_path: Path) -> None:
    assert not keras_on_jax(keras_text.compare_all, str(tmp_path))
