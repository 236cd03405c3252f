"""What `print(model)` shows: its size, and its parts in a few lines.

    DistilBertForSequenceClassification: 67 M parameters, 268 MB, float32 on cpu, eval
      backbone: DistilBertModel, 66.4 M
        embeddings, 23.8 M: tokens 30522 x 768, positions 512 x 768, LayerNorm
        layers: 6 x PostNormBlock, 42.5 M
          Attention (12 heads of 64), LayerNorm, MLP (768 -> 3072, gelu)
      classifier, 592 k: hidden 768 -> 768, out 768 -> 2

Modules are read from outside, by what torch's and ours have in common, so that anybody's can be shown.
`torch.nn.Module.__repr__(model.base_model)` is torch's own listing, of every module.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from torch import Tensor, nn

from ..quantities import quantity, ranges

MOST_LINES, WIDTH, WIDEST, DEEPEST = 20, 80, 100, 4
LISTS = (nn.ModuleList, nn.Sequential, nn.ModuleDict)


def describe(model: nn.Module) -> str:
    """The model's size in one line, and its parts in at most 19 more; equal layers of a stack are told once."""
    lines, shared = [type(model).__name__], []
    with suppress(Exception):  # one that is half built, or has odd attributes: what is known is shown
        lines = [f"{lines[0]}: {_size(model)}"]
        shared = _shared(model)
        lines += _children(model, 1, (id(model),))
    if len(lines) > (most := MOST_LINES - len(shared)):
        lines[most - 1 :] = [f"  … and {len(lines) - most + 1} more lines"]
    return "\n".join(lines + shared)


def _size(model: nn.Module) -> str:
    parameters = list(model.parameters())
    total, trainable = _count(parameters), _count(p for p in parameters if p.requires_grad)
    words = [f"{quantity(total)} parameters" + (f" ({quantity(trainable)} trainable)" if trainable != total else "")]
    tensors = [t for t in (*parameters, *model.buffers()) if not nn.parameter.is_lazy(t)]
    words.append(quantity(sum(t.numel() * t.element_size() for t in tensors), "B"))
    kinds = sorted({str(p.dtype).removeprefix("torch.") for p in parameters if p.is_floating_point()})
    places = sorted({str(t.device) for t in tensors})
    if kinds and places:
        words.append(f"{' and '.join(kinds)} on {' and '.join(places)}")
    return ", ".join([*words, "training" if model.training else "eval"])


def _count(tensors: Iterable[Tensor]) -> int:
    return sum(map(_numel, tensors))


def _numel(tensor: Tensor) -> int:
    return 0 if nn.parameter.is_lazy(tensor) else tensor.numel()  # lazy: of no shape before the first call


def _shared(model: nn.Module) -> list[str]:
    """A line for layers and tensors that have several names, if there are any."""
    layers: dict[int, list[str]] = {}
    tensors: dict[int, list[str]] = {}
    for path, module in model.named_modules():  # each once, so that cycles end
        for name, child in module._modules.items():
            if child is not None and next(child.parameters(), None) is not None:
                layers.setdefault(id(child), []).append(f"{path}.{name}".lstrip("."))
        for name, p in module._parameters.items():
            if p is not None:
                tensors.setdefault(id(p), []).append(f"{path}.{name}".lstrip("."))
    groups = [names for names in (*layers.values(), *tensors.values()) if len(names) > 1]
    found = [" = ".join(names[:3]) + " = …" * (len(names) > 3) for names in groups]
    if not found:
        return []
    more = f"; and {len(found) - 2} more" if len(found) > 2 else ""
    return ["  " + textwrap.shorten(f"shared: {'; '.join(found[:2])}{more}", WIDEST - 2, placeholder=" …")]


# ---- the tree --------------------------------------------------------------------------------------------------------


def _children(module: nn.Module, depth: int, above: tuple[int, ...]) -> Iterator[str]:
    """The lines for a module's parts. `above`: the modules around it, to keep out of cycles."""
    if own := _own(module):
        yield f"{'  ' * depth}{', '.join(own)}"
    for name, child in module.named_children():
        if _counts(child) and id(child) not in above:
            yield from _lines(name, child, depth, (*above, id(child)))


def _lines(name: str, module: nn.Module, depth: int, above: tuple[int, ...]) -> Iterator[str]:
    indent, size = "  " * depth, quantity(_count(module.parameters()))
    runs = _runs(module) if isinstance(module, LISTS) else []
    layers = sum(len(numbers) for numbers, _ in runs)
    if len(runs) == 1 and (layers > 1 or isinstance(module, nn.ModuleList)):
        one = runs[0][1]
        yield from _told(f"{indent}{name}: {layers} x {type(one).__name__}, {size}", one, depth, above)
    elif 1 < len(runs) < layers:  # some of them alike
        yield f"{indent}{name}: {layers} of {len(runs)} kinds, {size}"
        for numbers, one in runs:
            yield from _told(f"{indent}  {ranges(numbers)}: {type(one).__name__}", one, DEEPEST, above)
    else:
        yield from _told(f"{indent}{name}{_kind(name, module)}, {size}", module, depth, above)


def _told(head: str, module: nn.Module, depth: int, above: tuple[int, ...]) -> Iterator[str]:
    """What is inside: beside the head, below it, or line by line below, as there is room."""
    inside = _inside(module, above) or ""
    if len(head) + 2 + len(inside) <= WIDTH:
        yield f"{head}: {inside}" if inside else head
        return
    yield head
    if len(inside) + 2 * depth + 2 <= WIDEST or depth >= DEEPEST or not any(map(_counts, module.children())):
        margin = " " * (len(head) - len(head.lstrip()) + 2)
        whole = "".join(_unbroken(inside)).replace(" (", "\0(")
        for line in textwrap.wrap(
            whole, WIDEST, initial_indent=margin, subsequent_indent=margin, break_long_words=False
        ):
            yield line.replace("\0", " ")
    else:
        yield from _children(module, depth + 1, above)


def _unbroken(text: str) -> Iterator[str]:
    """With blanks at which no line may end: those within parentheses."""
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        yield "\0" if letter == " " and depth else letter


def _kind(name: str, module: nn.Module) -> str:
    """The class, unless it is dovela's and says what the name does: `pooler`, a DensePooler."""
    kind = type(module)
    plain = kind.__module__.startswith("dovela.torch.") and name.lower() in kind.__name__.lower()
    return "" if plain else f": {kind.__name__}{_width(module)}"


def _width(module: nn.Module) -> str:
    """Of a norm, which its number of parameters would be taken for."""
    if isinstance(module, (nn.LayerNorm, nn.RMSNorm)):
        return f"({' x '.join(map(str, module.normalized_shape))})"
    return f"({module.num_channels})" if isinstance(module, nn.GroupNorm) else ""


def _own(module: nn.Module) -> list[str]:
    return [f"{name} {_shape(p)}" for name, p in module._parameters.items() if p is not None]


def _runs(stack: Any) -> list[tuple[list[int], nn.Module]]:
    """The numbers of layers that are alike, and one of them."""
    alike: dict[Any, tuple[list[int], nn.Module]] = {}
    for number, layer in enumerate(stack.children() if isinstance(stack, nn.ModuleDict) else stack):
        alike.setdefault(_likeness(layer), ([], layer))[0].append(number)
    return list(alike.values())


def _likeness(module: nn.Module) -> Any:
    """Equal for modules of the same classes and shapes."""
    return tuple(
        (name, type(part), part.extra_repr(), *((n, _shape(p)) for n, p in part._parameters.items() if p is not None))
        for name, part in module.named_modules()
    )


# ---- a module in a few words -----------------------------------------------------------------------------------------


def _counts(module: nn.Module) -> bool:
    """Whether to name it: what has parameters, and what somebody wrote without."""
    return next(module.parameters(), None) is not None or not type(module).__module__.startswith("torch.nn.")


def _after(inside: str | None) -> str:
    return f": {inside}" if inside else ""


def _inside(module: nn.Module, above: tuple[int, ...]) -> str | None:
    """What a module consists of, in a phrase: None where its class says all; long where there is much to say."""
    if (sizes := _sizes(module)) is not None:
        return sizes.removeprefix("(").removesuffix(")") if sizes.startswith("(") else sizes or None
    parts: list[tuple[str, nn.Module, str]] = []
    for name, child in module.named_children():
        if not _counts(child) or id(child) in above:
            continue
        below = _sizes(child)
        if below is None and (within := _inside(child, (*above, id(child)))):
            below = f"({within})"
        parts.append((name, child, below or ""))
    phrases = [*_own(module), *(f"{_called(name, child, parts)} {below}".rstrip() for name, child, below in parts)]
    counted = [(phrase, len(list(same))) for phrase, same in itertools.groupby(phrases)]
    return ", ".join(dict.fromkeys(f"{times} x {phrase}" if times > 1 else phrase for phrase, times in counted)) or None


def _called(name: str, module: nn.Module, beside: list[tuple[str, nn.Module, str]]) -> str:
    """The class, or the name where that says more: a matrix's, and of one of several that differ."""
    kind = type(module)
    if name.isdigit():
        return kind.__name__
    if isinstance(module, (nn.Linear, nn.Embedding)):
        return name
    several = len({below for _, other, below in beside if type(other) is kind}) > 1
    return f"{name}: {kind.__name__}" if several else kind.__name__


def _sizes(module: Any) -> str | None:
    """Of the modules that have an own way of saying it; None: say it by what is inside."""
    with suppress(AttributeError, IndexError, TypeError):
        if isinstance(module, nn.Embedding):
            return f"{module.num_embeddings} x {module.embedding_dim}"
        if isinstance(module, nn.Linear):
            return f"{module.in_features} -> {module.out_features}"
        if isinstance(module, nn.modules.conv._ConvNd):
            kernel = " x ".join(map(str, module.kernel_size))
            return f"{module.in_channels} -> {module.out_channels}, kernel {kernel}"
        if hasattr(module, "head_dim") and isinstance(getattr(module, "heads", None), list):
            words = [f"{len(module.heads)} heads of {module.head_dim}"]
            shared = getattr(module, "k_proj", None)
            if shared is not None and shared.out_features != module.q_proj.out_features:
                words.append(f"{shared.out_features // module.head_dim} of keys and values")
            if isinstance(reach := getattr(module, "reach", None), int):
                words.append(f"window {reach}")
            if getattr(module, "positions", None) is not None:
                words.append(type(module.positions).__name__.replace("Positions", " positions").strip())
            return f"({', '.join(words)})"
        if isinstance(module, nn.MultiheadAttention):
            return f"({module.num_heads} heads of {module.head_dim})"
        if hasattr(module, "experts"):
            one = module.experts[0]
            return f"({len(module.experts)} x {type(one).__name__} {_sizes(one) or ''})".replace(" )", ")")
        if hasattr(module, "up_proj") and hasattr(module, "down_proj"):
            activation = getattr(getattr(module, "activation", None), "__name__", "")
            return (
                f"({module.up_proj.in_features} -> {module.up_proj.out_features}{', ' * bool(activation)}{activation})"
            )
        if isinstance(module, nn.Sequential):
            return _chain([child for child in module if _counts(child)])
        if isinstance(module, (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)):
            return ""
    return None


def _chain(layers: list[Any]) -> str | None:
    """`(16 -> 32 -> 16)`, of matrices that follow each other with nothing but torch's own in between."""
    if not layers or not all(isinstance(layer, nn.Linear) for layer in layers):
        return None
    widths = [layers[0].in_features, *(layer.out_features for layer in layers)]
    fits = all(layer.in_features == width for layer, width in zip(layers, widths, strict=False))
    return f"({' -> '.join(map(str, widths))})" if fits else None


def _shape(tensor: Tensor) -> str:
    return "of no shape yet" if nn.parameter.is_lazy(tensor) else " x ".join(map(str, tensor.shape)) or "1 number"
