"""A Flax model trains with optax, and its weights are kept by orbax."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from flax_text import small

RNG = np.random.default_rng(0)


def test_it_learns_with_optax() -> None:
    import optax

    model = small("BertForSequenceClassification", spread=0.1)
    ids = RNG.integers(2, 61, (16, 6))
    batch = {"input_ids": ids, "labels": (ids[:, 1] % 2).astype(np.int32)}
    optimizer = optax.adam(1e-2)

    @jax.jit
    def step(params: Any, state: Any, key: Any) -> Any:
        loss, slopes = jax.value_and_grad(lambda p: model(**batch, params=p, dropout_rng=key, train=True).loss)(params)
        updates, state = optimizer.update(slopes, state, params)
        return optax.apply_updates(params, updates), state, loss

    params, state, losses = model.params, optimizer.init(model.params), []
    for key in jax.random.split(jax.random.key(0), 30):
        params, state, loss = step(params, state, key)
        losses.append(float(loss))
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])


def test_the_row_of_padding_and_fixed_waves_get_no_gradient() -> None:
    model = small("DistilBertModel", sinusoidal_pos_embds=True)
    ids = np.array([[5, 7, 0, 0]])
    slopes = jax.jit(jax.grad(lambda p: (model(input_ids=ids, params=p).last_hidden_state ** 3).sum()))(model.params)
    tokens = slopes["embeddings"]["tokens"]["embedding"]
    assert tokens[5].any()
    assert not tokens[0].any()
    assert not slopes["embeddings"]["positions"]["embedding"].any()


@pytest.mark.slow
def test_orbax_keeps_the_weights(tmp_path: Path) -> None:
    checkpoints = pytest.importorskip("orbax.checkpoint")

    model = small("BertModel")
    with checkpoints.StandardCheckpointer() as keeper:
        keeper.save(tmp_path / "kept", model.params)
        keeper.wait_until_finished()
        back = keeper.restore(tmp_path / "kept", model.weight_shapes())
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), back, dict(model.params)))
    assert model.bind({"params": back}).num_parameters() == model.num_parameters()
