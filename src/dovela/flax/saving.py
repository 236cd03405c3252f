"""Writing a checkpoint: linen's tree under torch's names and in torch's layout, as every framework writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..errors import CheckpointError, InputError
from ..leaves import FLAX_LEAVES
from ..writing import file_names, write_checkpoint
from .binding import own_params, unwrapped
from .model import FlaxPreTrainedModel
from .trees import Path as Leaf
from .trees import flat


def save(
    model: FlaxPreTrainedModel,
    save_directory: str | Path,
    *,
    params: Any = None,
    max_shard_size: int | str = "5GB",
    variant: str | None = None,
) -> None:
    """See `FlaxPreTrainedModel.save_pretrained`."""
    cls = type(model)
    leaves = flat(own_params(model) if params is None else unwrapped(params))
    _check(model, leaves)
    paths = FLAX_LEAVES.by_name(leaves, cls.__name__)
    state = {name: FLAX_LEAVES.to_file(path, np.asarray(leaves[path])) for name, path in paths.items()}
    headed = any(path[0] == "backbone" for path in leaves)
    names = file_names(state, cls.weight_map, headed=headed, ties=cls.ties(model.config), owner=cls.__name__)
    tensors = {file: state[name] for name, files in names.items() for file in files}
    write_checkpoint(
        save_directory, model.config, tensors, model_class=cls, max_shard_size=max_shard_size, variant=variant
    )


def _check(model: FlaxPreTrainedModel, leaves: dict[Leaf, Any]) -> None:
    """Refuse weights that this model could not be opened with again."""
    wanted = flat(model.weight_shapes())
    where = f"{type(model).__name__}.save_pretrained"
    if other := sorted(".".join(path) for path in wanted.keys() ^ leaves.keys()):
        raise CheckpointError(where, f"{len(other)} weights are not this model's, or lack in it, as {other[0]!r}")
    for path, leaf in leaves.items():
        name, shape = ".".join(path), wanted[path].shape
        if not isinstance(leaf, (np.ndarray, jax.Array)):
            raise InputError(where, f"{name}: expected an array, got {type(leaf).__name__}")
        if tuple(leaf.shape) != shape:
            raise CheckpointError(where, f"{name} has the shape {list(leaf.shape)}, and the model {list(shape)}")
