"""What a model of one's own is made of, told by building it without memory and watching it run.

    measured(NearForSequenceClassification, NearConfig(), batch=8, length=256).flops(256, batch=8)

The model is built on torch's meta device, where tensors have shapes and no values. A forward pass there counts the
operations of each module (`torch.utils.flop_counter`), and another what autograd keeps. What needs values is built and
run for real. Operations are counted as they run: pairs of tokens that a mask hides are computed, and so counted.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from ..config import PretrainedConfig
from ..inventory import Inventory, Measure, Part, measure_of
from ..outputs import ModelOutput
from ..quantities import quantity
from .attention import Attention

RATE = 16_000  # samples of a second of sound
LARGEST = 4 * 10**9  # bytes of weights that are made for real, to watch a model that does not run without values


class _CannotGuess(Exception):
    """No input could be made up for a model, or it did not run."""


def measured(cls: type, config: PretrainedConfig, batch: int = 1, length: int | None = None) -> Inventory:
    """The parts of a model class, for inputs of one length alone (by default the usual one).

    `cls` is any subclass of `PreTrainedModel`. Where no input can be made up, or the model does not run on it,
    operations are missing, and a note says why.
    """
    measure = measure_by_class(cls, config)
    length = measure.usual if length is None else length
    model = _built(cls, config)
    try:
        flops, kept, attends = _run(cls, config, model, lambda device: _example(model, config, batch, length, device))
    except _CannotGuess as error:
        flops, kept, attends = {}, None, False
        notes = [f"operations and activations are missing, since {error}"]
    else:
        hidden = ": what a mask hides is computed, and so counted" if attends else ""
        notes = [f"measured as {cls.__name__} runs{hidden}"]
    parts = [
        replace(part, per_sequence=flops.pop(part.name, 0) // (2 * batch), tokens=lambda _: 0)
        for part in _parts(model, list(flops))
    ]
    kept = None if kept is None else kept // batch
    return Inventory(config.model_type, cls.__name__, tuple(_plain(parts, model)), tuple(notes), measure, kept, attends)


def _built(cls: type, config: PretrainedConfig) -> Any:
    try:
        with torch.device("meta"):
            return cls(config).eval()
    except Exception:  # if it was not for the values, it comes again
        return cls(config).eval()


# ---- parts -----------------------------------------------------------------------------------------------------------


def _parts(model: nn.Module, computing: list[str]) -> Iterator[Part]:
    """The modules that have tensors of their own, or compute, in the order of their definition."""
    owners: dict[int, str] = {}
    kinds = _kinds(model)
    for path, module in model.named_modules():
        own = {name: p for name, p in module._parameters.items() if p is not None and not nn.parameter.is_lazy(p)}
        tied = {name: owners[id(p)] for name, p in own.items() if id(p) in owners}
        for name, p in own.items():
            owners.setdefault(id(p), f"{path}.{name}".lstrip("."))
        if own or path in computing:
            shapes = {name: tuple(p.shape) for name, p in own.items()}
            frozen = bool(own) and not any(p.requires_grad for p in own.values())
            yield Part(path, shapes, tied=tied, frozen=frozen, kinds=kinds.get(_layer(path)[0], ()))


def _layer(path: str) -> tuple[str, str]:
    """The layer of a stack that a module lies in, as far as its number, and its path there."""
    found = re.match(r"((?:.*?\.)?\d+)(?:\.|$)(.*)", path)
    return (found[1], found[2]) if found else ("", path)


def _kinds(model: nn.Module) -> dict[str, tuple[tuple[str, str], ...]]:
    """The classes within each layer of a stack, those without tensors too."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for path, module in model.named_modules():
        layer, inner = _layer(path)
        if layer:
            found[layer] = (*found.get(layer, ()), (inner, type(module).__name__))
    return found


def _plain(parts: list[Part], model: Any) -> Iterator[Part]:
    """By the names that every model has, whether it is a backbone or has one; what is the model's own by itself."""
    backbone = "backbone" if getattr(model, "headed", False) else ""
    for part in parts:
        part = replace(part, tied={name: owner.removeprefix(f"{backbone}.") for name, owner in part.tied.items()})
        if part.name not in ("", backbone):
            yield replace(part, name=part.name.removeprefix(f"{backbone}."))
            continue
        for name, shape in part.tensors.items():
            tied = {"": part.tied[name]} if name in part.tied else {}
            yield replace(part, name=name, tensors={"": shape}, tied=tied, per_sequence=0)
        if part.per_sequence:
            yield Part(type(model).__name__, per_sequence=part.per_sequence, tokens=part.tokens)


# ---- inputs ----------------------------------------------------------------------------------------------------------


def measure_by_class(cls: Any, config: Any) -> Measure:
    """What inputs are counted in, by what the model reads, whatever its configuration is derived from."""
    told = measure_of(config)
    if cls.main_input_name == "pixel_values" and told.unit != "image":
        shape = _image_shape(config)
        return Measure("image", usual=1, longest=1, of=" × ".join(map(str, shape)) + " pixels" if shape else "")
    if cls.main_input_name == "input_values" and told.unit != "second":
        return Measure("second", usual=1, of="sound at 16 kHz")
    return told


def _image_shape(config: Any) -> tuple[int, ...]:
    size: Any = getattr(config, "image_shape", None) or getattr(config, "image_size", None) or ()
    return (size, size) if isinstance(size, int) else tuple(size)


def _example(model: Any, config: Any, batch: int, length: int, device: str) -> dict[str, Tensor]:
    """The main input, and what else the model's `forward` does not do without, by their names."""
    main, known = model.main_input_name, list(inspect.signature(type(model).forward).parameters.values())[1:]
    if main not in model.input_names():
        taken = ", ".join(p.name for p in known) or "nothing"
        raise _CannotGuess(f"main_input_name is {main!r}, and its forward takes {taken}")
    needed = [p.name for p in known if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    made = {name: _made(name, model, config, batch, length) for name in dict.fromkeys([main, *needed])}
    return {name: value.to(device) for name, value in made.items()}


def _made(name: str, model: Any, config: Any, batch: int, length: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    rows = (batch, 1) if type(model).task == "multiple-choice" else (batch,)
    if name == "input_ids":
        return torch.randint(0, getattr(config, "vocab_size", 1), (*rows, length), generator=generator)
    if name == "attention_mask":
        width = RATE * length if model.main_input_name == "input_values" else length
        return torch.ones(*rows, width, dtype=torch.long)
    if name == "input_values":
        return torch.randn(batch, RATE * length, generator=generator)
    if name == "pixel_values" and (size := _image_shape(config)):
        return torch.randn(batch, getattr(config, "num_channels", 3), *size, generator=generator)
    what = "main input" if name == model.main_input_name else "input"
    raise _CannotGuess(f"what its {what} {name!r} looks like is not known here")


# ---- running ---------------------------------------------------------------------------------------------------------


def _run(
    cls: type, config: Any, model: Any, example: Callable[[str], dict[str, Tensor]]
) -> tuple[dict[str, int], int, bool]:
    """Operations by module, the bytes that autograd keeps, and whether there is attention.

    On the meta device, or else for real.
    """
    device = "meta" if any(p.is_meta for p in model.parameters()) else "cpu"
    try:
        return _flops(model, example(device)), *_kept(model, example(device))
    except _CannotGuess:
        raise
    except Exception as error:
        if device == "cpu":
            raise _CannotGuess(f"it did not run on made-up inputs ({type(error).__name__}: {error})") from error
        if (size := 4 * sum(p.numel() for p in model.parameters())) > LARGEST:
            told = f"it does not run without values, and its weights are {quantity(size, 'B')}"
            raise _CannotGuess(f"{told} ({type(error).__name__}: {error})") from error
    return _run(cls, config, cls(config).eval(), example)


def _flops(model: nn.Module, inputs: dict[str, Tensor]) -> dict[str, int]:
    """Operations by the innermost module that they happen in."""
    names = {module: path for path, module in model.named_modules()}
    inside, spent, before = [""], dict.fromkeys(names.values(), 0), 0
    counter = FlopCounterMode(display=False)

    def credit() -> None:
        nonlocal before
        spent[inside[-1]] += counter.get_total_flops() - before
        before = counter.get_total_flops()

    def enter(module: nn.Module, _: Any) -> None:
        credit()
        inside.append(names[module])

    def leave(module: nn.Module, *_: Any) -> None:
        credit()
        inside.pop()

    hooks = [h for m in names for h in (m.register_forward_pre_hook(enter), m.register_forward_hook(leave))]
    try:
        with torch.no_grad(), _in_sight(), sdpa_kernel(SDPBackend.MATH), counter:
            model(**inputs)
        credit()
    finally:
        for hook in hooks:
            hook.remove()
    return {path: count for path, count in spent.items() if count}


def _kept(model: nn.Module, inputs: dict[str, Tensor]) -> tuple[int, bool]:
    """Bytes that autograd keeps, besides the weights, each storage once; and as many for a loss as there are scores.

    And whether there is attention.
    """
    fused = Fused()
    fused.seen = any(isinstance(module, (Attention, nn.MultiheadAttention)) for module in model.modules())
    weights = {t.untyped_storage()._cdata for t in (*model.parameters(), *model.buffers())}
    storages: dict[int, Any] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            storages[storage._cdata] = storage
        return tensor

    with torch.enable_grad(), _in_sight(), fused, torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        output = model(**inputs)
    given = output.items() if isinstance(output, ModelOutput) else ()
    scores = [t.numel() * t.element_size() for name, t in given if "logits" in name and isinstance(t, Tensor)]
    return sum(scores) + sum(int(storage.nbytes()) for storage in storages.values()), fused.seen


@contextmanager
def _in_sight() -> Iterator[None]:
    """Without torch's shortcut through whole layers, in which no operation is seen."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


class Fused(TorchFunctionMode):
    """Attention that keeps what a fused kernel keeps, on any device: its inputs, its output, and no weights."""

    seen = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            self.seen = True
            return _FusedAttention.apply(*args[:3])  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


class _FusedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        *rows, heads, tokens, _ = q.shape
        out = q.new_empty(*rows, tokens, heads, v.shape[-1]).transpose(-3, -2)  # as flash attention lays it out
        ctx.save_for_backward(q, k, v, out)
        return out
