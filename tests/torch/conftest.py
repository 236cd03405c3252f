from __future__ import annotations

from typing import Any

import pytest
import torch

import dovela
from architectures import config_of


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def small() -> Any:
    """`small("BertForMaskedLM", hidden_act="relu")`: a small random model in evaluation mode."""

    def build(name: str, **changes: Any) -> Any:
        cls = getattr(dovela, name)
        return cls(cls.config_class(**{**config_of(name), **changes})).eval()

    return build
