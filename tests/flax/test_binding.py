"""A model is a linen module, and can be called: bound, with `params=`, within jax's transformations."""

from __future__ import annotations

import inspect
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from dovela import BertConfig, ConfigError, FlaxBertForSequenceClassification, FlaxBertModel, InputError
from dovela.outputs import SequenceClassifierOutput
from flax_text import SIZES, small

IDS = np.random.default_rng(1).integers(1, 61, (2, 6))
LABELS = np.array([1, 0])
KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def model() -> Any:
    return small("BertForSequenceClassification")


def close(a: Any, b: Any, **options: Any) -> None:
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=1e-6, **options), a, b)


def test_all_ways_to_call_it_are_one(model: Any) -> None:
    assert isinstance(model, nn.Module)
    assert model.is_bound
    expected = jax.jit(lambda: model(input_ids=IDS).logits)()
    module, variables = model.unbind()
    assert not module.is_bound
    assert type(module) is FlaxBertForSequenceClassification
    close(jax.jit(lambda v: module.apply(v, input_ids=IDS).logits)(variables), expected)
    close(jax.jit(lambda p: module(input_ids=IDS, params=p).logits)(model.params), expected)
    close(jax.jit(lambda p: model(IDS, None, params=p).logits)(model.params), expected)
    close(jax.jit(lambda v, ids: module.bind(v)(ids).logits)(variables, IDS), expected)
    close(model(input_ids=IDS).logits, expected)


def test_within_vmap(model: Any) -> None:
    expected = jax.jit(lambda: model(input_ids=IDS).logits)()
    rows = jax.jit(jax.vmap(lambda ids: model(input_ids=ids[None], params=model.params).logits[0]))(IDS)
    close(rows, expected)


@pytest.mark.slow
def test_activations_may_be_computed_again(model: Any) -> None:
    slopes = jax.jit(jax.grad(lambda p: model(input_ids=IDS, labels=LABELS, params=p).loss))(model.params)
    assert jax.tree.structure(slopes) == jax.tree.structure(model.params)
    again = model.clone(gradient_checkpointing=True)
    traced = jax.make_jaxpr(lambda p: again(input_ids=IDS, labels=LABELS, params=p).loss)(model.params)
    assert sum(step.primitive.name in ("checkpoint", "remat", "remat2") for step in traced.eqns) == 1
    close(jax.jit(jax.grad(lambda p: again(input_ids=IDS, labels=LABELS, params=p).loss))(model.params), slopes)


def test_other_weights_are_bound_and_never_assigned(model: Any) -> None:
    zeros = jax.tree.map(jnp.zeros_like, model.params)
    other = model.bind({"params": zeros})
    assert not jax.jit(lambda: other(input_ids=IDS).logits)().any()
    assert other.params is not model.params
    with pytest.raises(
        InputError, match=r"params: a linen module does not change.*model.bind\(\{\"params\": params\}\)"
    ):
        model.params = zeros
    with pytest.raises(InputError, match=r'bind: expected variables, \{"params": weights\}'):
        model.bind(model.params)


def test_a_model_without_weights_says_how_to_get_some(model: Any) -> None:
    module, variables = model.unbind()
    with pytest.raises(InputError, match=r"has no weights, so it cannot be called. Take a model .*from_config"):
        module(input_ids=IDS)
    with pytest.raises(InputError, match="params: this model has no weights"):
        _ = module.params
    with pytest.raises(
        InputError, match=r"expected the weights, got variables that hold them. Give variables\['params'\]"
    ):
        module(input_ids=IDS, params=variables)
    with pytest.raises(InputError, match="params: expected a dictionary of weights, got list"):
        module(input_ids=IDS, params=[])


def test_unknown_inputs_are_refused(model: Any) -> None:
    with pytest.raises(InputError, match=r"there is no input 'labelz'; did you mean 'labels'. It takes input_ids, "):
        model(input_ids=IDS, labelz=LABELS)
    names = "input_ids attention_mask token_type_ids position_ids inputs_embeds output_attentions output_hidden_states"
    assert FlaxBertModel.input_names() == (*names.split(), "train")
    assert set(model.input_names()) == {*names.split(), "train", "labels"}
    assert {"params", "dropout_rng", "labels"} <= set(inspect.signature(model.__call__).parameters)


def test_dropout_needs_a_key(model: Any) -> None:
    @jax.jit
    def logits(key: Any) -> Any:
        return model(input_ids=IDS, train=True, dropout_rng=key).logits

    one = logits(KEY)
    close(one, logits(KEY))
    assert jnp.abs(one - logits(jax.random.key(1))).max() > 1e-3
    with pytest.raises(InputError, match=r"draws random numbers, and there is no key for 'dropout'.*dropout_rng="):
        model(input_ids=IDS, train=True)


@pytest.mark.slow
def test_the_key_of_dropout_is_linens(model: Any) -> None:
    module, rngs = model.unbind()[0], {"rngs": {"dropout": KEY}}
    one = jax.jit(lambda: model(IDS, train=True, dropout_rng=KEY).logits)()
    close(jax.jit(lambda p: module.apply({"params": p}, IDS, train=True, **rngs).logits)(model.params), one)
    close(jax.jit(lambda p: module.bind({"params": p}, **rngs)(IDS, train=True).logits)(model.params), one)
    close(jax.jit(lambda: model(IDS, dropout_rng=KEY).logits)(), jax.jit(lambda: model(IDS).logits)())


def test_no_key_is_needed_where_nothing_is_dropped() -> None:
    still = small("BertModel", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    run = jax.jit(lambda train: still(input_ids=IDS, train=train).last_hidden_state, static_argnums=0)
    close(run(True), run(False))


def test_dropout_drops_its_share() -> None:
    from dovela.flax import Dropout

    x = np.ones((200, 200), np.float32)
    y = Dropout(0.3).apply({}, x, True, rngs={"dropout": KEY})
    assert abs(float((y == 0).mean()) - 0.3) < 0.01
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert Dropout(0.3).apply({}, x) is not None


# ---- as any linen module ---------------------------------------------------------------------------------------------


def test_it_can_be_a_part_of_another_module(model: Any) -> None:
    class Own(nn.Module):
        config: Any

        def setup(self) -> None:
            self.bert, self.out = FlaxBertModel(self.config), nn.Dense(2)

        def __call__(self, ids: Any) -> Any:
            return self.out(self.bert(input_ids=ids).pooler_output)

    shapes = jax.eval_shape(lambda: Own(BertConfig(**SIZES)).init(KEY, IDS))["params"]
    assert shapes["out"]["kernel"].shape == (16, 2)
    assert jax.tree.map(jnp.shape, shapes["bert"]) == jax.tree.map(jnp.shape, dict(model.params["backbone"]))


@pytest.mark.slow
def test_the_weights_are_those_that_linen_draws() -> None:
    module = FlaxBertModel(BertConfig(**SIZES), gradient_checkpointing=True)
    shapes = module.weight_shapes()
    drawn = module.init_weights(KEY)
    assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), drawn) == jax.tree.map(
        lambda leaf: (leaf.shape, leaf.dtype), shapes
    )
    theirs = jax.jit(lambda: module.init(KEY, input_ids=IDS))()["params"]
    close(drawn, theirs, rtol=1e-6)


def test_tabulate_and_hash(model: Any) -> None:
    module = model.unbind()[0]
    assert module == module.clone()
    assert hash(module) == hash(module.clone())
    assert "classifier" in nn.tabulate(module, KEY, depth=1)(input_ids=IDS)


def test_the_outputs_are_trees(model: Any) -> None:
    output = jax.eval_shape(lambda: model(input_ids=IDS, output_hidden_states=True))
    assert isinstance(output, SequenceClassifierOutput)
    assert output.loss is None
    assert len(output.hidden_states) == 2
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(output)]
    assert paths[:2] == [".logits", ".hidden_states[0]"]
    doubled = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), output)
    assert doubled.keys() == output.keys()


def test_base_model_and_numbers(model: Any) -> None:
    base = model.base_model
    assert type(base) is FlaxBertModel
    assert base.is_bound
    assert base.base_model is base
    close(
        jax.jit(lambda: base(input_ids=IDS).pooler_output)(),
        jax.jit(lambda: model.backbone(input_ids=IDS).pooler_output)(),
    )
    assert model.num_parameters() == sum(leaf.size for leaf in jax.tree.leaves(model.params))
    assert model.get_memory_footprint() == 4 * model.num_parameters()
    assert model.unbind()[0].num_parameters() == model.num_parameters()


def test_it_is_told_in_a_few_lines(model: Any) -> None:
    lines = repr(model).split("\n")
    assert lines[0].startswith("FlaxBertForSequenceClassification: ")
    assert lines[0].endswith("kB, float32")
    assert any(line.startswith("    layers: 1 alike, ") for line in lines)
    assert len(lines) < 12
    assert repr(model.unbind()[0]) == "FlaxBertForSequenceClassification without weights, of a BertConfig"
    pruned = small("BertModel", fields={"add_pooling_layer": False}, num_hidden_layers=2, pruned_heads={0: [1]})
    assert "layers: 2 layers, " in repr(pruned)


# ---- values ----------------------------------------------------------------------------------------------------------


def test_check_sees_values_without_computing(model: Any) -> None:
    assert model.check(input_ids=IDS, labels=LABELS) is None
    with pytest.raises(InputError, match=r"input_ids: .* is outside 0 … 60"):
        model.check(input_ids=IDS + 60)
    with pytest.raises(InputError, match=r"labels: .* is outside 0 … 1"):
        model.check(input_ids=IDS, labels=LABELS + 1)


@pytest.mark.parametrize("bad", [61, 10_000, -1])
def test_what_is_out_of_range_and_cannot_be_seen_gives_nan(model: Any, bad: int) -> None:
    ids = IDS.copy()
    ids[0, 2] = bad
    logits = jax.jit(lambda p, ids: model(input_ids=ids, params=p).logits)(model.params, ids)
    assert jnp.isnan(logits[0]).all()
    assert jnp.isfinite(logits[1]).all()


def test_a_row_of_padding_is_finite_and_attends_evenly(model: Any) -> None:
    mask = np.array([[1] * 6, [0] * 6])
    output = jax.jit(lambda: model(input_ids=IDS, attention_mask=mask, output_attentions=True))()
    assert jnp.isfinite(output.logits).all()
    np.testing.assert_allclose(output.attentions[0][1], 1 / 6, atol=1e-6)


# ---- dtypes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"param_dtype": "bfloat16"}, "bfloat16"),
        pytest.param({"dtype": jnp.bfloat16}, "float32", marks=pytest.mark.slow),
    ],
)
def test_bfloat16(model: Any, fields: dict[str, Any], kept: str) -> None:
    half = small("BertForSequenceClassification", fields=fields)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves(half.params)} == {kept}
    mask = np.array([[1] * 6, [0] * 6])
    output = jax.jit(lambda: half(input_ids=IDS, attention_mask=mask, labels=LABELS, output_attentions=True))()
    assert output.logits.dtype == output.attentions[0].dtype == jnp.bfloat16
    assert output.loss.dtype == jnp.float32
    full = jax.jit(lambda: model(input_ids=IDS, attention_mask=mask).logits)()
    np.testing.assert_allclose(output.logits.astype(jnp.float32), full, atol=0.1)


def test_other_dtypes_are_refused() -> None:
    config = BertConfig(**SIZES)
    with pytest.raises(InputError, match="param_dtype: expected a floating dtype of jax or its name, got 'int8'"):
        FlaxBertModel(config, param_dtype="int8")
    with pytest.raises(InputError, match="dtype: expected a floating dtype of jax or its name, got 'flaot32'"):
        FlaxBertModel(config, dtype="flaot32")
    for seed in ("0", None, 1.0):
        with pytest.raises(InputError, match="seed: expected a whole number or a key of jax's"):
            FlaxBertModel.from_config(config, seed=seed)


# ---- the configuration -----------------------------------------------------------------------------------------------


def test_it_keeps_its_own_configuration() -> None:
    config = BertConfig(**SIZES)
    module = FlaxBertModel(config)
    config.hidden_size = 32
    assert module.config.hidden_size == 16
    assert module.clone().config is module.config
    with pytest.raises(ConfigError, match="a built model does not change with it"):
        module.config.hidden_size = 32


def test_what_is_no_configuration_of_it_is_refused() -> None:
    from dovela import DistilBertConfig

    with pytest.raises(ConfigError, match="expected a BertConfig, got DistilBertConfig"):
        FlaxBertModel(DistilBertConfig())
    with pytest.raises(ConfigError, match=r"expected a BertConfig, got str. FlaxBertModel.from_pretrained opens"):
        FlaxBertModel("bert")
    with pytest.raises(ConfigError, match=r"got the class BertConfig. Call it first: FlaxBertModel\(BertConfig\(\)\)"):
        FlaxBertModel(BertConfig)
