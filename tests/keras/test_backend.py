"""Which backend Keras computes with: chosen before its first import, and refused where the models cannot use it."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from alone import FRAMEWORKS, python

pytest.importorskip("keras")
pytestmark = pytest.mark.skipif(
    not (find_spec("tensorflow") and find_spec("jax")), reason="needs both backends of Keras"
)

CHOOSE = """
    import os, sys, types
    import dovela
    package = types.ModuleType("dovela.keras")  # without what it does when it is imported
    package.__path__ = [dovela.__path__[0] + "/keras"]
    sys.modules["dovela.keras"] = package
    from dovela.errors import MissingBackend
    from dovela.keras.backend import _choose
    try:
        _choose("here")
    except MissingBackend as error:
        print(error)
    else:
        print(os.environ.get("KERAS_BACKEND"))
"""


@pytest.fixture
def home(tmp_path):
    """A folder of Keras's settings, with none in it."""
    return tmp_path


def choose(home, blocked=(), **environment):
    return python(CHOOSE, blocked=blocked, KERAS_HOME=str(home), **environment)


def settings(home, backend):
    (home / "keras.json").write_text(json.dumps({"backend": backend, "floatx": "float32"}))


def test_tensorflow_is_taken_where_it_is_installed_and_jax_otherwise(home):
    assert choose(home) == "tensorflow"
    assert choose(home, ["tensorflow"]) == "jax"
    assert choose(home, ["tensorflow", "jax"]) == (
        "here: needs a package that Keras computes with, tensorflow or jax, and neither is installed. "
        'Run: pip install "dovela[keras]"'
    )


def test_what_somebody_chose_counts(home):
    assert choose(home, KERAS_BACKEND="jax") == "jax"
    settings(home, "jax")
    assert choose(home) == "None"  # which leaves it to the file
    settings(home, "tensorflow")  # as Keras writes it by itself
    assert choose(home, ["tensorflow"]) == "jax"
    (home / "keras.json").write_text("{")
    assert choose(home) == "tensorflow"


def test_other_backends_are_refused_before_anything_is_imported(home):
    told = (
        "here: the environment variable KERAS_BACKEND names the Keras backend 'torch', and the models take tensorflow "
        'or jax. Set os.environ["KERAS_BACKEND"] = "tensorflow" (or "jax") before the first import of keras.'
    )
    assert choose(home, KERAS_BACKEND="torch") == told
    settings(home, "openvino")
    assert choose(home).startswith(f"here: the file {home / 'keras.json'} names the Keras backend 'openvino', and")


def test_a_backend_that_is_fixed_already_is_refused():
    code = """
        import keras
        from dovela import MissingBackend
        try:
            from dovela import TFBertModel
        except MissingBackend as error:
            print(error)
    """
    assert python(code, KERAS_BACKEND="numpy") == (
        "dovela.TFBertModel: Keras computes with the backend 'numpy' in this process, and the models take tensorflow "
        'or jax. Set os.environ["KERAS_BACKEND"] = "tensorflow" (or "jax") before the first import of keras.'
    )


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_the_backend_that_is_named_computes(backend):
    code = """
        import dovela, keras
        dovela.TFPreTrainedModel
        print(keras.backend.backend())
    """
    assert python(code, KERAS_BACKEND=backend) == backend


@pytest.mark.parametrize(
    ("package", "version", "told"),
    [
        (
            "keras",
            "2.15.0",
            "dovela.TFBertModel: needs Keras 3, and Keras 2.15.0 is installed. "
            'Run: pip install --upgrade "dovela[keras]". What is written for Keras 2 goes on with tf-keras.',
        ),
        (
            "keras",
            "3.4.1",
            "dovela.TFBertModel: needs keras 3.5 or later, and 3.4.1 is installed. "
            'Run: pip install --upgrade "dovela[keras]"',
        ),
    ],
)
def test_versions_that_are_too_old(package, version, told):
    code = f"""
        from importlib import metadata
        real = metadata.version
        metadata.version = lambda name: {version!r} if name == {package!r} else real(name)
        from dovela import MissingBackend
        try:
            from dovela import TFBertModel
        except MissingBackend as error:
            print(error)
        assert not loaded{FRAMEWORKS}
    """
    assert python(code) == told
