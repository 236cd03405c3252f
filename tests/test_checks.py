import math
from typing import Annotated, Any, Literal, Optional, Union

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovela.checks import Mismatch, NonNegative, Positive, PositiveFloat, Probability, Range, compile_check
from dovela.registry import Registry

THINGS: Registry[Any] = Registry("thing", {"path": "pathlib:Path"})


@pytest.mark.parametrize(
    ("annotation", "value", "stored"),
    [
        (int, 3, 3),
        (int, np.int64(3), 3),
        (int, np.array(3), 3),
        (float, 3, 3.0),
        (float, np.float32(0.5), 0.5),
        (float, np.int64(1), 1.0),
        (bool, True, True),
        (bool, np.True_, True),
        (str, "a", "a"),
        (str, np.str_("a"), "a"),
        (None, None, None),
        (Any, {1, 2}, {1, 2}),
        (int | None, None, None),
        (Optional[int], 3, 3),  # noqa: UP045
        (Union[str, int], 3, 3),  # noqa: UP007
        (float | str, "a", "a"),
        (bool | int, True, True),
        (Literal["a", 1], 1, 1),
        (list[int], (1, 2), [1, 2]),
        (list[float], [1, 2.5], [1.0, 2.5]),
        (list[list[str]], [["a"], []], [["a"], []]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[()], [], ()),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (dict[int, str], {"0": "a", 1: "b"}, {0: "a", 1: "b"}),
        (dict[str, dict[str, list[int]]], {"a": {"b": (1,)}}, {"a": {"b": [1]}}),
        (Positive, 1, 1),
        (NonNegative, 0, 0),
        (Probability, 1, 1.0),
        (Annotated[int | None, Range(0)], None, None),
        (Annotated[str, THINGS], "path", "path"),
        (Annotated[int, "a remark"], 5, 5),
    ],
)
def test_what_fits_is_stored_in_the_type_that_is_annotated(annotation, value, stored):
    result = compile_check(annotation)(value)
    assert result == stored
    assert type(result) is type(stored)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, True, "an integer"),
        (int, 3.0, "an integer"),
        (int, "3", "an integer"),
        (int, None, "an integer"),
        (Annotated[Any, THINGS], None, "a registered thing (path)"),
        (int, int, "an integer"),
        (int, np.array([3]), "an integer"),
        (int, np.float64(3), "an integer"),
        (float, True, "a finite number"),
        (float, np.True_, "a finite number"),
        (float, math.nan, "a finite number"),
        (float, math.inf, "a finite number"),
        (float, 10**400, "a finite number"),
        (float, 1j, "a finite number"),
        (float, "0.1", "a finite number"),
        (bool, 1, "true or false"),
        (bool, "true", "true or false"),
        (str, 3, "a string"),
        (str, b"a", "a string"),
        (str, np.array(["a", "b"]), "a string"),
        (None, 0, "null"),
        (None, np.array([1, 2]), "null"),
        (int | None, "a", "an integer or null"),
        (Literal["a", 1], True, "one of 'a', 1"),
        (Literal["a", 1], np.array(["a", "b"]), "one of 'a', 1"),
        (list[int], "12", "a list"),
        (list[int], {1, 2}, "a list"),
        (list[int], [1, "b"], "an integer at [1]"),
        (list[list[int]], [[1], [2, "c"]], "an integer at [1] at [1]"),
        (tuple[int, str], [1], "a list of 2"),
        (tuple[int, str], [1, 2], "a string at [1]"),
        (dict[str, int], [("a", 1)], "a dictionary"),
        (dict[str, int], {1: 1}, "a string at [key 1]"),
        (dict[str, int], {"a": "b"}, "an integer at [a]"),
        (dict[int, int], {"²": 1}, "an integer at [key '²']"),
        (dict[int, int], {"-": 1}, "an integer at [key '-']"),
        (Positive, 0, "a number of at least 1"),
        (Positive, -(10**30), "a number of at least 1"),
        (Probability, 5.0, "a number in [0, 1]"),
        (Probability, -1e-9, "a number in [0, 1]"),
        (PositiveFloat, 0, "a number above 0"),
        (Annotated[float, Range(0, 1, open="high")], 1, "a number in [0, 1)"),
        (Annotated[float, Range(0, 1, open="both")], 0, "a number in (0, 1)"),
        (Annotated[str, THINGS], "pth", "a registered thing (path); did you mean 'path'?"),
    ],
)
def test_what_does_not_fit_is_told_what_it_is_not(annotation, value, expected):
    with pytest.raises(Mismatch) as caught:
        compile_check(annotation)(value)
    assert str(caught.value) == expected


@pytest.mark.parametrize("annotation", [set[int], list, tuple, dict, bytes, np.ndarray, "int", list[set[int]], complex])
def test_annotations_that_json_cannot_hold_are_refused(annotation):
    with pytest.raises(TypeError, match="is not an annotation that a configuration field can have"):
        compile_check(annotation)


@given(
    low=st.integers(-5, 5), high=st.integers(-5, 5), value=st.floats(-6, 6), ends=st.sampled_from(["", "low", "high"])
)
def test_a_range_is_its_inequality(low, high, value, ends):
    below = low < value if ends == "low" else low <= value
    above = value < high if ends == "high" else value <= high
    assert (value in Range(low, high, ends)) is (below and above)


@given(st.recursive(st.integers() | st.booleans() | st.text() | st.none() | st.floats(), st.lists, max_leaves=6))
def test_a_check_accepts_or_says_mismatch_and_nothing_else(value):
    for annotation in (
        int,
        float,
        bool,
        str,
        int | None,
        list[int],
        Positive,
        Probability,
        Literal["a"],
        dict[int, int],
    ):
        try:
            stored = compile_check(annotation)(value)
        except Mismatch:
            continue
        assert compile_check(annotation)(stored) == stored  # what was stored fits again
