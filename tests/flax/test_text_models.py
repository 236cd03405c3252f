"""Text models on Flax compute what they compute on torch, from the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from architectures import inputs_for
from comparing import assert_gradients, assert_outputs
from dovela import InputError, parts
from dovela.flax import losses
from dovela.flax.activations import activation
from dovela.torch import activations as torch_activations
from dovela.torch import losses as torch_losses
from flax_text import small
from frameworks import make, reference
from in_flax import run

RNG = np.random.default_rng(0)
IDS = RNG.integers(1, 61, (3, 8))


def agree(name: str, folder: Path, inputs: dict[str, Any], **changes: Any) -> None:
    """The same outputs, hidden states, attention weights, losses and gradients."""
    inputs = {"attention_mask": np.ones((3, 8), np.int64)} | inputs
    make(name, folder, **changes)
    theirs, weights = reference(name, folder, inputs, 0)
    ours = run(name, str(folder), inputs, weights)
    slopes, expected = ours.pop("gradients"), theirs.pop("gradients")
    assert_outputs(ours, theirs, 1e-5)
    assert_gradients(slopes, expected, 1e-5)


SLOW = pytest.mark.slow  # compiles for seconds


@pytest.mark.parametrize(
    "name",
    [
        "BertForPreTraining",
        "DistilBertForQuestionAnswering",
        pytest.param("BertForMaskedLM", marks=SLOW),
        pytest.param("BertForNextSentencePrediction", marks=SLOW),
        pytest.param("BertForMultipleChoice", marks=SLOW),
        pytest.param("DistilBertForTokenClassification", marks=SLOW),
        pytest.param("DistilBertForSequenceClassification", marks=SLOW),
    ],
)
def test_heads(name: str, tmp_path: Path) -> None:
    agree(name, tmp_path, inputs_for(name, batch=3, length=9))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("DistilBertModel", {"sinusoidal_pos_embds": True}),
        ("DistilBertModel", {"pruned_heads": {0: [1], 1: [0, 3]}, "activation": "relu"}),
        pytest.param(
            "BertModel",
            {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3, "type_vocab_size": 1, "pad_token_id": None},
            marks=SLOW,
        ),
        ("BertForMaskedLM", {"tie_word_embeddings": False, "hidden_act": "silu"}),
    ],
    ids=str,
)
def test_configurations(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    inputs: dict[str, Any] = {"input_ids": IDS, "attention_mask": (np.arange(8) < [[8], [5], [1]]).astype(np.int64)}
    if name.endswith("LM"):
        inputs["labels"] = np.where(RNG.random(IDS.shape) < 0.5, IDS, -100)
    agree(name, tmp_path, inputs, **changes)


PAIRS = np.tril(np.ones((3, 8, 8), bool))
PAIRS[1] = RNG.random((8, 8)) < 0.5


@pytest.mark.parametrize(
    "inputs",
    [
        {"input_ids": IDS, "token_type_ids": IDS % 3, "position_ids": RNG.permutation(40)[:8]},
        pytest.param({"input_ids": IDS, "position_ids": RNG.integers(0, 40, (3, 8))}, marks=SLOW),
        {"inputs_embeds": RNG.standard_normal((3, 8, 48)).astype(np.float32)},
        pytest.param({"input_ids": IDS, "attention_mask": PAIRS}, marks=SLOW),
        {"input_ids": IDS, "attention_mask": np.array([[1] * 8, [0] * 8, [0] * 4 + [1] * 4])},
        pytest.param({"input_ids": IDS.astype(np.int32) * (IDS % 2)}, marks=SLOW),
    ],
    ids=["types and places", "places of rows", "vectors", "a mask of pairs", "a row of padding", "padding tokens"],
)
def test_inputs(inputs: dict[str, Any], tmp_path: Path) -> None:
    agree("BertModel", tmp_path, inputs)


@pytest.mark.parametrize(
    ("labels", "changes"),
    [
        (RNG.standard_normal((3, 3)).astype(np.float32), {"problem_type": "regression"}),
        pytest.param(RNG.standard_normal(3).astype(np.float32), {"num_labels": 1}, marks=SLOW),
        (RNG.integers(0, 2, (3, 3)).astype(np.float32), {}),
        pytest.param(RNG.integers(0, 2, (3, 3)), {"problem_type": "multi_label_classification"}, marks=SLOW),
        pytest.param(np.array([2, -100, 0], np.int32), {}, marks=SLOW),
    ],
)
def test_labels_of_sequences(labels: Any, changes: dict[str, Any], tmp_path: Path) -> None:
    config = {"id2label": {0: "a"}, "label2id": {"a": 0}} if changes.pop("num_labels", 0) else changes
    agree("BertForSequenceClassification", tmp_path, {"input_ids": IDS, "labels": labels}, **config)


@pytest.mark.parametrize("name", parts.ACTIVATIONS.names())
def test_activations_are_torchs(name: str) -> None:
    x = np.linspace(-8, 8, 201, dtype=np.float32)
    place = parts.ACTIVATIONS._builtin[name].partition(":")[2]
    expected = getattr(torch_activations, place)(torch.from_numpy(x))
    np.testing.assert_allclose(activation(name)(jnp.asarray(x)), expected, rtol=1e-5, atol=2e-6)


# ---- losses ----------------------------------------------------------------------------------------------------------

LOGITS = RNG.standard_normal((4, 5, 7)).astype(np.float32) * 3


@pytest.mark.parametrize("labels", [RNG.integers(0, 7, (4, 5)), RNG.integers(0, 7, 20), np.full((4, 5), -100)])
def test_class_loss(labels: np.ndarray) -> None:
    logits = torch.from_numpy(LOGITS).requires_grad_()
    expected = torch_losses.class_loss(logits, torch.from_numpy(labels))
    expected.backward()
    loss, slopes = jax.value_and_grad(losses.class_loss)(jnp.asarray(LOGITS), labels)
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-6)
    np.testing.assert_allclose(slopes, logits.grad, atol=1e-7)


def test_losses_are_computed_in_float32() -> None:
    logits = jnp.asarray(LOGITS, jnp.bfloat16)
    labels = RNG.integers(0, 7, (4, 5))
    expected = F.cross_entropy(
        torch.tensor(np.asarray(logits, np.float32)).reshape(-1, 7), torch.tensor(labels).reshape(-1)
    )
    np.testing.assert_allclose(losses.class_loss(logits, labels), expected.item(), rtol=1e-6)


@pytest.mark.parametrize("starts", [[0, 4, 9, -3], [7, 7, 7, 7]])
def test_span_loss(starts: list[int]) -> None:
    scores, ends = LOGITS[:, 0], np.array([1, 6, 3, 100])
    tensors = [torch.from_numpy(np.asarray(x)) for x in (scores, scores, starts, ends)]
    expected = torch_losses.span_loss(*tensors).item()
    np.testing.assert_allclose(losses.span_loss(scores, scores, np.array(starts), ends), expected, rtol=1e-6)


def test_labels_out_of_range_are_refused_and_give_nan_where_they_cannot_be_seen() -> None:
    for labels in (np.full((4, 5), 7), np.full((4, 5), -1)):
        with pytest.raises(InputError, match=r"labels: .* is outside 0 … 6"):
            losses.class_loss(jnp.asarray(LOGITS), labels)
        assert jnp.isnan(jax.jit(losses.class_loss)(LOGITS, labels))


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros((4, 4), int), r"labels: expected the shape \[4, 5\], got \[4, 4\]"),
        (np.zeros((4, 5), np.float32), "labels: expected int64 class numbers, got float32"),
        ([0], "labels: expected a jax or numpy array, got list"),
    ],
)
def test_bad_labels(labels: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        losses.class_loss(jnp.asarray(LOGITS), labels)


def test_bad_labels_of_sequences() -> None:
    with pytest.raises(InputError, match=r"labels: expected the shape \[5, 7\]"):
        losses.sequence_loss(jnp.asarray(LOGITS[0]), np.zeros((5, 6), np.float32))
    with pytest.raises(InputError, match=r"problem_type: expected None or one of .* did you mean 'regression'"):
        losses.sequence_loss(jnp.asarray(LOGITS[0]), np.zeros(5), "regresion")
    with pytest.raises(InputError, match="labels: expected a jax or numpy array, got list"):
        losses.sequence_loss(jnp.asarray(LOGITS[0]), [0.0])


# ---- what heads refuse -----------------------------------------------------------------------------------------------


def test_choices_have_an_axis_of_their_own() -> None:
    model = small("DistilBertForMultipleChoice")
    with pytest.raises(InputError, match=r"expected inputs of the shape \(batch, choices, sequence\), got \[3, 8\]"):
        model(input_ids=IDS)
    with pytest.raises(InputError, match="got nothing"):
        model()
    vectors = np.zeros((2, 3, 4, 16), np.float32)
    assert jax.eval_shape(lambda: model(inputs_embeds=vectors)).logits.shape == (2, 3)


def test_an_answer_has_both_ends() -> None:
    with pytest.raises(InputError, match="expected start_positions and end_positions, and only one is given"):
        small("BertForQuestionAnswering")(input_ids=IDS, start_positions=np.zeros(3, int))


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "expected input_ids or inputs_embeds, and neither is given"),
        ({"input_ids": IDS.tolist()}, 'input_ids: expected a jax or numpy array, got list.*return_tensors="jax"'),
        ({"input_ids": torch.from_numpy(IDS)}, "expected a jax or numpy array, got Tensor"),
        ({"input_ids": IDS.astype(np.float32)}, "input_ids: expected int64 or int32, got float32"),
        ({"input_ids": IDS[0]}, r"expected \(batch, sequence\), got the shape \[8\]"),
        ({"input_ids": IDS + 40}, r"is outside 0 … 60 \(vocab_size 61\)"),
        ({"input_ids": jnp.asarray(IDS) - 70}, "is outside 0 … 60"),
        ({"input_ids": np.ones((1, 13), int)}, "sequences of 13 tokens, and the model has 12 positions"),
        ({"input_ids": IDS, "attention_mask": IDS}, "attention_mask: has values other than 0 and 1"),
        ({"input_ids": IDS, "position_ids": IDS}, "position_ids: .* is outside 0 … 11"),
        ({"input_ids": IDS, "output_attentions": 1}, "output_attentions: expected True or False, got 1"),
    ],
)
def test_bad_input(inputs: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        small("BertModel")(**inputs)
