import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovela.labels import default_labels, file_labels, label_count, merge_labels

ABC = {0: "a", 1: "b", 2: "c"}


def merged(**values):
    problems: list[tuple[str, str]] = []
    return merge_labels(values, problems), problems


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({"num_labels": 3}, default_labels(3)),
        ({"num_labels": np.int64(2)}, default_labels(2)),
        ({"id2label": ABC}, ABC),
        ({"id2label": {"2": "c", "0": "a", "1": "b"}}, ABC),
        ({"id2label": {np.int64(0): "a"}}, {0: "a"}),
        ({"label2id": {"c": 2, "a": 0, "b": 1}}, ABC),
        ({"id2label": ABC, "label2id": {"c": 2, "a": 0, "b": 1}, "num_labels": 3}, ABC),
    ],
)
def test_every_spelling_comes_down_to_id2label_in_order(values, labels):
    result, problems = merged(**values, dim=5)
    assert problems == []
    assert result == {"dim": 5, "id2label": labels}
    assert list(result["id2label"]) == list(range(len(labels)))
    assert all(type(index) is int for index in result["id2label"])


def test_without_labels_nothing_changes():
    assert merged(dim=5) == ({"dim": 5}, [])


@pytest.mark.parametrize("count", [None, True, 0, -1, 3.0, "3", np.array([3, 4]), [3]])
def test_a_number_of_labels_that_is_none(count):
    result, [(field, message)] = merged(num_labels=count)
    assert (field, message) == ("num_labels", f"expected an integer of at least 1, got {count!r}")
    assert result == {}


@pytest.mark.parametrize(
    "labels",
    [
        None,
        {},
        ["a"],
        {1: "a"},
        {0: "a", 2: "b"},
        {0.7: "a"},
        {True: "a", 0: "b"},
        {0: "a", "0": "b"},
        {"²": "a"},
        {0: 1},
    ],
)
def test_ids_that_are_not_counted_from_zero(labels):
    assert merged(id2label=labels)[1] == [("id2label", f"expected labels for the ids 0, 1, 2, …, got {labels!r}")]


@pytest.mark.parametrize("inverse", [None, {}, ["a"], {"a": 1}, {"a": 0.9}, {"a": True}, {"a": 0, "b": 0}, {1: 0}])
def test_an_inverse_that_is_none(inverse):
    assert merged(label2id=inverse)[1] == [("label2id", f"expected the ids 0, 1, 2, … for the labels, got {inverse!r}")]


def test_contradictions():
    assert merged(id2label=ABC, num_labels=2)[1] == [("num_labels", "is 2, but the labels are ['a', 'b', 'c']")]
    assert merged(label2id={"a": 0}, num_labels=2)[1] == [("num_labels", "is 2, but the labels are ['a']")]
    [(field, message)] = merged(id2label={0: "a", 1: "b"}, label2id={"a": 1, "b": 0})[1]
    assert field == "label2id"
    assert message == "is not the inverse of id2label: {'a': 1, 'b': 0} against {0: 'a', 1: 'b'}"
    assert merged(id2label={0: "a", 1: "a"})[1] == [("id2label", "two ids have the same label: {0: 'a', 1: 'a'}")]


@given(st.lists(st.text(), min_size=1, max_size=5, unique=True))
def test_labels_and_their_inverse_say_the_same(names):
    by_id = dict(enumerate(names))
    by_name = {name: index for index, name in by_id.items()}
    assert merged(label2id=by_name) == merged(id2label=by_id) == merged(id2label=by_id, label2id=by_name)


@pytest.mark.parametrize(
    ("values", "labels", "oddity", "left"),
    [
        ({}, None, "", {}),
        ({"id2label": None, "label2id": None, "num_labels": None, "dim": 5}, None, "", {"dim": 5}),
        ({"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}}, {0: "a", 1: "b"}, "", {}),
        ({"id2label": {"0": 0, "1": 1}}, {0: "0", 1: "1"}, "", {}),
        ({"id2label": {"0": "crane", "1": "crane"}}, {0: "crane", 1: "crane"}, "two ids have the same label", {}),
        (
            {"id2label": {"0": "a"}, "label2id": {"b": 0}},
            {0: "a"},
            "label2id is not the inverse of id2label; id2label is used",
            {},
        ),
        ({"num_labels": 3}, None, "", {"num_labels": 3}),
        ({"id2label": {"1": "a"}}, None, "", {"id2label": {"1": "a"}}),  # for merge_labels to refuse
        ({"id2label": {"0": ["a"]}}, None, "", {"id2label": {"0": ["a"]}}),
        ({"id2label": {"0": "a"}, "num_labels": 2}, None, "", {"id2label": {"0": "a"}, "num_labels": 2}),
    ],
)
def test_labels_of_a_file(values, labels, oddity, left):
    assert file_labels(values) == (labels, oddity)
    assert values == left


def test_label_count():
    problems: list[tuple[str, str]] = []
    assert label_count(3, problems) == 3
    assert not problems
    assert label_count("x", problems) == 0
    assert problems
