import sys
import types

import pytest

from dovela.errors import MissingBackend
from dovela.lazy import attach, missing_backend


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
