import copy
import inspect
import pickle

import pytest

from dovela import errors
from dovela.errors import CheckpointError, ConfigError, DovelaError, InputError, MissingWeights, suggest
from dovela.fitting import LoadReport

TREE = {  # as the page about errors draws it: class -> its parents
    "DovelaError": (Exception,),
    "ConfigError": (DovelaError, ValueError),
    "InputError": (DovelaError, ValueError),
    "RegistryError": (DovelaError, LookupError),
    "CheckpointError": (DovelaError, RuntimeError),
    "MissingWeights": (CheckpointError,),
    "UnexpectedWeights": (CheckpointError,),
    "ShapeMismatch": (CheckpointError,),
    "MissingBackend": (DovelaError, ImportError),
}
CLASSES = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


def test_the_tree_is_as_documented():
    assert {cls.__name__: cls.__bases__ for cls in CLASSES} == TREE
    for name in TREE:
        assert name in errors.__doc__


def test_one_problem_is_one_line_with_where_what_and_what_to_do():
    error = InputError("tokenizer", "expected a string, got 3", hint="Pass a string.")
    assert str(error) == "tokenizer: expected a string, got 3. Pass a string."
    assert (error.where, error.problems, error.hint) == ("tokenizer", ("expected a string, got 3",), "Pass a string.")


def test_a_question_is_not_ended_twice():
    assert str(ConfigError("a", "there is no 'b'; did you mean 'c'?", hint="Do d.")).endswith("did you mean 'c'? Do d.")


def test_several_problems_are_a_list():
    assert str(ConfigError("a", "x is 1", "y is 2", hint="Do z.")) == "a: 2 problems\n  - x is 1\n  - y is 2\nDo z."


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("duplicate", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
def test_an_error_crosses_a_process_boundary_whole(cls, duplicate):
    error = cls("a", "x is 1", "y is 2", hint="Do z.")
    error.report = LoadReport(missing=["w"])
    again = duplicate(error)
    assert type(again) is cls
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_checkpoint_error_has_no_report_unless_names_or_shapes_did_not_fit():
    assert MissingWeights("a", "b").report is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("n_layer", "; did you mean 'n_layers'?"), ("zzz", ""), (3, ""), (None, ""), ("", "")],
)
def test_suggest(name, expected):
    assert suggest(name, ["n_layers", "n_heads"]) == expected
