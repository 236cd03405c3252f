"""A transformer block, a stack of them, and an encoder: embeddings and a stack.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..encoder_rules import at_layer
from ..errors import ConfigError
from ..outputs import BaseModelOutput
from ..parts import ATTENTIONS, BLOCKS, FEED_FORWARDS
from .checked import pair_like, tensor_like
from .embeddings import TextEmbeddings
from .inputs import TextInputs
from .layout import Layout, Packable, Padded, pack, readable
from .norms import make_norm, normed

register_block = BLOCKS.decorator

TOKENWISE = (nn.Dropout, nn.Identity, nn.LayerNorm, nn.RMSNorm)
"""Modules that work on each token alone, and so wherever it lies."""


class Block(Packable):
    """Attention and feed-forward, with a norm for each; how they are wired is the subclass's `forward`."""

    final_norm: ClassVar[bool] = True
    """Whether a stack of these leaves its output without a norm, and the encoder adds one."""

    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__()
        self.attention: Any = ATTENTIONS.make(at_layer(config.attention, layer), config, layer)
        self.attention_norm = make_norm(config)
        own = config.attention_output_dropout
        self.attention_output_dropout = nn.Dropout(config.dropout if own is None else own)
        self.mlp: Any = FEED_FORWARDS.make(at_layer(config.feed_forward, layer), config)
        self.mlp_norm: nn.Module | None = make_norm(config)
        self.mlp_dropout = nn.Dropout(config.dropout)

    def attend(self, x: Tensor, layout: Layout, output_attentions: bool) -> tuple[Tensor, Tensor | None]:
        """x (…, D) -> what attention makes of it (…, D), and its weights if asked for."""
        y, weights = pair_like(self.attention, self.attention(x, layout, output_attentions), x)
        return self.attention_output_dropout(y), weights

    def feed(self, x: Tensor, layout: Layout) -> Tensor:
        """x (…, D) -> what the feed-forward makes of it (…, D)."""
        y = self.mlp(x, layout.real) if getattr(self.mlp, "counts_tokens", False) else self.mlp(x)
        return self.mlp_dropout(tensor_like(self.mlp, y, x))  # type: ignore[no-any-return]

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        """Hook: x (…, D) -> (…, D) and, if asked for, the attention weights."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, x, layout, output_attentions)")


class PostNormBlock(Block):
    """A norm after each part and residual (Vaswani et al. 2017)."""

    packs, final_norm = True, False

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        y, weights = self.attend(x, layout, output_attentions)
        x = normed(self.attention_norm, x + y)
        return normed(self.mlp_norm, x + self.feed(x, layout)), weights  # type: ignore[arg-type]


class PreNormBlock(Block):
    """A norm before each part (Xiong et al. 2020, https://arxiv.org/abs/2002.04745)."""

    packs = True

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        y, weights = self.attend(normed(self.attention_norm, x), layout, output_attentions)
        x = x + y
        return x + self.feed(normed(self.mlp_norm, x), layout), weights  # type: ignore[arg-type]


class ParallelBlock(Block):
    """Both parts side by side after one norm (Wang & Komatsuzaki 2021, GPT-J; Chowdhery et al. 2022, PaLM)."""

    packs = True

    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__(config, layer)
        self.mlp_norm = None

    def forward(self, x: Tensor, layout: Layout, output_attentions: bool = False) -> tuple[Tensor, Tensor | None]:
        z = normed(self.attention_norm, x)
        y, weights = self.attend(z, layout, output_attentions)
        return x + y + self.feed(z, layout), weights


class Layers(nn.ModuleList):
    """The stack of blocks."""

    checkpointing: dict[str, Any] | None = None  # in training: compute activations again, with these options

    def __init__(self, config: Any, block: type[Block] | None = None) -> None:
        """`block`: another class than the one that `config.norm_order` names."""
        chosen: Any = BLOCKS.get(config.norm_order) if block is None else block
        if not (isinstance(chosen, type) and issubclass(chosen, Block)):
            hint = f"Write: class {getattr(chosen, '__name__', 'MyBlock')}(dovela.torch.Block)"
            raise ConfigError(f"block order {config.norm_order!r}", "is not made of a class of blocks", hint=hint)
        super().__init__(chosen(config, layer) for layer in range(config.num_hidden_layers))
        self.layerdrop: float = config.layerdrop
        self.final_norm: bool = chosen.final_norm
        self.uses_places = any(getattr(block.attention, "positions", None) is not None for block in self)
        """Whether attention asks where the tokens stand."""

    def __getitem__(self, index: Any) -> Any:
        return nn.ModuleList(list(self)[index]) if isinstance(index, slice) else super().__getitem__(index)

    def may_pack(self) -> bool:
        """Whether every part works on tokens wherever they lie, and nobody looks in between."""
        known = all(
            getattr(part, "packs", type(part) in TOKENWISE) for block in self for part in (block, *block.children())
        )
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
                result = checkpoint(block, x, layout, output_attentions, **self.checkpointing)
                x, weight = pair_like(block, result, x)
            else:
                x, weight = pair_like(block, block(x, layout, output_attentions), x)
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


def encode(embeddings: TextEmbeddings, layers: Layers, norm: nn.Module | None, inputs: TextInputs) -> BaseModelOutput:
    """Checked inputs through embeddings, layers and the norm at the end, if there is one."""
    x = embeddings(inputs.input_ids, inputs.token_type_ids, inputs.position_ids, inputs.inputs_embeds)  # (B, S, D)
    places = inputs.position_ids if layers.uses_places else None
    if places is not None:
        places = places.view(-1, places.shape[-1], 1)  # (B or 1, S, 1)
    output = through(
        layers, x, inputs.attention_mask, inputs.output_attentions, inputs.output_hidden_states, places=places
    )
    if norm is not None:
        output.last_hidden_state = normed(norm, output.last_hidden_state)
    return output


def through(
    layers: Layers,
    x: Tensor,
    mask: Tensor | None,
    output_attentions: bool = False,
    output_hidden_states: bool = False,
    *,
    places: Tensor | None = None,
) -> BaseModelOutput:
    """x (B, S, D) through the layers. Padding (False in mask, (B, S)) is left out on the way where that saves work.

    `places` (B or 1, S, A): where the tokens stand, if not at 0 … S - 1.
    """
    layout: Layout = Padded(mask, places)
    if mask is not None and readable(mask) and not output_attentions and layers.may_pack():
        x, layout = pack(x, mask, places)
    return layers(x, layout, output_attentions, output_hidden_states)  # type: ignore[no-any-return]


def final_norm(config: Any, layers: Layers) -> nn.Module | None:
    """The norm after a stack whose blocks end without one."""
    return make_norm(config) if layers.final_norm else None


class Encoder(nn.Module):
    """A text encoder from a configuration, to build one's own model on."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.embeddings = TextEmbeddings(config)
        self.layers = Layers(config)
        self.norm = final_norm(config, self.layers)

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
        return encode(self.embeddings, self.layers, self.norm, inputs)
