"""Writing a checkpoint in the Hugging Face format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from ..errors import CheckpointError
from ..writing import file_names, write_checkpoint
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
    write_checkpoint(
        save_directory,
        model.config,
        file_tensors(model, state_dict),
        model_class=type(model),
        max_shard_size=max_shard_size,
        variant=variant,
        dtype=str(model.dtype).removeprefix("torch."),
        save_file=_save_tensors,
    )


def file_tensors(model: PreTrainedModel, state_dict: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
    """The tensors by their names in a file: of those that are one in the model, the first."""
    own, groups = model.state_dict(), ties(model)
    state = own if state_dict is None else state_dict
    again = {name for group in groups for name in group[1:]}
    if wrong := [*(state.keys() - own.keys()), *(own.keys() - again - state.keys())]:
        problem = f"{len(wrong)} names are not this model's, or lack in it, as {sorted(wrong)[0]!r}"
        raise CheckpointError("state_dict", problem, hint="The names are those of model.state_dict().")
    if empty := [name for name, tensor in state.items() if tensor.is_meta]:
        raise CheckpointError(empty[0], "has no values (it is on the meta device), so it cannot be saved")
    names = file_names(
        state, model.weight_names, headed=model.headed, ties=groups, owner=type(model).__name__, all_names=own
    )
    return {file: state[name].detach() for name, files in names.items() for file in files}


def _save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    from safetensors.torch import save_file

    seen: set[int] = set()
    save_file({name: _alone(tensor, seen) for name, tensor in tensors.items()}, path, metadata={"format": "pt"})


def _alone(tensor: Tensor, seen: set[int]) -> Tensor:
    """Contiguous, and owning its memory, as the format wants it."""
    whole = tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    shared = tensor.data_ptr() in seen
    seen.add(tensor.data_ptr())
    return tensor if tensor.is_contiguous() and whole and not shared else tensor.contiguous().clone()
