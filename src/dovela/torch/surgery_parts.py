"""Other parts with the old weights: another attention, other positions, another feed-forward.

Letters: H heads of keys and values, W width of a head.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from torch import Tensor, nn

from ..config import BUILTIN, CONFIGS, PretrainedConfig
from ..encoder_config import ChosenParts, EncoderConfig, TransformerConfig
from ..errors import InputError, suggest
from .attention import Attention
from .model_classes import model_class, no_model
from .rebuilding import Made, check_model, rebuild
from .surgery_report import SurgeryReport

OPEN = {"text": "encoder", "images": "image-encoder", "sound": "audio-encoder"}  # by what a preset reads
"""The model type with the same parts, all of them open, by the type of the preset."""
PARTS = {f.name for f in fields(ChosenParts)} - {f.name for f in fields(TransformerConfig)} | {"activation"}
ELSEWHERE = {
    "num_hidden_layers": "keep_layers",
    "vocab_size": "resize_vocabulary",
    "max_position_embeddings": "resize_positions",
    "image_size": "resize_images",
    "patch_size": "resize_images",
    "num_channels": "resize_images",
}


def change_parts(
    model: Any, *, config: type[PretrainedConfig] | None = None, **parts: Any
) -> tuple[Any, SurgeryReport]:
    """A model with these parts, in the words of `EncoderConfig`, on the weights of `model`, and what became of each.

        model, report = change_parts(bert, attention="window", window=64, positions="rotary")

    Weights carry over by name and shape; what a part lacks is cut, and what it adds is fresh. Fewer heads of keys and
    values are the means of those they stand for (Ainslie et al. 2023, section 2.1), experts are copies of the
    feed-forward that was there (Komatsuzaki et al. 2022, sparse upcycling). Most changes need training.

    A model whose configuration has the words as fields keeps its type. BERT, DistilBERT, ViT and Wav2Vec2 become the
    `Encoder…`, `ImageEncoder…` or `AudioEncoder…` of the same task, which answers the same if no more is asked.

    `config`: a class of your own, derived from the open type's (`EncoderConfig`), whose fields your parts read.

    Raises InputError for words that are no parts and for a class of one's own that has no place for them, RegistryError
    for a task that the open type does not have, ConfigError for parts that do not go together.
    """
    where = "change_parts"
    check_model(where, model)
    if not parts and config is None:
        raise InputError(
            where, "expected parts to change, got none", hint=f"For example {', '.join(sorted(PARTS)[:3])}."
        )
    built, cls = _target(where, model, parts, config)
    old = model.config
    names = model.state_dict().keys()
    chosen = frozenset({"pooler"} if "pooler" in parts or cls is not type(model) else ())
    moved = _origin(names, positions=old.positions != built.positions and built.positions != "learned")
    new, report = rebuild(where, model, built, cls=cls, origin=moved, made=_shared_heads(model, built), chosen=chosen)
    for word in parts:
        report.changed.setdefault(word, (getattr(old, word, None), getattr(new.config, word)))
    report.changed = {word: pair for word, pair in report.changed.items() if pair[0] != pair[1]}
    became = "" if type(new) is type(model) else f" → {type(new).__name__}"
    report.title = f"{type(model).__name__}{became}" + (f": other {', '.join(parts)}" if parts else "")
    return new, report


def _target(where: str, model: Any, parts: dict[str, Any], config: type[PretrainedConfig] | None) -> tuple[Any, Any]:
    """The configuration with the new parts, and the class that is built from it."""
    old = model.config
    own = {f.name for f in fields(old)} | {*old.aliases()}
    opened = CONFIGS.get(OPEN[old.reads]) if old.model_type in BUILTIN else type(old)
    if config is not None:
        if not (isinstance(config, type) and issubclass(config, opened)):
            problem = f"expected a class derived from {opened.__name__}, got {getattr(config, '__name__', config)!r}"
            raise InputError(f"{where}(config=…)", problem)
        opened = config
    known = PARTS & {*own, *(f.name for f in fields(opened)), *opened.aliases()} | _added(type(old))
    known |= {f.name for f in fields(opened)} - own
    problems = [
        f"{word!r} is no part" + (f"; {ELSEWHERE[word]} changes it" if word in ELSEWHERE else suggest(word, known))
        for word in parts
        if word not in known
    ]
    if problems:
        hint = f"{type(model).__name__} can have other: {', '.join(sorted(known)) or 'none'}."
        if old.model_type not in BUILTIN and not isinstance(old, ChosenParts):
            hint += f" Derive {type(old).__name__} from EncoderConfig to have all parts open."
        raise InputError(where, *problems, hint=hint)
    if parts.keys() <= own and config is None:
        return old.replace(**parts), type(model)
    task = type(model).task
    if any(base.__module__.partition(".")[0] not in ("dovela", "torch", "builtins") for base in type(model).__mro__):
        problem = f"{type(model).__name__} is a class of your own, which cannot be built from another configuration"
        hint = f"Give it a configuration that is derived from {opened.__name__}, and has the parts as fields."
        raise InputError(where, problem, hint=hint)
    cls = model_class(opened, task)
    if cls is None:
        raise no_model(where, opened, task, advice="Change the parts of model.base_model.")
    if "pooler" in type(model).optional_parts and model.base_model.pooler is None:
        parts = {"pooler": None, **parts}  # the first token as it is, whatever the preset has for others
    return _opened(old, opened, parts), cls


def _added(config: type[PretrainedConfig]) -> set[str]:
    """The fields that a configuration of one's own adds: what they mean is for its author to know."""
    above = next(base for base in config.__mro__ if base.__module__.startswith("dovela."))
    return {f.name for f in fields(config)} - {f.name for base in (above, EncoderConfig) for f in fields(base)}


def _opened(old: Any, opened: type[Any], parts: dict[str, Any]) -> Any:
    """The same architecture in the words of the type that leaves its parts open."""
    silent = {"extra", "architectures", "dtype", "do_stable_layer_norm"}  # norm_order says the last
    words = {f.name for f in fields(opened)} - silent
    same = {word: getattr(old, word) for word in words if hasattr(old, word)}
    same.update({opened.aliases().get(word, word): value for word, value in parts.items()})
    return opened(**same)


def _origin(names: Any, *, positions: bool) -> Callable[[str], str | None]:
    """Where a tensor's values come from, by its name: never from `positions` of another scheme."""

    def origin(name: str) -> str | None:
        if positions and "positions" in name.split("."):
            return None
        dense = re.sub(r"\.mlp\.experts\.\d+\.", ".mlp.", name)
        return dense if name not in names and dense in names else name

    return origin


def _shared_heads(model: Any, config: Any) -> dict[str, Made]:
    """Keys and values for another number of heads."""
    old = model.config.num_key_value_heads or model.config.num_attention_heads
    new = config.num_key_value_heads or config.num_attention_heads
    if old == new:
        return {}
    return {
        f"{path}.{proj}.{kind}": _regrouped(tensor.detach(), old, new)
        for path, module in model.named_modules()
        if isinstance(module, Attention)
        for proj in ("k_proj", "v_proj")
        for kind, tensor in getattr(module, proj, nn.Identity()).named_parameters()
        if tensor.shape[0] % old == 0
    }


def _regrouped(tensor: Tensor, old: int, new: int) -> Made:
    """(old x W, …) -> (new x W, …): the mean of each group of heads, or each head for a group of new ones."""
    heads = tensor.reshape(old, -1, *tensor.shape[1:])  # (H, W, …)
    if new % old == 0:
        again = heads.repeat_interleave(new // old, 0)
        return Made("interpolated", again.flatten(0, 1), f"each of {old} heads {new // old} times")
    how = f"each the mean of {old // new}"
    if old % new:  # cut finer first, into parts that both numbers divide
        heads, how = heads.repeat_interleave(new, 0), f"{old} spread evenly"
    mean = heads.float().reshape(new, -1, *heads.shape[1:]).mean(1).to(tensor.dtype)
    return Made("merged", mean.flatten(0, 1), f"{new} heads, {how}")
