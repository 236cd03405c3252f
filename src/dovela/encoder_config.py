"""The configuration of a text encoder built from parts, and the rules that every text encoder shares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from .checks import NonNegative, NonNegativeFloat, Positive, PositiveFloat, Probability
from .config import Alias, PretrainedConfig
from .parts import ACTIVATIONS, ATTENTIONS

Activation = Annotated[str, ACTIVATIONS]
AttentionKind = Annotated[str, ATTENTIONS]

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


def encoder_rules(config: Any) -> Iterator[str]:
    """The cross-field rules of every encoder; sentences name the fields as this architecture does."""
    name = {word: config.aliases().get(word, word) for word in ("hidden_size", "num_attention_heads")}
    if config.hidden_size % config.num_attention_heads:
        yield (
            f"{name['hidden_size']} ({config.hidden_size}) is no multiple of "
            f"{name['num_attention_heads']} ({config.num_attention_heads})"
        )
    words = hasattr(config, "vocab_size")  # images have none
    if words and config.pad_token_id is not None and config.pad_token_id >= config.vocab_size:
        yield f"pad_token_id ({config.pad_token_id}) lies outside the vocabulary (vocab_size {config.vocab_size})"
    for layer, heads in config.pruned_heads.items():
        if not 0 <= layer < config.num_hidden_layers:
            yield f"pruned_heads names layer {layer}, and there are {config.num_hidden_layers}"
        elif bad := [h for h in heads if not 0 <= h < config.num_attention_heads]:
            yield f"pruned_heads names head {bad[0]} of layer {layer}, and there are {config.num_attention_heads}"
        elif len(set(heads)) >= config.num_attention_heads:
            yield f"pruned_heads leaves layer {layer} without a head"


class EncoderConfig(PretrainedConfig, model_type="encoder"):
    """A transformer encoder over tokens, in the words that the parts of `dovela.torch` read."""

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
    "The longest sequence."
    type_vocab_size: NonNegative = 0
    "Number of token types (segments); 0: none."
    activation: Activation = "gelu"
    attention: AttentionKind = "full"
    norm_eps: PositiveFloat = 1e-12
    norm_order: Literal["post", "pre"] = "post"
    "Whether each norm comes after its part and residual (BERT) or before its part."
    sinusoidal_positions: bool = False
    "Fixed sinusoidal positions instead of learned ones."
    dropout: Probability = 0.1
    "After embeddings, attention and feed-forward."
    attention_dropout: Probability = 0.1
    "On the attention weights."
    initializer_range: NonNegativeFloat = 0.02
    "Standard deviation of fresh weights."
    pad_token_id: NonNegative | None = 0

    attention_output_dropout = Alias[float]("dropout")
    head_dropout = Alias[float]("dropout")
    refused = ENCODER_REFUSES

    def check(self) -> Iterable[str]:
        yield from super().check()
        yield from encoder_rules(self)
