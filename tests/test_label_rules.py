"""The rules of labels, which every framework shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovela import InputError
from dovela import label_rules as rules
from dovela.input_rules import Arrays


class Plain(Arrays):
    word, code = "jax", "jax"

    def is_array(self, x: Any) -> bool:
        return isinstance(x, np.ndarray)

    def values(self, x: Any) -> Any:
        return x


class Traced(Plain):
    def values(self, x: Any) -> Any:
        return None


class Free(Plain):
    """The first size of every array is not known."""

    def shape(self, x: Any) -> tuple[Any, ...]:
        return (None, *x.shape[1:])


JAX, TRACED, FREE = Plain(), Traced(), Free()
ids = np.array


@pytest.mark.parametrize(
    ("given", "labels", "floating", "problem"),
    [
        (None, 1, True, "regression"),
        (None, 1, False, "regression"),
        (None, 3, False, "single_label_classification"),
        (None, 3, True, "multi_label_classification"),
        ("regression", 3, False, "regression"),
        ("multi_label_classification", 3, False, "multi_label_classification"),
    ],
)
def test_what_labels_are_taken_for(given, labels, floating, problem):
    assert rules.problem_of(given, labels, floating) == problem


def test_an_unknown_problem_type_gets_a_suggestion():
    with pytest.raises(InputError) as caught:
        rules.problem_of("regresion", 1, True)
    assert str(caught.value) == (
        "problem_type: expected None or one of regression, single_label_classification, multi_label_classification; "
        "did you mean 'regression'?, got 'regresion'"
    )


@pytest.mark.parametrize("labels", [ids([1, 2]), ids([[1], [2]]), ids([[1, 2]]).T])
def test_labels_may_have_an_axis_of_one(labels):
    rules.check_labels(JAX, "labels", labels, (2,))
    rules.check_labels(JAX, "labels", labels, (2, 1))


def test_labels_may_be_flat():
    rules.check_labels(JAX, "labels", np.zeros(6), (2, 3))


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: rules.check_labels(JAX, "labels", [1], (1,)),
            "labels: expected a jax or numpy array, got list",
        ),
        (
            lambda: rules.check_labels(JAX, "labels", np.zeros((2, 4)), (2, 3), " of the tokens"),
            "labels: expected the shape [2, 3] of the tokens, got [2, 4]",
        ),
        (
            lambda: rules.check_classes(JAX, "labels", ids([1.0]), 3),
            "labels: expected int64 class numbers, got float64",
        ),
        (
            lambda: rules.check_classes(JAX, "next_sentence_label", ids([2]), 2),
            "next_sentence_label: 2 at [0] is outside 0 … 1 (and not -100)",
        ),
        (
            lambda: rules.check_classes(JAX, "labels", ids([-1]), 2),
            "labels: -1 at [0] is outside 0 … 1 (and not -100)",
        ),
        (
            lambda: rules.check_numbers(JAX, "labels", np.zeros((2, 2)), (2, 3), "regression"),
            "labels: expected the shape [2, 3] for regression, got [2, 2]",
        ),
        (
            lambda: rules.check_numbers(JAX, "labels", np.zeros((3, 2)), (2, 3), "regression"),
            "labels: expected the shape [2, 3] for regression, got [3, 2]",
        ),
        (
            lambda: rules.check_spans(JAX, "start_positions", ids([0.5]), 1),
            "start_positions: expected int64 positions, got float64",
        ),
        (
            lambda: rules.check_spans(JAX, "start_positions", ids([0, 1]), 1),
            "start_positions: expected the shape [1], got [2]",
        ),
        (
            lambda: rules.check_one_hot(JAX, "labels", ids([[[1, 1], [0, 1]]])),
            "labels: has frames that are not of exactly one class. "
            "Give class numbers (batch, frames), -100 where a frame has none.",
        ),
        (
            lambda: rules.check_characters(JAX, "labels", ids([[1.0]]), 1, 5, 0),
            "labels: expected a jax or numpy array of character ids, got float64",
        ),
        (
            lambda: rules.check_characters(JAX, "labels", [[1]], 1, 5, 0),
            "labels: expected a jax or numpy array of character ids, got list",
        ),
        (
            lambda: rules.check_characters(JAX, "labels", ids([[1], [2]]), 1, 5, 0),
            "labels: expected (batch, characters) with a batch of 1, got [2, 1]",
        ),
        (
            lambda: rules.check_characters(JAX, "labels", ids([[1, 5]]), 1, 5, 0),
            "labels: 5 at [0, 1] is outside 0 … 4 (and not -100). Does the tokenizer belong to this model?",
        ),
        (
            lambda: rules.check_alignable(JAX, "labels", ids([[1, 2, -100], [3, -100, 3]]), ids([9, 2])),
            "labels: row 1 has 2 characters, which take 3 frames, and its sound has 2. "
            "Give longer sound, or build the model with ctc_zero_infinity=True to leave such rows out.",
        ),
    ],
)
def test_labels_that_are_refused(check, message):
    with pytest.raises(InputError) as caught:
        check()
    assert str(caught.value) == message


def test_labels_that_are_fine():
    rules.check_classes(JAX, "labels", ids([0, 2, -100]), 3)
    rules.check_numbers(JAX, "labels", np.zeros(6), (2, 3), "regression")
    rules.check_spans(JAX, "end_positions", ids([7]), 1)  # beyond the sequence: left out
    rules.check_one_hot(JAX, "labels", ids([[[1, 0], [0, 1]]]))
    rules.check_characters(JAX, "labels", ids([[1, 4, -100]]), 1, 5, 0)
    rules.check_alignable(JAX, "labels", ids([[1, 1, 2]]), ids([4]))
    rules.check_alignable(JAX, "labels", np.zeros((0, 3), int), ids([]))


def test_the_blank_among_the_labels_is_told(recwarn, caplog):
    rules.check_characters(JAX, "labels", ids([[0, 4]]), 1, 5, 0)
    assert "labels: has the id 0 (pad_token_id), which CTC keeps for its blank" in caplog.text
    assert "jnp.where(labels == 0, -100, labels)" in caplog.text


def test_values_that_cannot_be_seen_are_not_checked():
    rules.check_classes(TRACED, "labels", ids([99]), 3)
    rules.check_one_hot(TRACED, "labels", ids([[[1, 1]]]))
    rules.check_characters(TRACED, "labels", ids([[99]]), 1, 5, 0)
    rules.check_alignable(TRACED, "labels", ids([[1, 1]]), ids([1]))


def test_sizes_that_are_not_known_are_taken_as_they_come():
    rules.check_labels(FREE, "labels", ids([1]), (3,))
    rules.check_labels(JAX, "labels", ids([1]), (None, 1))
    rules.check_numbers(FREE, "labels", np.zeros((2, 3)), (None, 3), "regression")
    rules.check_characters(FREE, "labels", ids([[1]]), 7, 5, 0)
