"""Every model in every framework does what docs/support.md says, and the page lists every one."""

from __future__ import annotations

from pathlib import Path

import pytest

import support
from frameworks import CHECKS, cases, examine, installed

TABLE = support.read(support.PAGE.read_text(encoding="utf-8")) if support.PAGE.exists() else {}
WRITE = "write the table anew: python tests/support/support.py"


def test_the_page_is_made_from_all_there_is() -> None:
    assert set(TABLE) == set(cases()), WRITE
    assert support.PAGE.read_text(encoding="utf-8") == support.page(TABLE), WRITE


# One of each architecture; the kits' own tests look at the rest from closer by.
ARCHITECTURES = [
    "BertForMaskedLM",
    "DistilBertForSequenceClassification",
    "ViTForImageClassification",
    "Wav2Vec2ForCTC",
]
QUICK = {(framework, name) for framework in ("flax", "keras") for name in ARCHITECTURES} | {("keras-jax", "BertModel")}
EACH = [pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow) for case in cases()]


@pytest.mark.parametrize(("framework", "name"), EACH, ids=lambda part: part)
def test_the_table_of_support(framework: str, name: str, tmp_path: Path) -> None:
    if not installed(framework):
        pytest.skip(f"{framework} is not installed")
    found = examine(framework, name, tmp_path)
    said = TABLE.get((framework, name), dict.fromkeys(CHECKS, True))
    for check, wrong in found.items():
        if said[check]:
            assert not wrong, f"{check}: {wrong}"
        else:
            assert wrong, f"{check} works now: {WRITE}"
