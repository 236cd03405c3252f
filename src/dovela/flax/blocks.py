"""A transformer block, a stack of them, and an encoder: embeddings and a stack.

Letters: B batch, S sequence, D hidden size.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..outputs import BaseModelOutput
from .embeddings import TextEmbeddings
from .inputs import TextInputs
from .layers import Dropout, dtypes, key_for
from .norms import make_norm
from .parts import ATTENTIONS, BLOCKS, FEED_FORWARDS, part

Array = jax.Array

register_block = BLOCKS.decorator


class Block(nn.Module):
    """Attention and feed-forward, with a norm for each; how they are wired is the subclass's `__call__`."""

    config: Any
    layer: int = 0
    dtype: Any = None
    param_dtype: Any = jnp.float32

    final_norm: ClassVar[bool] = True
    """Whether a stack of these leaves its output without a norm, and the encoder adds one."""

    def setup(self) -> None:
        config, layer = self.config, self.layer
        self.attention = part(ATTENTIONS, config, "attention", layer=layer)(config, layer, **dtypes(self))
        self.attention_norm = make_norm(self)
        own = config.attention_output_dropout
        self.attention_output_dropout = Dropout(config.dropout if own is None else own)
        self.mlp = part(FEED_FORWARDS, config, "feed_forward", layer=layer)(config, **dtypes(self))
        self.mlp_norm = make_norm(self)
        self.mlp_dropout = Dropout(config.dropout)

    def attend(self, x: Array, mask: Array | None, train: bool) -> tuple[Array, Array]:
        """x (B, S, D) -> what attention makes of it (B, S, D), and its weights."""
        y, weights = self.attention(x, mask, train)
        return self.attention_output_dropout(y, train), weights

    def feed(self, x: Array, train: bool) -> Array:
        """x (B, S, D) -> what the feed-forward makes of it (B, S, D)."""
        return self.mlp_dropout(self.mlp(x, train), train)

    def __call__(self, x: Array, mask: Array | None, train: bool = False) -> tuple[Array, Array]:
        """Hook: x (B, S, D), mask (B, 1, 1 or S, S) or None -> (B, S, D) and attention weights (B, H, S, S)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, x, mask, train)")


class PostNormBlock(Block):
    """A norm after each part and residual (Vaswani et al. 2017)."""

    final_norm = False

    def __call__(self, x: Array, mask: Array | None, train: bool = False) -> tuple[Array, Array]:
        y, weights = self.attend(x, mask, train)
        x = self.attention_norm(x + y)
        return self.mlp_norm(x + self.feed(x, train)), weights


class PreNormBlock(Block):
    """A norm before each part (Xiong et al. 2020, https://arxiv.org/abs/2002.04745)."""

    def __call__(self, x: Array, mask: Array | None, train: bool = False) -> tuple[Array, Array]:
        y, weights = self.attend(self.attention_norm(x), mask, train)
        x = x + y
        return x + self.feed(self.mlp_norm(x), train), weights


class Layers(nn.Module):
    """The stack of blocks, each called by its number. `block`: another class than the one that `norm_order` names."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False
    block: Any = None

    def setup(self) -> None:
        block = part(BLOCKS, self.config, "norm_order") if self.block is None else self.block
        if self.gradient_checkpointing:  # activations are computed again in the backward pass instead of kept
            block = nn.remat(block, static_argnums=(3,))  # `train`
        self.stack = [block(self.config, i, name=str(i), **dtypes(self)) for i in range(self.config.num_hidden_layers)]

    def __call__(
        self,
        x: Array,
        mask: Array | None = None,
        train: bool = False,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
    ) -> BaseModelOutput:
        """x (B, S, D), mask (B, S) or (B, S, S), True = may be attended to -> states, and each layer's if asked for."""
        if mask is not None:
            mask = mask[:, None, None] if mask.ndim == 2 else mask[:, None]  # (B, 1, 1 or S, S)
        states, weights = [x], []
        for block in self.stack:
            y, weight = block(x, mask, train)
            if train and self.config.layerdrop:  # each block is left out now and then (Fan et al. 2019)
                y = jnp.where(jax.random.uniform(key_for(self, "layerdrop")) < self.config.layerdrop, x, y)
            x = y
            states.append(x)
            weights.append(weight)
        return BaseModelOutput(
            last_hidden_state=x,
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(weights) if output_attentions else None,
        )


def encode(embeddings: Any, layers: Any, norm: Any, inputs: TextInputs, train: bool) -> BaseModelOutput:
    """Checked inputs through embeddings, layers and the norm at the end, if there is one."""
    x = embeddings(inputs.input_ids, inputs.token_type_ids, inputs.position_ids, inputs.inputs_embeds, train)
    output = layers(x, inputs.attention_mask, train, inputs.output_attentions, inputs.output_hidden_states)
    if norm is not None:
        output.last_hidden_state = norm(output.last_hidden_state)
    return output  # type: ignore[no-any-return]


def make_layers(module: Any) -> Layers:
    """The stack of `module`, which it is to belong to."""
    return Layers(module.config, gradient_checkpointing=module.gradient_checkpointing, **dtypes(module))


def final_norm(module: Any) -> nn.Module | None:
    """The norm after a stack whose blocks end without one."""
    return make_norm(module) if part(BLOCKS, module.config, "norm_order").final_norm else None


class Encoder(nn.Module):
    """A text encoder from a configuration, to build one's own model on."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False

    def setup(self) -> None:
        self.embeddings = TextEmbeddings(self.config, **dtypes(self))
        self.layers = make_layers(self)
        self.norm = final_norm(self)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        token_type_ids: Array | None = None,
        position_ids: Array | None = None,
        inputs_embeds: Array | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        train: bool = False,
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
        return encode(self.embeddings, self.layers, self.norm, inputs, train)
