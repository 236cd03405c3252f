"""The rules between the frameworks' parameters and torch's: they lose nothing, and name what the layers compute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovela import ConfigError
from dovela.leaves import FLAX_LEAVES, KERAS_LEAVES, LeafRules

RULES = [FLAX_LEAVES, KERAS_LEAVES]
WORDS = ["kernel", "bias", "scale", "embedding", "gamma", "beta", "embeddings", "weight", "class_token", "direction"]


@pytest.mark.parametrize("rules", RULES)
@given(path=st.lists(st.sampled_from([*WORDS, "layers", "0"]), min_size=1, max_size=5), rank=st.integers(0, 5))
def test_there_and_back_is_the_same(rules: LeafRules, path: list[str], rank: int) -> None:
    array = np.arange(np.prod((2, 3, 4, 5, 6)[:rank], dtype=int)).reshape((2, 3, 4, 5, 6)[:rank])
    there = rules.to_file(path, array)
    assert there.shape == rules.shape(path, array.shape)
    assert np.shares_memory(there, array)
    np.testing.assert_array_equal(rules.from_file(path, there), array)
    np.testing.assert_array_equal(rules.to_file(path, rules.from_file(path, array)), array)


def test_names() -> None:
    path = ("layers", "0", "attention", "q_proj", "kernel")
    assert FLAX_LEAVES.name(path) == KERAS_LEAVES.name(path) == "layers.0.attention.q_proj.weight"
    assert FLAX_LEAVES.name(("norm", "scale")) == KERAS_LEAVES.name(("norm", "gamma")) == "norm.weight"
    assert FLAX_LEAVES.name(("norm", "bias")) == KERAS_LEAVES.name(("norm", "beta")) == "norm.bias"
    assert FLAX_LEAVES.name(("tokens", "embedding")) == KERAS_LEAVES.name(("tokens", "embeddings")) == "tokens.weight"
    assert FLAX_LEAVES.name(("mask_vector",)) == "mask_vector"
    assert FLAX_LEAVES.name(("embedding", "kernel")) == "embedding.weight"  # only the last word is a leaf


@pytest.mark.parametrize(
    ("here", "there"), [((3, 5), (5, 3)), ((7, 3, 5), (5, 3, 7)), ((7, 8, 3, 5), (5, 3, 7, 8)), ((4,), (4,))]
)
def test_shapes_of_kernels(here: tuple[int, ...], there: tuple[int, ...]) -> None:
    for rules in RULES:
        assert rules.shape(("a", "kernel"), here) == there
        assert rules.shape(("a", "weight"), here) == here


def test_kernels_compute_what_torchs_weights_compute() -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(0)
    x, kernel = random.normal(size=(2, 9, 3)).astype("f"), random.normal(size=(4, 3, 5)).astype("f")
    windows = np.lib.stride_tricks.sliding_window_view(x, 4, axis=1)  # (B, S', E, K)
    expected = np.einsum("bsek,keo->bso", windows, kernel)
    weight = torch.from_numpy(FLAX_LEAVES.to_file(("kernel",), kernel).copy())
    got = torch.nn.functional.conv1d(torch.from_numpy(x).transpose(1, 2), weight).transpose(1, 2)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-5)


def test_two_weights_that_a_file_could_not_tell_apart_are_refused() -> None:
    names = FLAX_LEAVES.by_name([("norm", "scale"), ("norm", "bias")], "Mine")
    assert names == {"norm.weight": ("norm", "scale"), "norm.bias": ("norm", "bias")}
    told = r"Mine: two weights are called 'gate.weight', so .* apart: gate.scale, gate.kernel. Give one another name"
    with pytest.raises(ConfigError, match=told):
        FLAX_LEAVES.by_name([("gate", "scale"), ("gate", "kernel")], "Mine")
    with pytest.raises(ConfigError, match=r"called 'gain'.* let a layer make its weights in build\(\)"):
        KERAS_LEAVES.by_name([("gain",), ("gain",)], "Mine")
