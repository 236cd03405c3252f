"""Tensors out of a pickle that holds nothing else, by torch, which alone can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import CheckpointError
from .lazy import missing_backend


def unpickle(paths: tuple[Path, ...]) -> dict[str, Any]:
    """torch's tensors by name; no code in the files is ever run."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise missing_backend("allow_pickle=True", error) from error
    state: dict[str, Any] = {}
    for path in paths:
        try:
            state.update(torch.load(path, map_location="cpu", weights_only=True, mmap=True))
        except Exception as error:  # whatever a broken or hostile pickle raises
            raise CheckpointError(str(path), f"is no pickle of tensors alone ({error})") from error
    return state
