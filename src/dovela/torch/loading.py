"""Opening a checkpoint: build on the meta device, map the file, rename, assign. Nothing is drawn that the file has."""

from __future__ import annotations

import inspect
import mmap
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..checkpoint import WeightFiles, open_weights, read_json
from ..config import CONFIG_NAME, PretrainedConfig
from ..errors import CheckpointError, ConfigError, InputError
from ..fitting import LoadReport, Wanted, fit
from ..header import Entry
from ..hub import Source, source, split_options
from ..notices import notice
from ..parts import MODELS
from ..weights import BACKBONE

if TYPE_CHECKING:
    from .model import PreTrainedModel

FLOATS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}


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
    options, overrides = split_options(rest)
    build = {k: overrides.pop(k) for k in list(overrides) if k in inspect.signature(cls.__init__).parameters}
    target = _dtype(dtype if dtype is not None else torch_dtype)
    if name_or_path is None and (state_dict is None or config is None):
        raise InputError(f"{cls.__name__}.from_pretrained", "without a name, both config and state_dict are needed")
    src = None if name_or_path is None else source(name_or_path, **options)
    label = "state_dict" if src is None else src.label

    with src.reading() if src else nullcontext():  # files of one save, though another process may be saving
        config, saved_from = _configuration(cls, src, config, overrides)
        files = WeightFiles()
        if state_dict is None and src is not None:
            files = open_weights(src, variant=variant, allow_pickle=allow_pickle)
            state_dict = _unpickle(files.pickles) if files.pickles else None
        _refuse_integers(label, files, state_dict)
        model, real = _build(cls, config, build)
        sources, report = fit(
            f"{cls.__name__} from {label!r}",
            {n: e.shape for n, e in files.entries.items()} if state_dict is None else _shapes(state_dict),
            Wanted(
                shapes=_shapes(model.state_dict(keep_vars=True)),
                ties=ties(model),
                optional=cls.optional_parts,
                foreign_heads=_foreign_heads(cls, saved_from),
                headed=hasattr(model, "backbone"),
            ),
            model.table,
            new_head=new_head,
            keep_going=ignore_mismatched_sizes,
        )
        tensors = (
            _read(files, sources) if state_dict is None else {n: state_dict[f].detach() for n, f in sources.items()}
        )
    _assign(model, tensors, lambda: real or cls(config, **build))
    if target is not None:
        model.to(target)
    model.config.update({"name_or_path": "" if name_or_path is None else str(name_or_path)})
    _tell(f"{cls.__name__} from {label!r}", report)
    model.eval()
    return (model, report) if output_loading_info else model


def _tell(where: str, report: LoadReport) -> None:
    if report.fresh:
        parts = sorted({name.removeprefix(BACKBONE).partition(".")[0] for name in report.fresh})
        count = f"{len(report.fresh)} tensors are not in the checkpoint"
        notice(f"{where}: {' and '.join(parts)} is new and untrained ({count})")


def _configuration(
    cls: type[PreTrainedModel], src: Source | None, config: Any, overrides: dict[str, Any]
) -> tuple[PretrainedConfig, list[str]]:
    """The configuration to build with, and the classes that the checkpoint says it was saved from."""
    path = src.find(CONFIG_NAME) if src else None
    if config is None and src is not None:
        stored = cls.config_class.from_pretrained(path or src.require(CONFIG_NAME), **overrides)
        return stored, stored.architectures or []
    if not isinstance(config, PretrainedConfig):
        config = cls.config_class.from_pretrained(config)
    config = config.replace(**overrides)
    data = read_json(path, "configuration") if path else {}
    if data.get("model_type", config.model_type) != config.model_type:
        raise ConfigError(str(path), f"this is a checkpoint of type {data['model_type']!r}, not {config.model_type!r}")
    return config, list(data.get("architectures") or [])


def _build(cls: type[PreTrainedModel], config: PretrainedConfig, arguments: dict[str, Any]) -> tuple[Any, Any]:
    """The model without memory for its weights; or, where its constructor needs values, as it is (twice)."""
    try:
        with torch.device("meta"):
            return cls(config, **arguments), None
    except (RuntimeError, NotImplementedError) as error:
        if isinstance(error, CheckpointError):
            raise
        model = cls(config, **arguments)
        return model, model


def ties(model: nn.Module) -> list[list[str]]:
    """Groups of names under which one and the same parameter sits in the model."""
    groups: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def _foreign_heads(cls: type[PreTrainedModel], saved_from: list[str]) -> set[str]:
    """Parts of the head whose name means something else in the class that the checkpoint was saved from."""
    kind = f"{cls.config_class.model_type}/"
    for name in MODELS.names():
        other = MODELS.get(name)
        if name.startswith(kind) and other.__name__ in saved_from:
            return {part for part, means in cls.head_parts.items() if other.head_parts.get(part, means) != means}
    return set()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _refuse_integers(where: str, files: WeightFiles, state: Mapping[str, Tensor] | None) -> None:
    bad = [n for n, e in files.entries.items() if e.dtype not in FLOATS]
    bad += [n for n, t in (state or {}).items() if not t.is_floating_point()]
    bad = [name for name in bad if not name.endswith("position_ids")]
    if bad:
        raise CheckpointError(
            where, f"{len(bad)} weights are not floating-point numbers, as {bad[0]!r}", hint="Is it quantised?"
        )


def _unpickle(paths: tuple[Path, ...]) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for path in paths:
        try:
            state.update(torch.load(path, map_location="cpu", weights_only=True, mmap=True))
        except Exception as error:  # whatever a broken or hostile pickle raises
            raise CheckpointError(str(path), f"is no pickle of tensors alone ({error})") from error
    return state


def _read(files: WeightFiles, sources: Mapping[str, str]) -> dict[str, Tensor]:
    """Tensors by memory map: pages are read when they are first used, and written to a copy of one's own."""
    maps: dict[Path, mmap.mmap] = {}
    tensors = {}
    for name, file in sources.items():
        entry = files.entries[file]
        if entry.file not in maps:
            with entry.file.open("rb") as handle:
                maps[entry.file] = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
        tensors[name] = _tensor(maps[entry.file], entry)
    return tensors


def _tensor(data: mmap.mmap, entry: Entry) -> Tensor:
    dtype = FLOATS[entry.dtype]
    if not entry.nbytes:
        return torch.empty(entry.shape, dtype=dtype)
    if entry.start % dtype.itemsize:
        data, start = bytearray(data[entry.start : entry.start + entry.nbytes]), 0  # type: ignore[assignment]
    else:
        start = entry.start
    count = entry.nbytes // dtype.itemsize
    return _aligned(torch.frombuffer(data, dtype=dtype, count=count, offset=start).view(entry.shape))


def _aligned(tensor: Tensor) -> Tensor:
    """A small tensor that lies askew in its file is copied: on the odd address a head would sum in another order."""
    askew = tensor.data_ptr() % 64 and tensor.nbytes <= 65536
    return tensor.clone() if askew else tensor


def _assign(model: PreTrainedModel, tensors: dict[str, Tensor], build_real: Callable[[], nn.Module]) -> None:
    """Put the tensors in their places, share what was shared, and draw what is new."""
    modules = dict(model.named_modules(remove_duplicate=False))
    groups = ties(model)
    for group in groups:
        have = [name for name in group if name in tensors]
        for name in have[1:]:
            if not torch.equal(tensors[name], tensors[have[0]]):
                problem = f"differs from {have[0]}, and the model shares one tensor for both"
                raise CheckpointError(name, problem, hint="Pass tie_word_embeddings=False.")
    for name, tensor in tensors.items():
        _place(modules, name, tensor)
    for group in groups:
        shared = model.get_parameter(next((name for name in group if name in tensors), group[0]))
        for name in group:
            _place(modules, name, shared)
    model.tie_weights()
    _materialise(modules, build_real)


def _materialise(modules: dict[str, nn.Module], build_real: Callable[[], nn.Module]) -> None:
    """Give what is still without memory its values: by each layer's initialisation, or from a model built whole.

    The second way is for parameters and buffers that a user's constructor computes itself.
    """
    left = []
    for path, module in modules.items():
        own = {name: t for name, t in (*module._parameters.items(), *module._buffers.items()) if t is not None}
        empty = [name for name, tensor in own.items() if tensor.is_meta]
        if empty and len(empty) == len(own) and hasattr(module, "reset_parameters"):
            module.to_empty(device="cpu", recurse=False)
            module.reset_parameters()  # type: ignore[operator]
        else:
            left += [f"{path}.{name}" if path else name for name in empty]
    if left:
        real = build_real()
        values = {**dict(real.named_parameters(remove_duplicate=False)), **dict(real.named_buffers())}
        for name in left:
            _place(modules, name, values[name])


def _place(modules: Mapping[str, nn.Module], name: str, tensor: Tensor) -> None:
    owner, _, leaf = name.rpartition(".")
    module = modules[owner]
    if leaf in module._buffers:
        module._buffers[leaf] = tensor
    elif isinstance(tensor, nn.Parameter):
        module._parameters[leaf] = tensor
    else:
        old = module._parameters[leaf]
        module._parameters[leaf] = nn.Parameter(tensor, requires_grad=old is not None and old.requires_grad)


def _dtype(dtype: Any) -> torch.dtype | None:
    """A floating torch dtype from itself or its name; None for "auto": as stored."""
    found = getattr(torch, dtype.removeprefix("torch."), None) if isinstance(dtype, str) and dtype != "auto" else dtype
    if found in (None, "auto") and dtype in (None, "auto"):
        return None
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise InputError("dtype", f"expected a floating torch dtype or its name, got {dtype!r}")
    return found
