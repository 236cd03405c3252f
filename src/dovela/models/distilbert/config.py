"""The configuration of DistilBERT; defaults are distilbert-base-uncased."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from ...checks import NonNegative, NonNegativeFloat, Positive, Probability
from ...config import Alias, PretrainedConfig
from ...encoder_config import ENCODER_REFUSES, Activation, encoder_rules


class DistilBertConfig(PretrainedConfig, model_type="distilbert"):
    """Configuration of a DistilBERT model."""

    vocab_size: Positive = 30522
    "Number of tokens."
    max_position_embeddings: Positive = 512
    "The longest sequence."
    sinusoidal_pos_embds: bool = False
    "Fixed sinusoidal positions instead of learned ones."
    n_layers: Positive = 6
    n_heads: Positive = 12
    "Attention heads of each layer; `dim` is a multiple of it."
    dim: Positive = 768
    "Width of the hidden states."
    hidden_dim: Positive = 3072
    "Width inside the feed-forward part."
    dropout: Probability = 0.1
    "After embeddings and feed-forward."
    attention_dropout: Probability = 0.1
    "On the attention weights."
    activation: Activation = "gelu"
    "Of the feed-forward part and of the masked-language-model head."
    initializer_range: NonNegativeFloat = 0.02
    "Standard deviation of fresh weights."
    qa_dropout: Probability = 0.1
    "Before the question-answering head."
    seq_classif_dropout: Probability = 0.2
    "Before the last layer of the sequence classification and multiple-choice heads."
    pad_token_id: NonNegative | None = 0

    hidden_size = Alias[int]("dim")
    num_hidden_layers = Alias[int]("n_layers")
    num_attention_heads = Alias[int]("n_heads")
    intermediate_size = Alias[int]("hidden_dim")
    sinusoidal_positions = Alias[bool]("sinusoidal_pos_embds")

    # What the architecture fixes, in the words that the parts read.
    type_vocab_size: ClassVar[int] = 0
    attention: ClassVar[str] = "full"
    norm_eps: ClassVar[float] = 1e-12
    norm_order: ClassVar[Literal["post", "pre"]] = "post"
    attention_output_dropout: ClassVar[float] = 0.0
    refused = ENCODER_REFUSES

    def check(self) -> Iterable[str]:
        yield from super().check()
        yield from encoder_rules(self)
