"""Keras's own ways to train, run and keep a model: fit, predict, callbacks, `.keras`, graphs, policies, export."""

from __future__ import annotations

import copy
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

import dovela  # noqa: E402
from dovela import InputError  # noqa: E402
from keras_text import SIZES, fitted_with_labels  # noqa: E402
from peers import keras_on_jax  # noqa: E402

RNG = np.random.default_rng(0)
X = {"input_ids": RNG.integers(1, 61, (8, 6)).astype("int32"), "attention_mask": np.ones((8, 6), "int32")}
X["attention_mask"][1, 4:] = 0
Y = (X["input_ids"][:, 0] > 30).astype("int32")
CLASSES = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def build(head: str = "ForSequenceClassification", options: Any = None, **changes: Any) -> Any:
    keras.utils.set_random_seed(0)
    return getattr(dovela, f"TFBert{head}")(dovela.BertConfig(**{**SIZES, **changes}), **(options or {}))


def compiled(head: str = "ForSequenceClassification", loss: Any = None, graph: bool = False, **options: Any) -> Any:
    """Run step by step, unless a `graph` is asked for, which takes seconds to make."""
    model = build(head, num_hidden_layers=1)
    model.compile(keras.optimizers.Adam(0.01), loss=loss, jit_compile=False, run_eagerly=not graph, **options)
    return model


def losses(model: Any, *data: Any, **options: Any) -> list[float]:
    return model.fit(*data, batch_size=4, shuffle=False, verbose=0, **{"epochs": 1, **options}).history["loss"]


def same(one: Any, other: Any) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_it_is_a_keras_model_with_all_its_weights() -> None:
    model = build()
    assert isinstance(model, keras.Model)
    assert model.built
    assert (
        model.count_params()
        == model.num_parameters()
        == dovela.BertForSequenceClassification(model.config).num_parameters()
    )
    assert repr(model) == f"<TFBertForSequenceClassification name={model.name}, {model.num_parameters():,} parameters>"
    model.summary(print_fn=lambda *args, **kwargs: None)


@pytest.mark.parametrize("place", ["y", "x"])
def test_fit_with_the_heads_own_loss(place: str) -> None:
    model = compiled(graph=True)
    data: Any = ({**X, "labels": Y},) if place == "x" else (X, Y)
    history = losses(model, *data, epochs=12)
    assert history[-1] < 0.3 < history[0]
    assert model.evaluate(*data, verbose=0) == pytest.approx(float(model(**X, labels=Y).loss), rel=1e-5)
    predicted = model.predict(data[0], batch_size=3, verbose=0)
    assert type(predicted) is dovela.outputs.SequenceClassifierOutput
    assert predicted.keys() == ["logits"]
    assert isinstance(predicted.logits, np.ndarray)
    assert np.allclose(predicted.logits, model(X).logits, atol=1e-6)


def test_a_given_loss_and_metrics_see_the_logits() -> None:
    model = compiled(loss=CLASSES, metrics=["accuracy"])
    own = compiled()
    assert losses(own, X, Y, epochs=3) == pytest.approx(losses(model, X, Y, epochs=3), rel=1e-4)
    scores = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert scores["accuracy"] == np.mean(np.asarray(model(X).logits).argmax(-1) == Y)
    assert model.evaluate({**X, "labels": Y}, verbose=0, return_dict=True) == scores
    weighted = losses(compiled(loss=CLASSES), X, Y, sample_weight=np.full(8, 2.0))
    assert weighted == pytest.approx([2 * loss for loss in losses(compiled(loss=CLASSES), X, Y)], rel=0.05)
    losses(model, X, Y, class_weight={0: 1.0, 1: 3.0})


def test_what_a_fit_cannot_mean_is_refused() -> None:
    with pytest.raises(InputError, match="own loss knows no weights of samples"):
        losses(compiled(), X, Y, sample_weight=np.ones(8))
    with pytest.raises(InputError, match="expected labels, in x or as y, and none are given"):
        losses(compiled(), X)
    with pytest.raises(InputError, match="given twice"):
        losses(compiled(), {**X, "labels": Y}, Y)
    with pytest.raises(InputError, match="this model has no loss of its own"):
        losses(compiled("Model"), X, Y)
    with pytest.raises(InputError, match=r"expected 2 kinds of labels, got 1. Give y as a dict with start_positions"):
        losses(compiled("ForQuestionAnswering"), X, Y)
    with pytest.raises(InputError, match="y has 'begin', and the labels are called start_positions, end_positions"):
        losses(compiled("ForQuestionAnswering"), X, {"begin": Y})
    with pytest.raises(InputError, match="loss is a dict with logits, and a loss of this model sees one thing"):
        losses(compiled(loss={"logits": CLASSES}), X, Y)


def test_a_label_that_is_no_class_is_not_taken_for_none_in_a_compiled_step() -> None:
    assert np.isnan(keras_on_jax(fitted_with_labels, [0, 7]))
    assert keras_on_jax(fitted_with_labels, [0, -100]) > 0


def test_labels_that_are_no_class_are_refused_where_they_are_seen() -> None:
    """In whole arrays they are, before the first step."""
    wrong = np.where(np.arange(8) == 3, 2, Y)
    place = r"labels: 2 at \[3\] is outside 0 … 1 \(and not -100\)"
    model = compiled(graph=True)
    for call in (
        lambda: model.fit(X, wrong),
        lambda: model.fit({**X, "labels": wrong}),
        lambda: model.evaluate(X, y=wrong),
        lambda: model.train_on_batch(X, {"labels": wrong}),
    ):
        with pytest.raises(InputError, match=place):
            call()
    tokens = np.where(X["input_ids"] == 3, -100, X["input_ids"])
    with pytest.raises(InputError, match=r"next_sentence_label: 2 at \[3\] is outside 0 … 1"):
        compiled("ForPreTraining").fit(X, {"labels": tokens, "next_sentence_label": wrong})
    numbers = build(num_hidden_layers=1, num_labels=1)
    numbers.compile("sgd", run_eagerly=True)
    assert numbers.fit(X, wrong, verbose=0).history["loss"][0] > 0


def test_several_kinds_of_labels() -> None:
    spans = {"start_positions": Y, "end_positions": Y + 1}
    first = losses(compiled("ForQuestionAnswering"), X, spans)
    assert losses(compiled("ForQuestionAnswering"), {**X, **spans}) == pytest.approx(first)
    assert losses(compiled("ForQuestionAnswering"), X, (Y, Y + 1)) == pytest.approx(first)
    given = compiled("ForQuestionAnswering", loss=dict.fromkeys(spans, CLASSES))
    assert losses(given, X, (Y, Y + 1)) == pytest.approx([2 * loss for loss in first], rel=0.05)
    assert given.predict(X, verbose=0).keys() == ["start_logits", "end_logits"]
    both = {"labels": X["input_ids"], "next_sentence_label": Y}
    first = losses(compiled("ForPreTraining"), X, both)
    assert losses(compiled("ForPreTraining"), {**X, **both}) == pytest.approx(first)


def test_tf_data() -> None:
    pairs = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    whole = tf.data.Dataset.from_tensor_slices({**X, "labels": Y}).batch(4)
    model = compiled(graph=True)
    first = model.fit(pairs, shuffle=False, verbose=0).history["loss"]
    assert compiled().fit(whole, shuffle=False, verbose=0).history["loss"] == pytest.approx(first)
    assert model.predict(whole, verbose=0).logits.shape == (8, 2)


def test_callbacks_and_a_keras_file(tmp_path: Path) -> None:
    model, file = compiled(graph=True, metrics=["accuracy"], loss=CLASSES), tmp_path / "best.keras"
    callbacks = [keras.callbacks.ModelCheckpoint(file), keras.callbacks.EarlyStopping("loss", patience=1)]
    losses(model, X, Y, epochs=2, callbacks=callbacks)
    again = keras.models.load_model(file)
    assert type(again) is type(model)
    assert same(again(X).logits, model(X).logits)
    assert losses(again, X, Y)  # compiled as it was
    model.save_weights(tmp_path / "kept.weights.h5")
    other = build(num_hidden_layers=1)
    other.load_weights(tmp_path / "kept.weights.h5")
    assert same(other(X).logits, model(X).logits)


def test_copies_are_apart() -> None:
    model = build(options={"name": "judge"})
    for other in (copy.deepcopy(model), keras.models.clone_model(model), type(model).from_config(model.get_config())):
        assert type(other) is type(model)
        assert other.config == model.config
    twin = copy.deepcopy(model)
    assert same(twin(X).logits, model(X).logits)
    assert twin.name == "judge"
    twin.weights[0].assign(twin.weights[0] * 0)
    assert not same(twin.weights[0], model.weights[0])
    bare = build("Model", {"add_pooling_layer": False})
    assert type(bare).from_config(bare.get_config()).pooler is None


def test_graphs_and_gradients() -> None:
    model = build()
    expected = model(**X, labels=Y)
    for options in ({}, {"jit_compile": True}):
        found = tf.function(model, **options)({**X, "labels": Y})
        assert type(found) is type(expected)
        assert np.allclose(found.logits, expected.logits, atol=1e-6)
    free = {name: tf.TensorSpec((None, None), "int32") for name in X}
    function = tf.function(lambda inputs: model(inputs).logits, input_signature=[free])
    assert np.allclose(function(X), expected.logits, atol=1e-6)
    with tf.GradientTape() as tape:
        loss = model(**X, labels=Y).loss
    assert all(slope is not None for slope in tape.gradient(loss, [v.value for v in model.trainable_variables]))


def test_functional() -> None:
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in X}
    backbone = build("Model", {"add_pooling_layer": False}, num_hidden_layers=1)
    top = keras.layers.Dense(2)(backbone(inputs).last_hidden_state[:, 0])
    model = keras.Model(inputs, top)
    model.compile("adam", loss=CLASSES, jit_compile=False)
    model.fit(X, Y, verbose=0)
    assert model.predict(X, verbose=0).shape == (8, 2)


def test_freezing() -> None:
    model = build()
    model.backbone.trainable = False
    model.compile(keras.optimizers.Adam(0.1), jit_compile=False)
    before = [np.asarray(weight) for weight in model.weights]
    losses(model, X, Y)
    moved = [not same(a, b) for a, b in zip(before, model.weights, strict=True)]
    assert sum(moved) == len(model.trainable_weights) == 2
    assert model.num_parameters(only_trainable=True) == 66


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_policies(policy: str, tmp_path: Path) -> None:
    model = build(options={"dtype": policy})
    assert {weight.dtype for weight in model.weights} == {"bfloat16" if policy == "bfloat16" else "float32"}
    output = model(**X, labels=Y)
    assert output.logits.dtype == policy.removeprefix("mixed_")
    assert output.loss.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
    padding = model(X["input_ids"], attention_mask=X["attention_mask"] * 0)
    assert np.isfinite(np.asarray(padding.logits, "float32")).all()
    model.save(tmp_path / "kept.keras")
    again = keras.models.load_model(tmp_path / "kept.keras")
    assert again.dtype_policy.name == policy
    assert same(again(X).logits, model(X).logits)
    model.save_pretrained(tmp_path)
    torch_model = dovela.BertForSequenceClassification.from_pretrained(tmp_path)
    assert str(torch_model.dtype) == f"torch.{model.weights[0].dtype}"
    opened = type(model).from_pretrained(tmp_path, dtype=policy)
    assert all(same(a, b) for a, b in zip(opened.weights, model.weights, strict=True))
    with pytest.raises(InputError, match="expected a dtype policy of Keras or its name, got 'float17'"):
        build(options={"dtype": "float17"})


def test_a_policy_for_all_of_keras() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        assert build().compute_dtype == "bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_saved_model_takes_any_batch_and_length(tmp_path: Path) -> None:
    model = build(output_hidden_states=True)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    for rows, length in ((8, 6), (3, 5)):
        inputs = {name: tf.constant(x[:rows, :length]) for name, x in X.items()}
        inputs["token_type_ids"] = tf.zeros_like(inputs["input_ids"])
        found, expected = served.serve(inputs), model(inputs)
        assert set(found) == {"logits", "hidden_states_0", "hidden_states_1", "hidden_states_2"}
        assert np.allclose(found["logits"], expected.logits, atol=1e-6)
        assert np.allclose(served.signatures["serving_default"](**inputs)["logits"], expected.logits, atol=1e-6)
    with pytest.raises(InputError, match="there is no option 'optimise'"):
        model.export(tmp_path / "served", optimise=True)


@pytest.mark.slow
def test_xla() -> None:
    model = build(num_hidden_layers=1)
    model.compile(keras.optimizers.Adam(0.01), jit_compile=True)
    assert losses(model, X, Y) == pytest.approx(losses(compiled(), X, Y), rel=0.05)
    assert np.allclose(model.predict(X, verbose=0).logits, model(X).logits, atol=1e-6)


@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"]
)
def test_ids_out_of_range_are_refused_before_a_graph_is_made_of_them(method: str) -> None:
    model = build(num_hidden_layers=1)
    model.compile("adam", jit_compile=True)
    ids = np.where(X["input_ids"] == X["input_ids"][0, 0], model.config.vocab_size, X["input_ids"])
    for x in (ids, {"input_ids": ids}, {"input_ids": tf.constant(ids)}):
        with pytest.raises(InputError, match=r"input_ids: \d+ at \[0, 0\] is outside 0 … \d+ \(vocab_size \d+\)"):
            getattr(model, method)(x)
    assert inspect.signature(getattr(model, method)) == inspect.signature(getattr(keras.Model(), method))


@pytest.mark.parametrize("kind", ["Ragged", "Sparse"])
def test_tensors_that_are_not_dense_are_refused(kind: str) -> None:
    ragged = tf.ragged.constant([[5, 6], [5]])
    x = ragged if kind == "Ragged" else ragged.to_sparse()
    with pytest.raises(InputError, match=f"input_ids: expected a tensorflow or numpy array, got {kind}Tensor. Tok"):
        build(num_hidden_layers=1)(x)
