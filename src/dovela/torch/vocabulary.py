"""Which parts of a model have a row for each token, and exchanging them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from ..errors import InputError
from .embeddings import TextEmbeddings
from .model_classes import is_builtin
from .surgery import check_embedding

if TYPE_CHECKING:
    from .model import PreTrainedModel


def find_input(model: nn.Module) -> Any:
    """The table of token vectors, of `TextEmbeddings` or else the only one with as many rows as there are tokens."""
    tables = {name: module for name, module in model.named_modules() if isinstance(module, nn.Embedding)}
    for module in model.modules():
        if isinstance(module, TextEmbeddings):
            return module.tokens
    size = getattr(model.config, "vocab_size", None)
    fitting = [table for table in tables.values() if table.num_embeddings == size]
    if len(fitting) == 1 or (len(tables) == 1 and size is None):
        return next(iter(fitting or tables.values()))
    several = f"has {len(fitting)} tables of {size} rows" if fitting else "has no token embeddings"
    raise InputError(
        type(model).__name__, several, hint="Override get_input_embeddings() to return the table of tokens."
    )


def exchange_input(model: PreTrainedModel, new: nn.Embedding) -> None:
    """Put `new` wherever the table of tokens is, and its matrix wherever the old one's was."""
    old = model.get_input_embeddings()
    if not isinstance(old, nn.Embedding):  # as of images
        raise InputError(type(model).__name__, "has no token embeddings", hint="Override set_input_embeddings().")
    check_embedding(model, new)
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if child is old:
                module._modules[name] = new
        for name, parameter in module._parameters.items():
            if parameter is old.weight and module is not old:
                module._parameters[name] = cast(nn.Parameter, new.weight)


def find_tied_output(model: nn.Module) -> nn.Linear | None:
    """The linear layer that shares the matrix of the tokens, if there is one."""
    with suppress(InputError):
        tokens = model.get_input_embeddings()  # type: ignore[operator]
        matrix = getattr(tokens, "weight", None)
        if isinstance(tokens, nn.Embedding):
            return next((m for m in model.modules() if isinstance(m, nn.Linear) and m.weight is matrix), None)
    return None


def check_resizable(model: PreTrainedModel) -> None:
    """Raise if a class of one's own has weights that grow with the vocabulary and nobody would resize.

    They are found by building it with one token more, without memory.
    """
    if is_builtin(type(model)) or not hasattr(model.config, "vocab_size"):
        return
    sizes = []
    with suppress(Exception), torch.device("meta"):  # a constructor that takes more, or needs values: not to be told
        for more in (0, 1):
            config = model.config.replace(vocab_size=model.config.vocab_size + more)
            sizes.append({name: tensor.shape for name, tensor in type(model)(config).state_dict().items()})
    if len(sizes) < 2:
        return
    resized = [module.tokens for module in model.modules() if isinstance(module, TextEmbeddings)]
    known = {id(p) for part in (*resized, *_ends(model)) for p in part.parameters()}
    names = model.named_parameters(remove_duplicate=False)
    grow = [name for name, p in names if sizes[0].get(name) != sizes[1].get(name) and id(p) not in known]
    if grow:
        raise InputError(
            f"{type(model).__name__}.resize_token_embeddings",
            f"{', '.join(grow)} would keep the old number of tokens",
            hint="Override get_output_embeddings() to return the layer that gives scores of tokens.",
        )


def _ends(model: PreTrainedModel) -> list[nn.Module]:
    ends = model.get_input_embeddings(), model.get_output_embeddings()
    return [end for end in ends if end is not None]
