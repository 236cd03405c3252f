"""What every test starts from: no notice was given yet, and what a test registers is gone after it."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from dovela import config, notices, parts
from dovela.registry import Registry

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(notices, "_seen", set())
    registries = [config.CONFIGS, *(value for value in vars(parts).values() if isinstance(value, Registry))]
    before = [dict(registry._entries) for registry in registries]
    yield
    for registry, entries in zip(registries, before, strict=True):
        own = {name: v for name, v in registry._entries.items() if v.__module__.startswith(("dovela.", "torch."))}
        registry._entries = own | entries  # what a test imported from dovela stays: it will not be imported again


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """`told()`: the notices given so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "dovela"]
