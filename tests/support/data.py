"""Real data for tests: texts, vocabularies, images, speech. It lies outside the repository; a test without it skips."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("DOVELA_TEST_DATA", Path(__file__).parents[3] / "shared/data"))


def data_path(name: str) -> Path:
    """The file or folder `name` of the test data; skips the test where it is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"test data is absent: {path} (set DOVELA_TEST_DATA to its folder)")
    return path
