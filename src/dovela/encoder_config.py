"""The words in which every encoder is described, whether its architecture fixes them or leaves them open.

The parts of `dovela.torch` read these words from any configuration. BERT and its kind are presets: what they fix is a
plain attribute of the class. `EncoderConfig` has all of it as fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from .checks import NonNegative, NonNegativeFloat, Positive, PositiveFloat, Probability
from .config import PretrainedConfig
from .encoder_rules import encoder_rules
from .parts import ACTIVATIONS, ATTENTIONS, BLOCKS, FEED_FORWARDS, NORMS, POOLERS, POSITIONS

Activation = Annotated[str, ACTIVATIONS]
AttentionKind = Annotated[str, ATTENTIONS]
BlockOrder = Annotated[str, BLOCKS]
FeedForwardKind = Annotated[str, FEED_FORWARDS]
NormKind = Annotated[str, NORMS]
PoolerKind = Annotated[str, POOLERS]
PositionKind = Annotated[str, POSITIONS]

ENCODER_REFUSES: dict[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute",),
    "is_decoder": (False,),
    "is_encoder_decoder": (False,),
    "add_cross_attention": (False,),
    "chunk_size_feed_forward": (0,),
    "gradient_checkpointing": (False,),
    "torchscript": (False,),
    "use_cache": (True, False),  # a decoder's option, without effect in an encoder
}
"""Options that these architectures have elsewhere and not here, and the values that ask for nothing."""


def fixed(value: Any) -> Any:
    """What an architecture fixes: no field of its own configuration, though it may be one of another's."""
    return value


class TransformerConfig(PretrainedConfig):
    """What the parts of every encoder read, with the values of an architecture that says nothing else."""

    reads = fixed("text")  # or "images", "sound"
    attention = fixed("full")
    window = fixed(64)
    num_key_value_heads = fixed(None)
    norm = fixed("layer")
    norm_order = fixed("post")
    positions = fixed("learned")
    rope_theta = fixed(10000.0)
    feed_forward = fixed("mlp")
    num_experts = fixed(8)
    experts_per_token = fixed(2)
    expert = fixed("mlp")
    router_balance = fixed(0.01)
    pooler = fixed(None)
    classifier_hidden = fixed(False)
    qkv_bias = fixed(True)
    activation_dropout = fixed(0.0)
    layerdrop = fixed(0.0)
    initializer_limit = fixed(None)

    refused = ENCODER_REFUSES

    def check(self) -> Iterable[str]:
        yield from super().check()
        yield from encoder_rules(self)


class ChosenParts(TransformerConfig):
    """The parts that a configuration leaves open, by their names: registered ones, one's own among them."""

    attention: AttentionKind | list[AttentionKind] = "full"
    'Who attends to whom; a list repeats over the layers: ["window", "window", "full"] makes every third layer global.'
    window: Positive = 64
    "Tokens to each side that attention of a window kind sees."
    num_key_value_heads: Positive | None = None
    "Heads of keys and values, each shared by as many queries (grouped-query attention); None: one for each head."
    norm: NormKind = "layer"
    norm_order: BlockOrder = "post"
    'Each norm after its part and residual ("post", BERT), before its part ("pre"), or one before both ("parallel").'
    positions: PositionKind = "learned"
    "How a model knows where a token stands."
    rope_theta: PositiveFloat = 10000.0
    "The base of rotary positions' wavelengths."
    feed_forward: FeedForwardKind | list[FeedForwardKind] = "mlp"
    "The part that works on each token alone; a list repeats over the layers."
    num_experts: Positive = 8
    "Of a mixture-of-experts feed-forward."
    experts_per_token: Positive = 2
    expert: FeedForwardKind = "mlp"
    "What each expert is."
    router_balance: NonNegativeFloat = 0.01
    "How strongly training spreads tokens evenly over the experts."
    pooler: PoolerKind | None = None
    'How a sequence becomes one vector; by default "first", or "last" where attention is causal.'


class EncoderConfig(ChosenParts, model_type="encoder"):
    """A transformer over tokens, in the words that the parts of `dovela.torch` read."""

    vocab_size: Positive = 30522
    "Number of tokens."
    hidden_size: Positive = 768
    "Width of the hidden states."
    num_hidden_layers: Positive = 12
    num_attention_heads: Positive = 12
    "Heads of each layer; `hidden_size` is a multiple of it."
    intermediate_size: Positive = 3072
    "Width inside the feed-forward part."
    max_position_embeddings: Positive = 512
    "The longest sequence, where positions are a table."
    type_vocab_size: NonNegative = 0
    "Number of token types (segments); 0: none."
    activation: Activation = "gelu"
    "Of the feed-forward parts that leave it open, and of the masked-language-model head."
    norm_eps: PositiveFloat = 1e-12
    dropout: Probability = 0.1
    "After embeddings, attention and feed-forward."
    attention_dropout: Probability = 0.1
    "On the attention weights."
    attention_output_dropout: Probability | None = None
    "After attention; by default `dropout`."
    head_dropout: Probability | None = None
    "Before the last layer of a classifier; by default `dropout`."
    qkv_bias: bool = True
    "Whether queries, keys and values have biases."
    classifier_hidden: bool = False
    "A layer of the model's width, with a ReLU, in classifiers of whole sequences (DistilBERT)."
    initializer_range: NonNegativeFloat = 0.02
    "Standard deviation of fresh weights."
    pad_token_id: NonNegative | None = 0

    head_fields = ("classifier_hidden", "head_dropout")
