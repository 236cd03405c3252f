"""Opening a checkpoint: build on the meta device, map the file, rename, assign. Nothing is drawn that the file has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..checkpoint import WeightFiles, open_weights, read_json
from ..config import CONFIG_NAME, CONFIGS, PretrainedConfig
from ..errors import CheckpointError, ConfigError, InputError
from ..fitting import LoadReport, Wanted, fit
from ..hub import Source, source, split_options
from ..notices import notice
from ..origins import KEY as DEFINED_IN
from ..weights import BACKBONE
from .mapping import dtype_of, read_tensors, unpickle
from .model_classes import model_classes
from .sharing import modules_of, place, tensor_at, ties

if TYPE_CHECKING:
    from .model import PreTrainedModel

STRUCTURE = (
    "num_attention_heads",
    "attention",
    "positions",
    "feed_forward",
    "norm_order",
    "do_stable_layer_norm",
    "conv_stride",
)  # what a configuration must share with weights that do not show it


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
    where = f"{cls.__name__} from {label!r}"

    with src.reading() if src else nullcontext():  # files of one save, though another process may be saving
        config, data = _configuration(cls, src, config, overrides)
        saved_from = list(data.get("architectures") or [])
        files = WeightFiles()
        if state_dict is None and src is not None:
            files = open_weights(src, variant=variant, allow_pickle=allow_pickle)
            state_dict = unpickle(files.pickles) if files.pickles else None
        model = build_empty(cls, config, build)
        state, groups = model.state_dict(keep_vars=True), ties(model)
        if state_dict is not None and state_dict.keys() <= state.keys():  # named as in the model, not as in files
            state_dict = {model.weight_names.write(name, headed=model.headed): t for name, t in state_dict.items()}
        try:
            sources, report = fit(
                where,
                {n: e.shape for n, e in files.entries.items()} if state_dict is None else _shapes(state_dict),
                Wanted(
                    shapes=_shapes(state),
                    ties=groups,
                    optional=cls.optional_parts,
                    foreign_heads=_foreign_heads(cls, saved_from),
                    headed=model.headed,
                    heads=model.head_names(),
                ),
                model.weight_names,
                new_head=new_head,
                keep_going=ignore_mismatched_sizes,
            )
        except CheckpointError as error:
            raise _told_of_its_class(error, cls, data) from None
        if state_dict is None:
            dtypes = {name: dtype_of(files.entries[file], file) for name, file in sources.items()}
            _refuse_integers(label, sources, dtypes, state)
            tensors = read_tensors(files, sources)
        else:
            tensors = {name: state_dict[file].detach() for name, file in sources.items()}
            _refuse_integers(label, sources, {name: t.dtype for name, t in tensors.items()}, state)
    assign(model, tensors, groups, lambda: cls(config, **build))
    if target is not None:
        model.to(target)
    model.config.update({"name_or_path": "" if name_or_path is None else str(name_or_path)})
    _tell(where, report)
    model.eval()
    return (model, report) if output_loading_info else model


def _tell(where: str, report: LoadReport) -> None:
    if report.fresh:
        parts = sorted({name.removeprefix(BACKBONE).partition(".")[0] for name in report.fresh})
        are, count = "is" if len(parts) == 1 else "are", len(report.fresh)
        notice(f"{where}: {', '.join(parts)} {are} new and untrained ({count} of its tensors were drawn)")


def _told_of_its_class(error: CheckpointError, cls: type[PreTrainedModel], data: Mapping[str, Any]) -> CheckpointError:
    """The misfit, with the class that the checkpoint was saved from, where that is another one and somebody's own."""
    noted, saved_from = data.get(DEFINED_IN), (data.get("architectures") or [""])[0]
    place = noted.get(saved_from) if isinstance(noted, Mapping) else None
    if not isinstance(place, str) or saved_from == cls.__name__:
        return error
    hint = f"{error.hint} The checkpoint was saved from {saved_from}, which {place} defines.".lstrip()
    told = type(error)(error.where, *error.problems, hint=hint)
    told.report = error.report
    return told


def _configuration(
    cls: type[PreTrainedModel], src: Source | None, config: Any, overrides: dict[str, Any]
) -> tuple[PretrainedConfig, Mapping[str, Any]]:
    """The configuration to build with, and the checkpoint's file, which says what it was saved from."""
    path = src.find(CONFIG_NAME) if src else None
    if config is None and src is not None:
        path = path or src.require(CONFIG_NAME)
    data = read_json(path, "configuration") if path else {}
    if config is None:
        config = _class_of(data, cls.config_class).from_dict(data, source=str(path), **overrides)
    else:
        if not isinstance(config, PretrainedConfig):
            config = cls.config_class.from_pretrained(config)
        config = config.replace(**overrides)
    if path is None:
        return config, {"architectures": config.architectures}
    if data.get("model_type", config.model_type) != config.model_type:
        raise ConfigError(str(path), f"this is a checkpoint of type {data['model_type']!r}, not {config.model_type!r}")
    aliases = config.aliases()
    for word in STRUCTURE:
        field = aliases.get(word, word)
        stored = data.get(field, data.get(word))
        if stored is not None and stored != getattr(config, field, stored):
            raise ConfigError(
                f"{type(config).__name__}.{field}",
                f"is {getattr(config, field)!r}, and the weights of {path} were trained with {stored!r}",
                hint="They have the same shapes and would mean nothing.",
            )
    _same_grid(config, data, path)
    return config, data


def _same_grid(config: PretrainedConfig, data: dict[str, Any], path: Path) -> None:
    """Positions on a grid of patches mean nothing on another, even where there are as many."""
    if "image_size" not in data or not hasattr(config, "grid"):
        return
    written: Any = type(config).from_dict(data, source=str(path))
    if config.grid != written.grid:
        wanted, trained = (f"{rows} × {columns}" for rows, columns in (config.grid, written.grid))
        raise ConfigError(
            f"{type(config).__name__}.image_size",
            f"gives {wanted} patches, and the weights of {path} were trained with {trained}",
            hint="Leave it as it is, and call the model with interpolate_pos_encoding=True on images of another size.",
        )


def _class_of(data: Mapping[str, Any], expected: type[PretrainedConfig]) -> type[PretrainedConfig]:
    """The configuration class of a file, if a model that takes `expected` takes it too."""
    kind = data.get("model_type")
    found = CONFIGS.get(kind) if isinstance(kind, str) and kind in CONFIGS else expected
    return found if issubclass(found, expected) else expected


def build_empty(cls: type[PreTrainedModel], config: PretrainedConfig, arguments: dict[str, Any]) -> PreTrainedModel:
    """The model without memory for its weights; or, where its constructor needs values, as it is."""
    try:
        with torch.device("meta"):
            return cls(config, **arguments)
    except Exception:  # if it was not for the values, it comes again
        return cls(config, **arguments)


def _foreign_heads(cls: type[PreTrainedModel], saved_from: list[str]) -> set[str]:
    """Parts of the head whose name may mean something else in the class that the checkpoint was saved from."""
    if not cls.head_parts or not saved_from:
        return set()
    classes = {cls, *model_classes(cls.config_class)}
    known = [other for other in classes if other.__name__ in saved_from]
    other_meanings = {
        part
        for part, means in cls.head_parts.items()
        if any(other.head_parts.get(part, means) != means for other in known or classes)
    }
    same = {part for other in known for part, means in cls.head_parts.items() if other.head_parts.get(part) == means}
    return other_meanings - same


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _refuse_integers(
    where: str, sources: Mapping[str, str], dtypes: Mapping[str, torch.dtype], state: Mapping[str, Tensor]
) -> None:
    """Weights that the model computes with must be floating-point numbers; its own counters need not."""
    bad = [file for n, file in sources.items() if state[n].is_floating_point() and not dtypes[n].is_floating_point]
    if bad:
        problem = f"{len(bad)} weights are not floating-point numbers, as {bad[0]!r}"
        raise CheckpointError(where, problem, hint="Is it quantised?")


def assign(
    model: PreTrainedModel, tensors: dict[str, Tensor], groups: list[list[str]], build: Callable[[], nn.Module]
) -> None:
    """Put the tensors in their places, give what is new its values, and share what was shared (`groups` of names)."""
    modules = modules_of(model)
    for group in groups:
        have = [name for name in group if name in tensors]
        for name in have[1:]:
            if not torch.equal(tensors[name], tensors[have[0]]):
                problem = f"differs from {have[0]}, and the model shares one tensor for both"
                tokens = {name, have[0]} & {f"{BACKBONE}embeddings.tokens.weight", "embeddings.tokens.weight"}
                hint = (
                    "Pass tie_word_embeddings=False."
                    if tokens
                    else "Open it with the configuration that it was saved with."
                )
                raise CheckpointError(name, problem, hint=hint)
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
