"""A transformer block, a stack of them, and an encoder: embeddings and a stack.

Letters: B batch, S sequence, D hidden size, H heads.
"""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import layers, ops

from ..kit_parts import part_name
from ..outputs import BaseModelOutput
from .activations import activation
from .attention import for_every_head
from .embeddings import TextEmbeddings
from .init import Dense, Numbered, Part, spread
from .inputs import TextInputs
from .norms import make_norm
from .parts import ATTENTIONS, BLOCKS, FEED_FORWARDS

register_block = BLOCKS.decorator
register_feed_forward = FEED_FORWARDS.decorator


class MLP(Part):
    """Widen, activate, narrow (Vaswani et al. 2017, section 3.3): (…, D) -> (…, D)."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.up_proj = Dense(config.intermediate_size, reads=config.hidden_size, **spread(config))
        self.activation = activation(config.activation)
        self.dropout = layers.Dropout(config.activation_dropout)
        self.down_proj = Dense(config.hidden_size, reads=config.intermediate_size, **spread(config))

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.down_proj(self.dropout(self.activation(self.up_proj(x)), training=training))


class Block(Part):
    """Attention and feed-forward, with a norm for each; how they are wired is the subclass's `call`."""

    final_norm: ClassVar[bool] = True
    """Whether a stack of these leaves its output without a norm, and the encoder adds one."""

    def __init__(self, config: Any, layer: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.attention = ATTENTIONS.make(part_name(ATTENTIONS, config, "attention", layer=layer), config, layer)
        self.attention_norm = make_norm(config)
        own = config.attention_output_dropout
        self.attention_output_dropout = layers.Dropout(config.dropout if own is None else own)
        self.mlp = FEED_FORWARDS.make(part_name(FEED_FORWARDS, config, "feed_forward", layer=layer), config)
        self.mlp_norm = make_norm(config)
        self.mlp_dropout = layers.Dropout(config.dropout)

    def attend(self, x: Any, allowed: Any, output_attentions: bool, training: bool | None) -> tuple[Any, Any]:
        """x (B, S, D) -> what attention makes of it (B, S, D), and its weights if asked for."""
        y, weights = self.attention(x, allowed, output_attentions=output_attentions, training=training)
        return self.attention_output_dropout(y, training=training), weights

    def feed(self, x: Any, training: bool | None) -> Any:
        """x (B, S, D) -> what the feed-forward makes of it (B, S, D)."""
        return self.mlp_dropout(self.mlp(x, training=training), training=training)

    def call(self, x: Any, allowed: Any = None, output_attentions: bool = False, training: bool | None = None) -> Any:
        """Hook: x (B, S, D), mask that broadcasts to (B, H, S, S) -> (B, S, D) and, if asked for, attention weights."""
        raise NotImplementedError(
            f"{type(self).__name__} must define call(self, x, allowed, output_attentions, training)"
        )


class PostNormBlock(Block):
    """A norm after each part and residual (Vaswani et al. 2017)."""

    final_norm = False

    def call(self, x: Any, allowed: Any = None, output_attentions: bool = False, training: bool | None = None) -> Any:
        y, weights = self.attend(x, allowed, output_attentions, training)
        x = self.attention_norm(x + y)
        return self.mlp_norm(x + self.feed(x, training)), weights


class PreNormBlock(Block):
    """A norm before each part (Xiong et al. 2020, https://arxiv.org/abs/2002.04745)."""

    def call(self, x: Any, allowed: Any = None, output_attentions: bool = False, training: bool | None = None) -> Any:
        y, weights = self.attend(self.attention_norm(x), allowed, output_attentions, training)
        x = x + y
        return x + self.feed(self.mlp_norm(x), training), weights


class Layers(Numbered):
    """The stack of blocks. A model keeps it as `stack` and it is called "layers", an attribute that Keras has taken."""

    called: ClassVar[str] = "layers"

    def __init__(self, config: Any, block: type[Block] | None = None, **options: Any) -> None:
        """`block`: another class than the one that `config.norm_order` names."""
        kind = block or BLOCKS.get(part_name(BLOCKS, config, "norm_order"))
        super().__init__((kind(config, i) for i in range(config.num_hidden_layers)), **options)
        self.final_norm = kind.final_norm
        self.layerdrop = config.layerdrop
        self.seeds = keras.random.SeedGenerator() if self.layerdrop else None

    def call(
        self,
        x: Any,
        allowed: Any = None,
        output_attentions: bool = False,
        output_hidden_states: bool = False,
        training: bool | None = None,
    ) -> BaseModelOutput:
        """x (B, S, D), boolean `allowed` (B, S) or (B, S, S) -> (B, S, D), and what is asked for of each layer.

        In training each block is left out with probability `layerdrop` (Fan et al. 2019, LayerDrop).
        """
        allowed = for_every_head(allowed)
        states, weights = [x], []
        for block in self.parts:
            y, weight = block(x, allowed, output_attentions=output_attentions, training=training)
            if training and self.seeds is not None:
                y = ops.where(keras.random.uniform((), seed=self.seeds) >= self.layerdrop, y, x)
            x = y
            states.append(x)
            weights.append(weight)
        return BaseModelOutput(
            last_hidden_state=x,
            hidden_states=tuple(states) if output_hidden_states else None,
            attentions=tuple(weights) if output_attentions else None,
        )


def encode(
    embeddings: TextEmbeddings, stack: Layers, norm: Any, inputs: TextInputs, training: bool | None
) -> BaseModelOutput:
    """Checked inputs through embeddings, layers and the norm at the end, if there is one."""
    x = embeddings(
        inputs.input_ids, inputs.token_type_ids, inputs.position_ids, inputs.inputs_embeds, training=training
    )  # (B, S, D)
    return through(
        stack, norm, x, inputs.attention_mask, inputs.output_attentions, inputs.output_hidden_states, training
    )


def through(
    stack: Layers,
    norm: Any,
    x: Any,
    mask: Any,
    output_attentions: bool = False,
    output_hidden_states: bool = False,
    training: bool | None = None,
) -> BaseModelOutput:
    """x (B, S, D) through the layers and the norm at the end, if there is one."""
    output: BaseModelOutput = stack(
        x,
        allowed=mask,
        output_attentions=output_attentions,
        output_hidden_states=output_hidden_states,
        training=training,
    )
    if norm is not None:
        output.last_hidden_state = norm(output.last_hidden_state)
    return output


def final_norm(config: Any, stack: Layers) -> Any:
    """The norm after a stack whose blocks end without one."""
    return make_norm(config) if stack.final_norm else None


class Encoder(Part):
    """A text encoder from a configuration, to build one's own model on."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.config = config
        self.embeddings = TextEmbeddings(config)
        self.stack = Layers(config)
        self.norm = final_norm(config, self.stack)

    def call(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        token_type_ids: Any = None,
        position_ids: Any = None,
        inputs_embeds: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        training: bool | None = None,
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
        return encode(self.embeddings, self.stack, self.norm, inputs, training)
