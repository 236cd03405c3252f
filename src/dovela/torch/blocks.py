"""A transformer block, a stack of them, and an encoder: embeddings and a stack.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..outputs import BaseModelOutput
from ..parts import ATTENTIONS
from .embeddings import TextEmbeddings
from .feedforward import MLP
from .inputs import TextInputs
from .layout import Layout, Padded, pack, readable


class Block(nn.Module):
    """Attention and feed-forward, each with a residual and a norm: after the residual ("post") or before ("pre")."""

    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__()
        self.post = config.norm_order == "post"
        self.attention: Any = ATTENTIONS.get(config.attention)(config, layer)
        self.attention_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
        self.attention_output_dropout = nn.Dropout(config.attention_output_dropout)
        self.mlp = MLP(config)
        self.mlp_norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
        self.mlp_dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        """x (…, D) -> (…, D) and, if asked for, the attention weights."""
        if self.post:
            y, weights = self.attention(x, layout, output_attentions)
            x = self.attention_norm(x + self.attention_output_dropout(y))
            return self.mlp_norm(x + self.mlp_dropout(self.mlp(x))), weights
        y, weights = self.attention(self.attention_norm(x), layout, output_attentions)
        x = x + self.attention_output_dropout(y)
        return x + self.mlp_dropout(self.mlp(self.mlp_norm(x))), weights


class Layers(nn.ModuleList):
    """The stack of blocks."""

    checkpointing: dict[str, Any] | None = None  # in training: compute activations again, with these options

    def __init__(self, config: Any, block: type[Block] = Block) -> None:
        super().__init__(block(config, layer) for layer in range(config.num_hidden_layers))
        self.layerdrop: float = getattr(config, "layerdrop", 0.0)

    def __getitem__(self, index: Any) -> Any:
        return nn.ModuleList(list(self)[index]) if isinstance(index, slice) else super().__getitem__(index)

    def may_pack(self) -> bool:
        """Whether every part works on tokens wherever they lie, and nobody looks in between."""
        known = all(isinstance(block, Block) and getattr(block.attention, "packs", False) for block in self)
        return known and not any(module._forward_hooks or module._forward_pre_hooks for module in self.modules())

    def taken(self, x: Tensor) -> bool | Tensor:
        """Whether the next block takes part: in training each is left out with probability `layerdrop`.

        (Fan et al. 2019, LayerDrop.) Where every process waits for the gradients of every block, or a graph is
        captured, it is computed all the same, and the answer is a tensor.
        """
        if not self.training or not self.layerdrop:
            return True
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        if torch.compiler.is_compiling() or distributed:
            return torch.rand((), device=x.device) >= self.layerdrop
        return bool(torch.rand(()) >= self.layerdrop)

    def forward(
        self, x: Tensor, layout: Layout, output_attentions: bool = False, output_hidden_states: bool = False
    ) -> BaseModelOutput:
        """x (…, D) as it lies in `layout` -> padded (B, S, D), with each layer's states and weights if asked for."""
        states: list[Tensor] = [x]
        weights: list[Tensor | None] = []
        for block in self:
            before, taken = x, self.taken(x)
            if taken is False:
                weight = None
            elif self.checkpointing is not None and self.training and torch.is_grad_enabled():
                x, weight = checkpoint(block, x, layout, output_attentions, **self.checkpointing)
            else:
                x, weight = block(x, layout, output_attentions)
            if isinstance(taken, Tensor):
                x = torch.where(taken, x, before)
            if output_hidden_states:
                states.append(x)
            if output_attentions:
                weights.append(weight)
        return BaseModelOutput(
            last_hidden_state=layout.unpack(x),
            hidden_states=tuple(layout.unpack(state) for state in states) if output_hidden_states else None,
            attentions=tuple(weights) if output_attentions else None,
        )


def encode(embeddings: TextEmbeddings, layers: Layers, inputs: TextInputs) -> BaseModelOutput:
    """Checked inputs through embeddings and layers."""
    x = embeddings(inputs.input_ids, inputs.token_type_ids, inputs.position_ids, inputs.inputs_embeds)  # (B, S, D)
    return through(layers, x, inputs.attention_mask, inputs.output_attentions, inputs.output_hidden_states)


def through(
    layers: Layers, x: Tensor, mask: Tensor | None, output_attentions: bool = False, output_hidden_states: bool = False
) -> BaseModelOutput:
    """x (B, S, D) through the layers. Padding (False in mask, (B, S)) is left out on the way where that saves work."""
    layout: Layout = Padded(mask)
    if mask is not None and readable(mask) and not output_attentions and layers.may_pack():
        x, layout = pack(x, mask)
    return layers(x, layout, output_attentions, output_hidden_states)  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """A text encoder from a configuration, to build one's own model on."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.embeddings = TextEmbeddings(config)
        self.layers = Layers(config)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> BaseModelOutput:
        """Ids (B, S), or vectors (B, S, D) as `inputs_embeds`; mask (B, S), 1 = real -> states (B, S, D)."""
        inputs = TextInputs.check(
            self.config,
            input_ids,
            attention_mask,
            token_type_ids,
            position_ids,
            inputs_embeds,
            output_attentions,
            output_hidden_states,
        )
        return encode(self.embeddings, self.layers, inputs)
