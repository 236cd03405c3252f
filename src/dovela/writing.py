"""Writing a checkpoint in the Hugging Face format, from a model of any framework: the file is the same.

names = file_names(state, cls.weight_map, headed=True)  # {state name: its names in the file}
tensors = {name: state[key] for key, found in names.items() for name in found}
write_checkpoint(folder, config, tensors, model_class=cls)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from .arrays import is_floating
from .checkpoint import index_name, plan_shards, shard_index, shard_names, stale_weights
from .config_files import CONFIG_NAME, file_content
from .errors import CheckpointError
from .folder import Content, save_files
from .parts import MODELS_OF
from .weights import BACKBONE, WeightMap

BASE_CLASS = "PreTrainedModel"  # how the names of the kits' base classes end; what is before names the framework


def write_checkpoint(
    save_directory: str | Path,
    config: Any,
    tensors: Mapping[str, Any],
    *,
    model_class: type,
    max_shard_size: int | str = "5GB",
    variant: str | None = None,
    dtype: str = "",
    save_file: Callable[[Path, dict[str, Any]], None] | None = None,
) -> None:
    """config.json and safetensors with `tensors` (by their names in the file, in torch's layout), all or nothing.

    By default they are arrays; `save_file` writes another framework's into a path. `dtype` is noted in config.json:
    that of the first floating array unless it is given.
    """
    config.check_savable()
    dtype = dtype or next((array.dtype.name for array in tensors.values() if is_floating(array)), "float32")
    config = config.replace(architectures=_architectures(model_class, config.model_type), dtype=dtype)
    sizes = {name: tensor.nbytes for name, tensor in tensors.items()}
    shards = plan_shards(sizes, max_shard_size)
    names = shard_names(len(shards), variant)
    files: dict[str, Content] = {CONFIG_NAME: file_content(config, classes=[model_class])}
    for name, shard in zip(names, shards, strict=True):
        files[name] = _writer({key: tensors[key] for key in shard}, save_file or save_arrays)
    if len(shards) > 1:
        files[index_name(variant)] = shard_index(dict(zip(names, shards, strict=True)), sizes)
    save_files(save_directory, files, remove=lambda: stale_weights(save_directory, files, variant))


def file_names(
    state: Iterable[str],
    weight_map: WeightMap,
    *,
    headed: bool,
    ties: Iterable[Collection[str]] = (),
    owner: str = "",
    all_names: Iterable[str] | None = None,
) -> dict[str, list[str]]:
    """State name -> its names in a file: one, or two where files carry a tensor under two. Of tied names the first.

    `all_names` are the model's, if `state` has only some of them; `owner` is the model's class, for messages.
    """
    state = list(state)
    own = state if all_names is None else all_names
    full = {name: name if headed else BACKBONE + name for name in own}
    theirs = set(full.values())
    again = {name for group in ties for name in list(group)[1:]}
    found: dict[str, list[str]] = {}
    taken: set[str] = set()
    for name in state:
        if name in again:
            continue
        file = weight_map.write(name, headed=headed)
        read = (weight_map.read(file), weight_map.as_is(file, headed=headed))
        names = [back for back in read if isinstance(back, str)]
        if file in taken or next((back for back in names if back in theirs), names[0]) != full[name]:
            problem = f"would be saved as {file!r}, which is another tensor's name"
            where = f"{owner}.{name}" if owner else name
            raise CheckpointError(where, problem, hint="Give the part another name.")
        found[name] = [file]
        if also := weight_map.also(name, headed=headed):
            found[name].append(also)
        taken |= {*found[name]}
    return found


def save_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """One safetensors file of NumPy arrays."""
    import numpy as np
    from safetensors.numpy import save_file

    # The format's writer takes the memory as it lies, whatever the strides say.
    save_file({k: np.asarray(array, order="C") for k, array in arrays.items()}, path, metadata={"format": "pt"})


def plain_name(cls: type) -> str:
    """The name of the torch class of the same meaning: FlaxBertModel and TFBertModel are BertModel in files."""
    kits = [base.__name__ for base in cls.__mro__ if base.__module__.startswith("dovela.")]
    kit = next((name for name in reversed(kits) if name.endswith(BASE_CLASS)), "")
    return cls.__name__.removeprefix(kit.removesuffix(BASE_CLASS)) or cls.__name__


def _architectures(cls: type, model_type: str) -> list[str]:
    """The class, and for one that no name leads to the nearest above it that can be found again."""
    known = (base for base in cls.__mro__ if any(models.has(base, f"{model_type}/") for models in MODELS_OF.values()))
    return list(dict.fromkeys([plain_name(cls), plain_name(next(known, cls))]))


def _writer(tensors: dict[str, Any], save_file: Callable[[Path, dict[str, Any]], None]) -> Callable[[Path], None]:
    return lambda path: save_file(path, tensors)
