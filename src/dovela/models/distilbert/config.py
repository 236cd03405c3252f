"""The configuration of DistilBERT; defaults are distilbert-base-uncased."""

from __future__ import annotations

from ...checks import NonNegative, NonNegativeFloat, Positive, Probability
from ...config import Alias
from ...encoder_config import Activation, TransformerConfig, fixed


class DistilBertConfig(TransformerConfig, model_type="distilbert"):
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

    # What the architecture fixes, in the words that the parts read.
    type_vocab_size = fixed(0)
    norm_eps = fixed(1e-12)
    attention_output_dropout = fixed(0.0)
    head_dropout = Alias[float]("seq_classif_dropout")
    classifier_hidden = fixed(True)
    head_fields = ("qa_dropout", "seq_classif_dropout")

    @property
    def positions(self) -> str:
        return "sinusoidal" if self.sinusoidal_pos_embds else "learned"
