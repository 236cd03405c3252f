"""What every surgery keeps: the model it was given, and a report of every tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from architectures import inputs_for


def snapshot(model: Any) -> tuple[dict[str, torch.Tensor], Any]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, model.config.replace()


def outputs_of(model: Any, name: str, **options: Any) -> dict[str, Any]:
    """What the model makes of the inputs of the architecture and head `name`."""
    inputs = {key: torch.from_numpy(value) for key, value in inputs_for(name, **options).items()}
    with torch.no_grad():
        return dict(model(**inputs).items())


def check_surgery(model: Any, before: Any, new: Any, report: Any, folder: Path) -> None:
    """The old model is as it was, every tensor is accounted for, what is kept is equal, and the new one comes back."""
    old, config = before
    assert model.config == config
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in old.items())
    made = {**report.interpolated, **report.merged}
    state = new.state_dict()
    assert {*report.kept, *made, *report.fresh} | (report.cut.keys() & state.keys()) == state.keys()
    assert {*report.kept.values(), *report.cut} | (old.keys() & {*made, *report.fresh}) == old.keys()
    assert not (report.kept.keys() & (made.keys() | report.fresh.keys()))
    mine = {tensor.data_ptr() for tensor in model.state_dict().values()}
    for name, tensor in state.items():
        assert tensor.data_ptr() not in mine, name
        if name in report.kept:
            assert torch.equal(tensor, old[report.kept[name]]), name
    assert str(report).splitlines()[0] == report.title
    assert f"kept         {len(set(report.kept.values()))} of {len(old)} tensors" in str(report)
    new.save_pretrained(folder)
    again = type(new).from_pretrained(folder).state_dict()
    assert again.keys() == state.keys()
    assert all(torch.equal(again[name], tensor) for name, tensor in state.items())
