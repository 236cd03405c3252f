"""What every test starts from: no notice was given yet, and what a test registers is gone after it."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from dovela import config, notices, parts
from dovela.registry import Registry

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(notices, "_seen", set())
    before = {id(registry): dict(registry._entries) for registry in registries()}
    yield
    for registry in registries():  # those of a framework that the test was the first to import among them
        own = {name: v for name, v in registry._entries.items() if place(v).startswith(("dovela.", "torch."))}
        # What a test imported from dovela stays: it will not be imported again.
        registry._entries = own | before.get(id(registry), {})


def registries() -> list[Registry]:
    kits = [sys.modules[name] for name in ("dovela.flax.parts", "dovela.keras.parts") if name in sys.modules]
    found = [value for module in (parts, *kits) for value in vars(module).values() if isinstance(value, Registry)]
    return list({id(registry): registry for registry in [config.CONFIGS, *found]}.values())


def place(value: Any) -> str:
    return getattr(value, "__module__", None) or ""


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """`told()`: the notices given so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "dovela"]
