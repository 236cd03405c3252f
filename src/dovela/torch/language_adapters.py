"""Small adapters in every layer, one set for each language (Pratap et al. 2023, MMS, section 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..checkpoint import WeightFiles
from ..errors import CheckpointError, InputError, MissingWeights, ShapeMismatch, UnexpectedWeights
from ..header import read_header
from ..hub import source
from .blocks import PreNormBlock
from .init import Linear, spread
from .layout import Layout
from .mapping import read_tensors
from .sharing import modules_of, place, tensor_at

if TYPE_CHECKING:
    from .model import PreTrainedModel

HEAD = "lm_head"


class LanguageAdapter(nn.Module):
    """Normalise, narrow, ReLU, widen: (…, D) -> (…, D)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.hidden_size)
        self.down_proj = Linear(config.hidden_size, config.adapter_attn_dim, **spread(config))
        self.up_proj = Linear(config.adapter_attn_dim, config.hidden_size, **spread(config))

    def forward(self, x: Tensor) -> Tensor:
        return self.up_proj(self.down_proj(self.norm(x)).relu())  # type: ignore[no-any-return]


class AdaptedBlock(PreNormBlock):
    """A block with a small adapter after its feed-forward part."""

    packs = True

    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__(config, layer)
        self.adapter = LanguageAdapter(config)

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        x, weights = super().forward(x, layout, output_attentions)
        return x + self.adapter(x), weights


def draw_adapters(model: PreTrainedModel) -> None:
    """New random weights for the adapters and the head."""
    _check_has_adapters(model)
    for adapter in (module for module in model.modules() if isinstance(module, LanguageAdapter)):
        for part in adapter.children():
            part.reset_parameters()  # type: ignore[operator]
    model.get_submodule(HEAD).reset_parameters()  # type: ignore[operator]


def load_adapter(model: PreTrainedModel, language: str, **options: Any) -> None:
    """Take the adapters and the head of a language from `adapter.<language>.safetensors` of the model's checkpoint."""
    _check_has_adapters(model)
    if not model.config.name_or_path:
        raise InputError(
            f"load_adapter({language!r})", "the model comes from no checkpoint", hint="Open it with from_pretrained."
        )
    src = source(model.config.name_or_path, **options)
    with src.reading():
        path = src.require(f"adapter.{language}.safetensors")
        entries, _ = read_header(path)
        modules = modules_of(model)
        owners = [name for name, module in modules.items() if isinstance(module, LanguageAdapter)]
        wanted = {name for name in model.state_dict() if name.startswith((*(f"{o}." for o in owners), f"{HEAD}."))}
        names = {model.weight_names.read(file): file for file in entries}
        sources = {name: names[name] for name in wanted if name in names}
        _check_fit(str(path), wanted, names, {file: entry.shape for file, entry in entries.items()}, modules)
        tensors = read_tensors(WeightFiles(entries), sources)
    characters = tensors[f"{HEAD}.weight"].shape[0]
    if characters != model.config.vocab_size:
        model.config._revise({"vocab_size": characters})
        modules[HEAD].out_features = characters  # type: ignore[assignment]
    with torch.no_grad():
        for name, tensor in tensors.items():
            here = tensor_at(modules, name)
            if here.shape == tensor.shape:
                here.copy_(tensor)
            else:
                place(modules, name, tensor.to(here))


def _check_has_adapters(model: PreTrainedModel) -> None:
    if model.config.adapter_attn_dim is None:
        raise InputError(
            type(model).__name__, "has no language adapters", hint="Build it with adapter_attn_dim, the width of one."
        )


def _check_fit(
    where: str, wanted: set[str], names: dict[Any, str], shapes: dict[str, tuple[int, ...]], modules: Any
) -> None:
    if unexpected := [file for name, file in names.items() if name not in wanted]:
        raise UnexpectedWeights(where, f"{len(unexpected)} tensors belong to no adapter, as {unexpected[0]!r}")
    if missing := sorted(wanted - names.keys()):
        raise MissingWeights(where, f"{len(missing)} tensors of the adapters are missing, as {missing[0]!r}")
    for name in sorted(wanted):
        there, here = shapes[names[name]], tuple(tensor_at(modules, name).shape)
        if name.startswith(f"{HEAD}."):  # of as many characters as the language has
            there, here = there[1:], here[1:]
        if there != here:
            raise ShapeMismatch(where, f"{names[name]} is {list(there)} where the model has {list(here)}")
    if len({shapes[names[f"{HEAD}.{leaf}"]][0] for leaf in ("weight", "bias")}) > 1:
        raise CheckpointError(where, f"{HEAD}.weight and {HEAD}.bias are of different numbers of characters")
