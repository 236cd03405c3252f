"""The configuration of BERT; defaults are bert-base-uncased."""

from __future__ import annotations

from ...checks import NonNegative, NonNegativeFloat, Positive, PositiveFloat, Probability
from ...config import Alias
from ...encoder_config import Activation, TransformerConfig, fixed


class BertConfig(TransformerConfig, model_type="bert"):
    """Configuration of a BERT model."""

    vocab_size: Positive = 30522
    "Number of tokens."
    hidden_size: Positive = 768
    "Width of the hidden states."
    num_hidden_layers: Positive = 12
    num_attention_heads: Positive = 12
    "Heads of each layer; `hidden_size` is a multiple of it."
    intermediate_size: Positive = 3072
    "Width inside the feed-forward part."
    hidden_act: Activation = "gelu"
    "Of the feed-forward part and of the masked-language-model head."
    hidden_dropout_prob: Probability = 0.1
    "After embeddings, attention and feed-forward."
    attention_probs_dropout_prob: Probability = 0.1
    "On the attention weights."
    max_position_embeddings: Positive = 512
    "The longest sequence."
    type_vocab_size: Positive = 2
    "Number of token types (segments)."
    initializer_range: NonNegativeFloat = 0.02
    "Standard deviation of fresh weights."
    layer_norm_eps: PositiveFloat = 1e-12
    classifier_dropout: Probability | None = None
    "Before the last layer of a head; by default `hidden_dropout_prob`."
    pad_token_id: NonNegative | None = 0

    activation = Alias[str]("hidden_act")
    dropout = Alias[float]("hidden_dropout_prob")
    attention_dropout = Alias[float]("attention_probs_dropout_prob")
    attention_output_dropout = Alias[float]("hidden_dropout_prob")
    norm_eps = Alias[float]("layer_norm_eps")

    pooler = fixed("dense")
    head_fields = ("classifier_dropout",)

    @property
    def head_dropout(self) -> float:
        """Before the last layer of a head."""
        return self.hidden_dropout_prob if self.classifier_dropout is None else self.classifier_dropout
