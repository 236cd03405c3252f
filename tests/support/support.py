"""The table of what works in which framework, made from the parity harness.

python tests/support/support.py            # runs every check and writes docs/support.md
python tests/support/support.py BertModel  # shows what is wrong with one
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import frameworks
from frameworks import CHECKS, FRAMEWORKS

PAGE = Path(__file__).parents[2] / "docs" / "support.md"
WORKS, FAILS, NONE = "✓", "✗", "–"
HEADER = """# What works in which framework

<!-- Made by `python tests/support/support.py`; do not edit. -->

Every head of every architecture, in every framework, beside torch: from one checkpoint with random weights, in float32,
on a padded batch. A cell holds four marks, in this order.

1. **forward**: every output, with hidden states, attention weights and the loss, is torch's within 1e-5 (Wav2Vec2:
   2e-5)
2. **gradient**: so is the gradient of every parameter
3. **save**: what it writes is what torch wrote, to the bit, in one file or in shards
4. **train**: a step of training moves every parameter that torch's moves, and no other

✓ it does; ✗ it does not. The names are those of the torch classes: Flax's begin with `Flax`, Keras's with `TF`.
"""
Outcomes = Mapping[tuple[str, str], Mapping[str, bool]]


def page(outcomes: Outcomes) -> str:
    """The whole page; `outcomes` by (framework, model), then by check."""
    rows = [["model", *FRAMEWORKS.values()], [":--", *([":-:"] * len(FRAMEWORKS))]]
    for name in frameworks.torch_models():
        rows.append([f"`{name}`", *(marks(outcomes.get((framework, name))) for framework in FRAMEWORKS)])
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{HEADER}\n{table}\n"


def marks(outcome: Mapping[str, bool] | None) -> str:
    return NONE if outcome is None else " ".join(WORKS if outcome[check] else FAILS for check in CHECKS)


def read(text: str) -> dict[tuple[str, str], dict[str, bool]]:
    """What `page` was made from."""
    found = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            for framework, cell in zip(FRAMEWORKS, cells, strict=True):
                if cell != NONE:
                    signs = (sign == WORKS for sign in cell.split())
                    found[framework, name.strip("`")] = dict(zip(CHECKS, signs, strict=True))
    return found


def main(names: list[str]) -> None:
    outcomes = {}
    for framework, name in frameworks.cases():
        if names and name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = frameworks.examine(framework, name, Path(folder))
        outcomes[framework, name] = {check: not wrong for check, wrong in found.items()}
        sys.stdout.write(f"{framework} {name}: {marks(outcomes[framework, name])}\n")
        for check, wrong in found.items():
            if wrong:
                sys.stdout.write(f"    {check}: {wrong[:600]}\n")
        sys.stdout.flush()
    if not names:
        PAGE.write_text(page(outcomes), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
