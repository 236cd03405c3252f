import sys
import types

import pytest

from dovela import lazy
from dovela.errors import MissingBackend
from dovela.lazy import attach, load, missing_backend, naming


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of which `good` is found, `needs_torch` wants an absent torch and `needs_other` an absent stranger."""
    folder = tmp_path / "lazily"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text("x = object()\n")
    (folder / "needs_torch.py").write_text("import torch.nn\n")
    (folder / "needs_other.py").write_text("import no_such_package_anywhere\n")
    (folder / "broken.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "torch.nn", None)
    module = types.ModuleType("lazily")
    module.__path__ = [str(folder)]
    monkeypatch.setitem(sys.modules, "lazily", module)
    names = {"good": ["x"], "needs_torch": ["Model"], "needs_other": ["Other"], "broken": ["gone"]}
    module.__getattr__, module.__dir__ = attach("lazily", names)
    yield module
    for name in [name for name in sys.modules if name.startswith("lazily.")]:
        del sys.modules[name]


def test_a_name_is_imported_when_first_used_and_then_kept(package):
    assert "lazily.good" not in sys.modules
    assert package.x is sys.modules["lazily.good"].x
    assert vars(package)["x"] is package.x


def test_names_are_listed_without_being_imported(package):
    assert dir(package) == ["Model", "Other", "gone", "x"]
    assert not [name for name in sys.modules if name.startswith("lazily.")]


def test_an_unknown_name_is_an_attribute_error_with_a_suggestion(package):
    with pytest.raises(AttributeError, match=r"^module 'lazily' has no attribute 'Modl'; did you mean 'Model'\?$"):
        _ = package.Modl
    assert not hasattr(package, "_private")
    with pytest.raises(AttributeError, match=r"has no attribute '_x'$"):
        _ = package._x


def test_a_missing_optional_package_is_named_with_the_command_that_installs_it(package):
    with pytest.raises(MissingBackend) as caught:
        _ = package.Model
    assert str(caught.value) == (
        "lazily.Model: needs the package 'torch', which is not installed. Run: pip install \"dovela[torch]\""
    )
    assert isinstance(caught.value, ImportError)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_any_other_missing_package_is_left_as_python_says_it(package):
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_package_anywhere'"):
        _ = package.Other


def test_a_name_that_its_module_does_not_have(package):
    with pytest.raises(AttributeError, match="gone"):
        _ = package.gone


def test_missing_backend_of_an_error_without_a_name():
    error = ModuleNotFoundError("something")
    assert missing_backend("x", error) is error


@pytest.fixture
def jax_that(tmp_path, monkeypatch):
    """A package `jax` of this content, in the place of any other."""

    def make(content: str) -> None:
        (tmp_path / "jax.py").write_text(content)
        monkeypatch.syspath_prepend(tmp_path)
        for name in [name for name in sys.modules if name.partition(".")[0] == "jax"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(lazy, "installed_version", lambda package: None)

    yield make
    sys.modules.pop("jax", None)  # before the real one comes back


def test_a_package_that_works_is_loaded(jax_that):
    jax_that("x = 1")
    assert load("here", "jax").x == 1


def test_a_package_that_is_broken_is_named_with_what_it_says(jax_that):
    jax_that("raise RuntimeError('jaxlib is newer than jax')")
    with pytest.raises(MissingBackend) as caught:
        load("here", "jax")
    assert str(caught.value) == (
        "here: the package 'jax' is installed, and its import fails (RuntimeError: jaxlib is newer than jax). "
        'Run: pip install --upgrade "dovela[flax]"'
    )
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_package_that_lacks_a_stranger_is_broken_too(jax_that):
    jax_that("import no_such_package_anywhere")
    with pytest.raises(
        MissingBackend, match=r"its import fails .ModuleNotFoundError: No module named 'no_such_package"
    ):
        load("here", "jax")


def test_a_package_that_lacks_one_of_ours_names_that(jax_that, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    jax_that("import tensorflow")
    with pytest.raises(MissingBackend, match=r"^here: needs the package 'tensorflow', which is not installed"):
        load("here", "jax")


@pytest.mark.parametrize(("version", "fits"), [("0.4.34", False), ("0.4.35rc1", True), ("0.5", True), ("1.0", True)])
def test_versions_are_compared_as_numbers(monkeypatch, version, fits):
    monkeypatch.setattr(lazy, "installed_version", lambda package: version)
    if fits:
        lazy.check_version("here", "jax")
    else:
        with pytest.raises(MissingBackend) as caught:
            lazy.check_version("here", "jax")
        assert str(caught.value) == (
            'here: needs jax 0.4.35 or later, and 0.4.34 is installed. Run: pip install --upgrade "dovela[flax]"'
        )


def test_an_installed_version_is_known_without_an_import():
    assert lazy.installed_version("pytest") == pytest.__version__
    assert lazy.installed_version("no-such-package-anywhere") is None


def test_errors_name_what_somebody_asked_for():
    with pytest.raises(MissingBackend, match=r"^dovela.X: is too old. Upgrade it$"), naming("dovela.X"):
        raise MissingBackend("dovela.flax", "is too old", hint="Upgrade it")
