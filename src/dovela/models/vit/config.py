"""The configuration of ViT; defaults are vit-base-patch16-224."""

from __future__ import annotations

from collections.abc import Iterable

from ...checks import NonNegativeFloat, Positive, PositiveFloat, Probability
from ...config import Alias
from ...encoder_config import Activation, TransformerConfig, fixed


class ViTConfig(TransformerConfig, model_type="vit"):
    """Configuration of a ViT model."""

    hidden_size: Positive = 768
    "Width of the hidden states."
    num_hidden_layers: Positive = 12
    num_attention_heads: Positive = 12
    "Heads of each layer; `hidden_size` is a multiple of it."
    intermediate_size: Positive = 3072
    "Width inside the feed-forward part."
    hidden_act: Activation = "gelu"
    "Of the feed-forward part."
    hidden_dropout_prob: Probability = 0.0
    "After embeddings, attention and feed-forward."
    attention_probs_dropout_prob: Probability = 0.0
    "On the attention weights."
    initializer_range: NonNegativeFloat = 0.02
    "Standard deviation of fresh weights."
    layer_norm_eps: PositiveFloat = 1e-12
    image_size: Positive | tuple[Positive, Positive] = 224
    "Pixels of an image: of its sides, or (height, width)."
    patch_size: Positive | tuple[Positive, Positive] = 16
    "Pixels of a patch, in the same way. What is left at the right and below, less than a patch, is not seen."
    num_channels: Positive = 3
    "3 for colours, 1 for greys."
    qkv_bias: bool = True
    "Whether queries, keys and values have biases."
    encoder_stride: Positive = 16
    "Pixels of a side that masked image modelling makes of a patch; to learn it must be `patch_size`."
    pooler_output_size: Positive | None = None
    "Width of the pooled vector; by default `hidden_size`."
    pooler_act: Activation = "tanh"

    activation = Alias[str]("hidden_act")
    dropout = Alias[float]("hidden_dropout_prob")
    attention_dropout = Alias[float]("attention_probs_dropout_prob")
    attention_output_dropout = Alias[float]("hidden_dropout_prob")
    norm_eps = Alias[float]("layer_norm_eps")

    # What the architecture fixes, in the words that the parts read.
    reads = fixed("images")
    norm_order = fixed("pre")
    pooler = fixed("dense")
    initializer_limit = fixed(2.0)
    head_dropout = fixed(0.0)
    head_fields = ("encoder_stride",)

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of an image, in pixels."""
        return _pair(self.image_size)

    @property
    def patch_shape(self) -> tuple[int, int]:
        """Height and width of a patch, in pixels."""
        return _pair(self.patch_size)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of whole patches that an image has."""
        (height, width), (down, across) = self.image_shape, self.patch_shape
        return height // down, width // across

    def check(self) -> Iterable[str]:
        yield from super().check()
        if 0 in self.grid:
            yield f"patch_size ({self.patch_size}) is larger than image_size ({self.image_size})"


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)
