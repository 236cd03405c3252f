"""Opening a checkpoint: build on the meta device, map the file, rename, assign. Nothing is drawn that the file has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..config import PretrainedConfig
from ..errors import InputError
from ..fitting import Wanted
from ..opening import opening, refuse_integers, shapes_of, untied
from .mapping import as_tensor, dtype_of, read_tensors
from .model_classes import model_classes
from .sharing import modules_of, place, tensor_at, ties

if TYPE_CHECKING:
    from .model import PreTrainedModel


def load(
    cls: type[PreTrainedModel],
    name_or_path: str | Path | None,
    *,
    config: PretrainedConfig | str | Path | None = None,
    dtype: Any = None,
    torch_dtype: Any = None,
    state_dict: Mapping[str, Tensor] | None = None,
    new_head: bool = False,
    ignore_mismatched_sizes: bool = False,
    output_loading_info: bool = False,
    variant: str | None = None,
    allow_pickle: bool = False,
    **rest: Any,
) -> Any:
    """See `PreTrainedModel.from_pretrained`."""
    target = _dtype(dtype if dtype is not None else torch_dtype)
    with opening(
        cls,
        name_or_path,
        config=config,
        state_dict=state_dict,
        variant=variant,
        allow_pickle=allow_pickle,
        rest=rest,
        relatives=lambda: model_classes(cls.config_class),
    ) as opened:
        model = build_empty(cls, opened.config, opened.build)
        state, groups = model.state_dict(keep_vars=True), ties(model)
        wanted = Wanted(
            shapes=shapes_of(state),
            ties=groups,
            optional=cls.optional_parts,
            headed=model.headed,
            heads=model.head_names(),
        )
        sources, report = opened.fit(wanted, model.weight_names, new_head=new_head, keep_going=ignore_mismatched_sizes)
        if opened.given is None:
            dtypes = {name: dtype_of(opened.files.entries[file], file) for name, file in sources.items()}
            _refuse_integers(opened.label, sources, dtypes, state)
            tensors = read_tensors(opened.files, sources)
        else:
            tensors = {name: as_tensor(file, opened.given[file]) for name, file in sources.items()}
            _refuse_integers(opened.label, sources, {name: t.dtype for name, t in tensors.items()}, state)
    assign(model, tensors, groups, lambda: cls(opened.config, **opened.build))
    if target is not None:
        model.to(target)
    opened.tell(report)
    model.eval()
    return (model, report) if output_loading_info else model


def build_empty(cls: type[PreTrainedModel], config: PretrainedConfig, arguments: dict[str, Any]) -> PreTrainedModel:
    """The model without memory for its weights; or, where its constructor needs values, as it is."""
    try:
        with torch.device("meta"):
            return cls(config, **arguments)
    except Exception:  # if it was not for the values, it comes again
        return cls(config, **arguments)


def _refuse_integers(
    where: str, sources: Mapping[str, str], dtypes: Mapping[str, torch.dtype], state: Mapping[str, Tensor]
) -> None:
    """Weights that the model computes with must be floating-point numbers; its own counters need not."""
    bad = [file for n, file in sources.items() if state[n].is_floating_point() and not dtypes[n].is_floating_point]
    refuse_integers(where, bad)


def assign(
    model: PreTrainedModel, tensors: dict[str, Tensor], groups: list[list[str]], build: Callable[[], nn.Module]
) -> None:
    """Put the tensors in their places, give what is new its values, and share what was shared (`groups` of names)."""
    modules = modules_of(model)
    for group in groups:
        have = [name for name in group if name in tensors]
        for name in have[1:]:
            if not torch.equal(tensors[name], tensors[have[0]]):
                raise untied(name, have[0])
    for name, tensor in tensors.items():
        place(modules, name, tensor)
    for group in groups:
        first = next((name for name in group if name in tensors), group[0])
        for name in group:
            place(modules, name, tensor_at(modules, first))
    empty = _without_values(modules)
    if empty:
        _fill(modules, empty, build, next((t.dtype for t in tensors.values() if t.is_floating_point()), None))
        for group in groups:
            for name in group[1:]:
                place(modules, name, tensor_at(modules, group[0]))


def _without_values(modules: Mapping[str, nn.Module]) -> list[str]:
    """Parameters, buffers and plain tensors that are still on the meta device."""
    return [
        f"{path}.{name}" if path else name
        for path, module in modules.items()
        for name, tensor in (*module._parameters.items(), *module._buffers.items(), *vars(module).items())
        if isinstance(tensor, Tensor) and tensor.is_meta
    ]


def _fill(
    modules: Mapping[str, nn.Module], names: list[str], build: Callable[[], nn.Module], dtype: torch.dtype | None
) -> None:
    """Values from a second model that is built for real, so that each is as its own constructor made it.

    Where nothing inside the backbone is missing, the second one's is left without memory.
    """
    from .building import hollow
    from .model import PreTrainedModel

    inner = [path for path, module in modules.items() if path and isinstance(module, PreTrainedModel)]
    outside = not any(name.startswith(f"{path}.") for name in names for path in inner)
    with hollow() if outside else nullcontext():
        real = modules_of(build())
    for name in names:
        value = tensor_at(real, name)
        fits = dtype is None or not value.is_floating_point()
        place(modules, name, value if fits else value.detach().to(dtype))


def _dtype(dtype: Any) -> torch.dtype | None:
    """A floating torch dtype from itself or its name; None for "auto": as stored."""
    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) and dtype != "auto" else dtype
    if found in (None, "auto") and dtype in (None, "auto"):
        return None
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise InputError("dtype", f"expected a floating torch dtype or its name, got {dtype!r}")
    return found
