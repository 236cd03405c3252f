import pytest

from dovela.errors import RegistryError
from dovela.registry import Registry


def define(qualname: str = "Thing", module: str = "mine"):
    return type("Thing", (), {"__module__": module, "__qualname__": qualname})


def test_what_is_registered_is_found_listed_and_contained():
    things = Registry("thing", {"path": "pathlib:Path"})
    one = things.register("one", define())
    assert things.get("one") is one
    assert things.names() == ["one", "path"]
    assert "one" in things
    assert "path" in things
    assert "two" not in things


def test_the_decorator_gives_back_what_it_registers():
    things = Registry("thing")

    @things.decorator("f")
    def f() -> None: ...

    assert things.get("f") is f


def test_built_in_names_are_imported_when_asked_for():
    from pathlib import Path

    assert Registry("thing", {"path": "pathlib:Path"}).get("path") is Path


def test_two_things_under_one_name():
    things = Registry("thing")
    things.register("one", define("A"))
    message = "thing 'one': is already mine:A, so mine:B cannot take the name. Choose another name."
    with pytest.raises(RegistryError, match=f"^{message}$"):
        things.register("one", define("B"))
    assert things.get("one").__qualname__ == "A"


def test_a_built_in_name_cannot_be_taken_by_accident():
    things = Registry("thing", {"path": "pathlib:Path"})
    with pytest.raises(RegistryError, match="is already pathlib:Path"):
        things.register("path", define())
    replaced = things.register("path", define(), exist_ok=True)
    assert things.get("path") is replaced


def test_defining_the_same_thing_again_replaces_it_as_in_a_notebook():
    things = Registry("thing")
    things.register("one", define(module="__main__"))
    again = things.register("one", define(module="__main__"))
    assert things.get("one") is again


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "pth",
            "is not registered; did you mean 'path'? Registered: path. A class of your own must be imported first.",
        ),
        ("zzz", "is not registered. Registered: path."),
    ],
)
def test_an_unknown_name(name, words):
    with pytest.raises(RegistryError) as caught:
        Registry("thing", {"path": "pathlib:Path"}).get(name)
    assert str(caught.value).startswith(f"thing {name!r}: {words}")
    assert caught.value.__suppress_context__


def test_an_empty_registry_says_none():
    with pytest.raises(RegistryError, match="Registered: none"):
        Registry("thing").get("x")


def test_a_registry_describes_what_it_expects():
    assert Registry("thing", {"path": "pathlib:Path"}).describe("pth") == (
        "a registered thing (path); did you mean 'path'?"
    )
    many = Registry("thing", {f"name{i}": "pathlib:Path" for i in range(20)})
    assert many.describe(3) == "a registered thing"


def test_a_decorator_without_its_parentheses():
    registry = Registry("thing")
    with pytest.raises(RegistryError, match=r"thing Mine: is registered without a name\. .*@register_…\(\"name\"\)"):

        @registry.decorator
        class Mine:
            pass

    with pytest.raises(RegistryError, match="thing 3: is registered without a name"):
        registry.register(3, object())
