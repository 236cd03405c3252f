"""Fewer or more layers out of a trained model."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ..errors import InputError
from .audio_heads import LayerMixture
from .blocks import Layers
from .rebuilding import Made, check_model, rebuild
from .sharing import modules_of
from .surgery_report import SurgeryReport, spans

EXAMPLE = "For example range(0, 12, 2) for every second layer, [0, 0, 1, 1] to have two layers twice."


def keep_layers(model: Any, layers: Iterable[int]) -> tuple[Any, SurgeryReport]:
    """A model of these layers of `model`, in this order, and what became of each tensor.

        student, report = keep_layers(bert, range(0, 12, 2))

    Numbers are as in Python: from 0, and -1 is the last. They may be in any order, and one may be given several times:
    each layer then has a copy of its own. Every second layer of a large model is how DistilBERT began (Sanh et al.
    2019, section 2); repeated ones make a deeper model (Gong et al. 2019, progressive stacking). `num_hidden_layers`,
    patterns over the layers and `pruned_heads` follow.

    Raises InputError for numbers that name no layer, or a model without one stack of `dovela.torch.Layers`.
    """
    where = "keep_layers"
    check_model(where, model)
    stacks = [(path, module) for path, module in model.named_modules() if isinstance(module, Layers)]
    if len(stacks) != 1:
        problem = f"needs one stack of blocks (dovela.torch.Layers), and {type(model).__name__} has {len(stacks)}"
        raise InputError(where, problem)
    path, stack = stacks[0]
    chosen = _numbers(where, layers, len(stack))
    place = re.compile(rf"{re.escape(path)}\.(\d+)(?=\.|$)")

    def origin(name: str) -> str | None:
        match = place.match(name)
        if match is None:
            return name
        layer = int(match[1])
        return f"{path}.{chosen[layer]}{name[match.end() :]}" if layer < len(chosen) else None

    config = model.config
    follow = {word: _pattern(getattr(config, word), chosen) for word in _patterns(config)}
    pruned = {i: config.pruned_heads[layer] for i, layer in enumerate(chosen) if layer in config.pruned_heads}
    config = config.replace(num_hidden_layers=len(chosen), pruned_heads=pruned, **follow)
    new, report = rebuild(where, model, config, origin=origin, made=_shares(model, chosen))
    _check_kinds(where, model, new, path, origin)
    distinct, given = len(set(chosen)), spans(chosen)
    report.title = f"{type(model).__name__}: kept {distinct} of {len(stack)} layers ({given})"
    return new, report


def _numbers(where: str, layers: Any, there: int) -> list[int]:
    if isinstance(layers, (str, bytes)) or not isinstance(layers, Iterable):
        raise InputError(where, f"expected the numbers of the layers to keep, got {layers!r}", hint=EXAMPLE)
    numbers, problems = [], []
    for given in layers:
        try:
            number = operator.index(given)
        except TypeError:
            number = None
        if number is None or isinstance(given, bool):
            problems.append(f"{given!r} is not the number of a layer")
        elif not -there <= number < there:
            problems.append(f"there is no layer {number}; there are {there}, numbered from 0")
        else:
            numbers.append(number % there)
    if problems:
        raise InputError(where, *problems, hint=EXAMPLE)
    if not numbers:
        raise InputError(where, "expected at least one layer to keep, got none", hint=EXAMPLE)
    return numbers


def _patterns(config: Any) -> list[str]:
    """Fields that name a part for each layer, by a list that repeats."""
    own = {field.name for field in fields(config)}
    return [word for word in ("attention", "feed_forward") if word in own and isinstance(getattr(config, word), list)]


def _pattern(names: list[str], chosen: list[int]) -> list[str]:
    """The names of the chosen layers, as the shortest list that repeats to them."""
    new = [names[layer % len(names)] for layer in chosen]
    return next(new[:n] for n in range(1, len(new) + 1) if all(new[i] == new[i % n] for i in range(len(new))))


def _shares(model: Any, chosen: list[int]) -> dict[str, Made]:
    """A learned mixture of layers has a share for the embeddings and one for each layer."""
    rows = [0, *(layer + 1 for layer in chosen)]
    return {
        f"{path}.weight": Made("interpolated", module.weight[rows], "the shares of the layers that are there")
        for path, module in model.named_modules()
        if isinstance(module, LayerMixture)
    }


def _check_kinds(where: str, old: Any, new: Any, path: str, origin: Any) -> None:
    """Raise if a layer is of another kind than the one whose weights it took, or if there is not one for each."""
    there = modules_of(old)
    for name, module in modules_of(new).items():
        source = there.get(origin(name) or "")
        if name.startswith(f"{path}.") and type(source) is not type(module):
            was = "no layer" if source is None else f"{origin(name)}, a {type(source).__name__}"
            problem = f"{name} would be a {type(module).__name__} with the weights of {was}"
            hint = "The class builds its layers by their number; a field of the configuration can say what they are."
            raise InputError(where, problem, hint=hint)
