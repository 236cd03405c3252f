"""What every test starts from: no notice was given yet, and what a test registers is gone after it."""

import sys
from collections.abc import Callable

import pytest

from dovela import config, notices, parts


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_seen", set())
    registries = [config.CONFIGS, parts.ACTIVATIONS, parts.ATTENTIONS, parts.KERNELS]
    if "dovela.torch.model" in sys.modules:
        registries.append(sys.modules["dovela.torch.model"].MODELS)
    for registry in registries:
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """`told()`: the notices given so far."""
    return lambda: [record.getMessage() for record in caplog.records if record.name == "dovela"]
