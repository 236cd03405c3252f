"""Writing a checkpoint in the Hugging Face format: the same file that torch writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..leaves import KERAS_LEAVES
from ..writing import file_names, write_checkpoint
from .state import state


def save(
    model: Any, save_directory: str | Path, *, max_shard_size: int | str = "5GB", variant: str | None = None
) -> None:
    """See `TFPreTrainedModel.save_pretrained`."""
    weights = state(model)
    names = file_names(
        weights, model.weight_names, headed=model.headed, ties=model.tied_names(), owner=type(model).__name__
    )
    tensors = {}
    for name, files in names.items():
        path, weight = weights[name]
        array = KERAS_LEAVES.to_file(path, np.asarray(weight.value))
        tensors.update(dict.fromkeys(files, array))
    write_checkpoint(
        save_directory, model.config, tensors, model_class=type(model), max_shard_size=max_shard_size, variant=variant
    )
