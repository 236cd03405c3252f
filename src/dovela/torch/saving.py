"""Writing a checkpoint in the Hugging Face format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from ..checkpoint import index_name, plan_shards, shard_index, shard_names, stale_weights, weights_name
from ..config_files import CONFIG_NAME, file_content
from ..errors import CheckpointError
from ..folder import Content, save_files
from ..parts import MODELS
from ..weights import BACKBONE
from .sharing import ties

if TYPE_CHECKING:
    from .model import PreTrainedModel


def save(
    model: PreTrainedModel,
    save_directory: str | Path,
    *,
    max_shard_size: int | str = "5GB",
    state_dict: Mapping[str, Tensor] | None = None,
    variant: str | None = None,
    safe_serialization: bool = True,
) -> None:
    """See `PreTrainedModel.save_pretrained`."""
    if not safe_serialization:
        raise CheckpointError("save_pretrained", "pickles are not written", hint="Leave safe_serialization=True.")
    model.config.check_savable()
    tensors = file_tensors(model, state_dict)
    config = model.config.replace(architectures=_architectures(model), dtype=str(model.dtype).removeprefix("torch."))
    shards = plan_shards({name: t.numel() * t.element_size() for name, t in tensors.items()}, max_shard_size)
    names = [weights_name(variant)] if len(shards) == 1 else shard_names(len(shards), variant)
    files: dict[str, Content] = {CONFIG_NAME: file_content(config, classes=[type(model)])}
    for name, shard in zip(names, shards, strict=True):
        files[name] = _writer({key: tensors[key] for key in shard})
    if len(shards) > 1:
        sizes = {name: t.numel() * t.element_size() for name, t in tensors.items()}
        files[index_name(variant)] = shard_index(dict(zip(names, shards, strict=True)), sizes)
    save_files(save_directory, files, remove=lambda: stale_weights(save_directory, files, variant))


def _architectures(model: PreTrainedModel) -> list[str]:
    """The class, and for one that no name leads to the nearest above it that can be found again."""
    registered = {MODELS.get(name) for name in MODELS.names() if name.startswith(f"{model.config.model_type}/")}
    nearest = next((cls for cls in type(model).__mro__ if cls in registered), type(model))
    return list(dict.fromkeys([type(model).__name__, nearest.__name__]))


def file_tensors(model: PreTrainedModel, state_dict: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """The tensors by their names in a file: of those that are one in the model, the first."""
    headed, table, own = model.headed, model.weight_names, model.state_dict()
    state = own if state_dict is None else state_dict
    again = {name for group in ties(model) for name in group[1:]}
    if wrong := [*(state.keys() - own.keys()), *(own.keys() - again - state.keys())]:
        problem = f"{len(wrong)} names are not this model's, or lack in it, as {sorted(wrong)[0]!r}"
        raise CheckpointError("state_dict", problem, hint="The names are those of model.state_dict().")
    full = {name: name if headed else BACKBONE + name for name in own}
    tensors: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.is_meta:
            raise CheckpointError(name, "has no values (it is on the meta device), so it cannot be saved")
        if name in again:
            continue
        file = table.write(name, headed=headed)
        names = [back for back in (table.read(file), table.as_is(file, headed=headed)) if isinstance(back, str)]
        if file in tensors or next((back for back in names if back in full.values()), names[0]) != full[name]:
            problem = f"would be saved as {file!r}, which is another tensor's name"
            raise CheckpointError(f"{type(model).__name__}.{name}", problem, hint="Give the part another name.")
        tensors[file] = tensor.detach()
        if also := table.also(name, headed=headed):
            tensors[also] = tensor.detach()
    return tensors


def _writer(tensors: dict[str, Tensor]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        from safetensors.torch import save_file

        seen: set[int] = set()
        save_file({name: _alone(tensor, seen) for name, tensor in tensors.items()}, path, metadata={"format": "pt"})

    return write


def _alone(tensor: Tensor, seen: set[int]) -> Tensor:
    """Contiguous, and owning its memory, as the format wants it."""
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    shared = tensor.data_ptr() in seen
    seen.add(tensor.data_ptr())
    return tensor if tensor.is_contiguous() and whole and not shared else tensor.contiguous().clone()
