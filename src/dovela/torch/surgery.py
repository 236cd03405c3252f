"""Changing a model that is built: its vocabulary, its heads. Checked first, then done as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .blocks import Layers
from .embeddings import TextEmbeddings

if TYPE_CHECKING:
    from .model import PreTrainedModel


def check_embedding(model: PreTrainedModel, embedding: Any) -> None:
    """An embedding that is put into a model must have the model's shape."""
    expected = model.get_input_embeddings().weight.shape
    if not isinstance(embedding, nn.Embedding) or embedding.weight.shape != expected:
        got = list(embedding.weight.shape) if isinstance(embedding, nn.Embedding) else type(embedding).__name__
        raise InputError(
            f"{type(model).__name__}.set_input_embeddings",
            f"expected an embedding of the shape {list(expected)}, got {got}",
            hint="resize_token_embeddings changes the size of the vocabulary.",
        )


def check_output(model: PreTrainedModel, layer: Any) -> None:
    """An output layer that is put into a model must have the old one's shape."""
    old = model.get_output_embeddings()
    if old is not None and (not isinstance(layer, nn.Linear) or layer.weight.shape != old.weight.shape):
        got = list(layer.weight.shape) if isinstance(layer, nn.Linear) else type(layer).__name__
        where, expected = f"{type(model).__name__}.set_output_embeddings", list(old.weight.shape)
        raise InputError(where, f"expected a linear layer of the shape {expected}, got {got}")


def resize_vocabulary(model: PreTrainedModel, size: int | None, multiple: int | None) -> nn.Embedding:
    """Resize every parameter that has a row for each token: input embeddings, output matrix and output bias."""
    where = f"{type(model).__name__}.resize_token_embeddings"
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    if not isinstance(inputs, nn.Embedding):
        raise InputError(where, "the model has no vocabulary to resize")
    size = inputs.num_embeddings if size is None else size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InputError(where, f"expected a number of tokens of at least 1, got {size!r}")
    if multiple is not None:
        if isinstance(multiple, bool) or not isinstance(multiple, int) or multiple < 1:
            raise InputError(where, f"expected pad_to_multiple_of of at least 1, got {multiple!r}")
        size = -(-size // multiple) * multiple
    if size == inputs.num_embeddings:
        return inputs

    # Refuses a size that leaves pad_token_id outside, before anything changed.
    model.config._revise({"vocab_size": size})
    std = getattr(model.config, "initializer_range", 0.02)
    tied = outputs is not None and outputs.weight is inputs.weight
    tables = [m.tokens for m in model.modules() if isinstance(m, TextEmbeddings)]
    for table in tables if inputs in tables else [inputs]:
        table.weight = with_rows(table.weight, size, std)
        table.num_embeddings = size
    if outputs is not None:
        outputs.weight = inputs.weight if tied else with_rows(outputs.weight, size, std)
        if outputs.bias is not None:
            outputs.bias = with_rows(outputs.bias, size, 0.0)
        outputs.out_features = size
    return inputs


def with_rows(old: Tensor, rows: int, std: float) -> nn.Parameter:
    new = torch.empty(rows, *old.shape[1:], dtype=old.dtype, device=old.device).normal_(std=std)
    kept = min(rows, len(old))
    new[:kept] = old.detach()[:kept]
    return nn.Parameter(new, requires_grad=old.requires_grad)


def prune_heads(model: PreTrainedModel, heads: Mapping[int, Iterable[int]]) -> None:
    where = f"{type(model).__name__}.prune_heads"
    if not isinstance(heads, Mapping):
        raise InputError(where, f"expected {{layer: heads}}, got {heads!r}")
    stacks = [module for module in model.modules() if isinstance(module, Layers)]
    if len(stacks) != 1:
        raise InputError(where, f"needs one stack of blocks to tell the layers by number, and there are {len(stacks)}")
    layers: list[Any] = [block.attention for block in stacks[0]]
    problems: list[str] = []
    cut: dict[int, list[int]] = {}
    numbers: Any
    for layer, numbers in heads.items():
        if not isinstance(numbers, Iterable):
            problems.append(f"layer {layer}: expected a list of heads, got {numbers!r}")
            continue
        wanted = sorted(set(numbers))
        if isinstance(layer, bool) or not isinstance(layer, int) or not 0 <= layer < len(layers):
            problems.append(f"there is no layer {layer!r}; there are {len(layers)}")
        elif gone := [head for head in wanted if head not in layers[layer].heads]:
            problems.append(f"layer {layer} has no head {gone[0]}; it has {layers[layer].heads}")
        elif len(wanted) == len(layers[layer].heads):
            problems.append(f"layer {layer} would be left without a head")
        elif wanted:
            cut[layer] = wanted
    if problems:
        raise InputError(where, *problems)
    before = model.config.pruned_heads
    model.config._revise({"pruned_heads": {**before, **{n: sorted({*before.get(n, []), *cut[n]}) for n in cut}}})
    for layer, wanted in cut.items():
        layers[layer].prune(wanted)
