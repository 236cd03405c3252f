"""What people do to a model by mistake is an error that says so, and what linen lets them do works."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dovela import (
    BertConfig,
    ConfigError,
    FlaxBertForSequenceClassification,
    FlaxBertModel,
    FlaxPreTrainedModel,
    InputError,
)
from dovela.audio_rules import check_temperature
from dovela.flax.inputs import JAX
from flax_text import SIZES, small

IDS = np.random.default_rng(1).integers(1, 61, (2, 6))
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def model() -> Any:
    return small("BertForSequenceClassification")


@pytest.mark.parametrize("key", [0, "a", np.zeros(2, np.float32), jax.random.split(KEY, 2)], ids=str)
def test_what_is_no_key(model: Any, key: Any) -> None:
    with pytest.raises(InputError, match=r"dropout_rng: expected one key of jax's, got .*jax.random.split"):
        model(input_ids=IDS, train=True, dropout_rng=key)


def test_keys_may_be_old_or_new(model: Any) -> None:
    for key in (KEY, jax.random.PRNGKey(0)):
        jax.eval_shape(lambda key: model(input_ids=IDS, train=True, dropout_rng=key), key)


def test_train_is_known_and_true_or_false(model: Any) -> None:
    for train in (1, "no"):
        with pytest.raises(InputError, match="train: expected True or False, got"):
            model(input_ids=IDS, train=train)
    with pytest.raises(InputError, match="train: expected True or False, got a value that is not known while tracing"):
        jax.eval_shape(lambda train: model(input_ids=IDS, train=train), True)


def test_weights_of_another_model(model: Any) -> None:
    wrong = jax.tree.map(lambda leaf: leaf[..., :1], model.params)
    lacking = {name: part for name, part in model.params.items() if name != "classifier"}
    for params in ({}, lacking, wrong, model.params["backbone"]):
        for call in (lambda p: model(input_ids=IDS, params=p), lambda p: model.bind({"params": p})(input_ids=IDS)):
            with pytest.raises(InputError, match="params: are not the weights of FlaxBertForSequenceClassification: "):
                jax.eval_shape(lambda params, call=call: call(params), params)


def test_fields_are_true_or_false() -> None:
    with pytest.raises(InputError, match="add_pooling_layer: expected True or False, got 'no'"):
        FlaxBertModel(BertConfig(**SIZES), add_pooling_layer="no")


def test_options_that_would_have_no_effect(model: Any, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    for seed in ("a", 1.5, np.zeros(3)):
        with pytest.raises(InputError, match="seed: expected a whole number or a key of jax's"):
            FlaxBertForSequenceClassification.from_pretrained(tmp_path, seed=seed)
    with pytest.raises(InputError, match=r"torch_dtype: is an option of torch's models. dtype=… is what the model"):
        FlaxBertForSequenceClassification.from_pretrained(tmp_path, torch_dtype="bfloat16")


def test_a_call_cannot_take_what_every_model_takes() -> None:
    def call(self: Any, input_ids: Any = None, params: Any = None) -> None: ...

    with pytest.raises(ConfigError, match="call: takes 'params', which every model is given already"):
        type("Taker", (FlaxPreTrainedModel,), {"__call__": call})


@pytest.mark.parametrize("name", ["BertForQuestionAnswering", "BertForMaskedLM"])
def test_an_empty_batch_is_none_the_worse(name: str) -> None:
    empty = small(name)
    output = jax.eval_shape(lambda: empty(input_ids=IDS[:0]))
    assert all(leaf.shape[0] == 0 for leaf in jax.tree.leaves(output))


@pytest.mark.parametrize("lifted", [nn.remat, nn.jit])
def test_linens_transformations_take_it(model: Any, lifted: Any) -> None:
    class Outer(nn.Module):
        @nn.compact
        def __call__(self, ids: Any) -> Any:
            return lifted(FlaxBertForSequenceClassification)(model.config, name="inner")(ids).logits

    made = Outer().apply({"params": {"inner": model.params}}, IDS)
    np.testing.assert_allclose(made, model(IDS).logits, atol=1e-6)


def test_temperatures() -> None:
    check = partial(check_temperature, JAX, "gumbel_temperature")
    for good in (2, 0.5, np.float32(1.5), jnp.asarray(1.5)):
        check(good)
    jax.eval_shape(check, jnp.asarray(1.5))
    for bad in (0, -1.0, "2", True, np.float32(0), jnp.asarray(-1.0), np.ones(2), float("nan")):
        with pytest.raises(InputError, match="gumbel_temperature: expected a number above 0, got"):
            check(bad)
