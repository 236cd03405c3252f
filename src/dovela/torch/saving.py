"""Writing a checkpoint in the Hugging Face format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from ..checkpoint import index_name, plan_shards, shard_index, shard_names, stale_weights, weights_name
from ..config import CONFIG_NAME
from ..errors import CheckpointError
from ..folder import Content, save_files

if TYPE_CHECKING:
    from .model import PreTrainedModel


def save(
    model: PreTrainedModel,
    save_directory: str | Path,
    *,
    max_shard_size: int | str = "5GB",
    state_dict: Mapping[str, Tensor] | None = None,
    variant: str | None = None,
) -> None:
    """See `PreTrainedModel.save_pretrained`."""
    model.config.check_savable()
    tensors = file_tensors(model, state_dict)
    config = model.config.replace(architectures=[type(model).__name__], dtype=str(model.dtype).removeprefix("torch."))
    shards = plan_shards({name: t.numel() * t.element_size() for name, t in tensors.items()}, max_shard_size)
    names = [weights_name(variant)] if len(shards) == 1 else shard_names(len(shards), variant)
    files: dict[str, Content] = {CONFIG_NAME: config.to_json_string().encode()}
    for name, shard in zip(names, shards, strict=True):
        files[name] = _writer({key: tensors[key] for key in shard})
    if len(shards) > 1:
        sizes = {name: t.numel() * t.element_size() for name, t in tensors.items()}
        files[index_name(variant)] = shard_index(dict(zip(names, shards, strict=True)), sizes)
    save_files(save_directory, files, remove=lambda: stale_weights(save_directory, files, variant))


def file_tensors(model: PreTrainedModel, state_dict: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """The model's tensors by their names in a file; of tensors that share memory, the first."""
    headed, table = hasattr(model, "backbone"), model.table
    state = model.state_dict() if state_dict is None else state_dict
    tensors: dict[str, Tensor] = {}
    seen: set[tuple[object, ...]] = set()
    for name, tensor in state.items():
        if tensor.is_meta:
            raise CheckpointError(name, "has no values (it is on the meta device), so it cannot be saved")
        place = (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride())
        if tensor.numel() and place in seen:
            continue
        seen.add(place)
        tensors[table.write(name, headed=headed)] = tensor.detach()
    return tensors


def _writer(tensors: dict[str, Tensor]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        from safetensors.torch import save_file

        save_file({name: _alone(tensor) for name, tensor in tensors.items()}, path, metadata={"format": "pt"})

    return write


def _alone(tensor: Tensor) -> Tensor:
    """Contiguous, and owning its memory, as the format wants it."""
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    return tensor if tensor.is_contiguous() and whole else tensor.contiguous().clone()
