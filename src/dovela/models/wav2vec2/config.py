"""The configuration of Wav2Vec2; defaults are wav2vec2-base."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from ...checks import NonNegative, NonNegativeFloat, Positive, PositiveFloat, Probability
from ...config import Alias
from ...encoder_config import ENCODER_REFUSES, Activation, TransformerConfig, fixed


def _listed(*values: int) -> Any:
    return dataclasses.field(default_factory=lambda: list(values))


class Wav2Vec2Config(TransformerConfig, model_type="wav2vec2"):
    """Configuration of a Wav2Vec2 model."""

    vocab_size: Positive = 32
    "Number of characters that the CTC head tells apart."
    hidden_size: Positive = 768
    "Width of the hidden states."
    num_hidden_layers: Positive = 12
    num_attention_heads: Positive = 12
    "Heads of each layer; `hidden_size` is a multiple of it."
    intermediate_size: Positive = 3072
    "Width inside the feed-forward part."
    hidden_act: Activation = "gelu"
    hidden_dropout: Probability = 0.1
    "After the positions, attention and feed-forward."
    activation_dropout: Probability = 0.1
    "Inside the feed-forward part."
    attention_dropout: Probability = 0.1
    "On the attention weights."
    feat_proj_dropout: Probability = 0.0
    "After the projection of the convolutions' frames to the width of the hidden states."
    feat_quantizer_dropout: Probability = 0.0
    "On the frames that pre-training quantises."
    final_dropout: Probability = 0.1
    "Before the last layer of the CTC head."
    layerdrop: Probability = 0.1
    "How often a layer is left out in training."
    initializer_range: NonNegativeFloat = 0.02
    "Standard deviation of fresh weights."
    layer_norm_eps: PositiveFloat = 1e-5
    feat_extract_norm: Literal["group", "layer"] = "group"
    'Norms of the convolutions: over time after the first ("group"), or over channels after each ("layer").'
    feat_extract_activation: Activation = "gelu"
    conv_dim: list[Positive] = _listed(512, 512, 512, 512, 512, 512, 512)
    "Widths of the convolutions over samples; as many as strides and kernels."
    conv_stride: list[Positive] = _listed(5, 2, 2, 2, 2, 2, 2)
    conv_kernel: list[Positive] = _listed(10, 3, 3, 3, 3, 2, 2)
    conv_bias: bool = False
    num_conv_pos_embeddings: Positive = 128
    "Width, in frames, of the convolution that stands for positions."
    num_conv_pos_embedding_groups: Positive = 16
    do_stable_layer_norm: bool = False
    "Norms before attention and feed-forward and one at the end, instead of after each."
    apply_spec_augment: bool = True
    "Whether frames and channels are masked in training (SpecAugment)."
    mask_time_prob: Probability = 0.05
    "Share of the frames that are masked, if no two spans overlapped."
    mask_time_length: Positive = 10
    "Frames of a masked span."
    mask_time_min_masks: NonNegative = 2
    mask_feature_prob: Probability = 0.0
    "Share of the channels that are masked, if no two spans overlapped."
    mask_feature_length: Positive = 10
    "Channels of a masked span."
    mask_feature_min_masks: NonNegative = 0
    num_codevectors_per_group: Positive = 320
    num_codevector_groups: Positive = 2
    contrastive_logits_temperature: PositiveFloat = 0.1
    num_negatives: Positive = 100
    "Frames that the true one is to be told from in pre-training."
    codevector_dim: Positive = 256
    "Width of a quantised frame; a multiple of `num_codevector_groups`."
    proj_codevector_dim: Positive = 256
    diversity_loss_weight: NonNegativeFloat = 0.1
    ctc_loss_reduction: Literal["sum", "mean", "none"] = "sum"
    ctc_zero_infinity: bool = False
    "Whether a label that is too long for its sound counts nothing, instead of being an error."
    use_weighted_layer_sum: bool = False
    "Whether classifiers read a learned mixture of all layers instead of the last."
    classifier_proj_size: Positive = 256
    tdnn_dim: list[Positive] = _listed(512, 512, 512, 512, 1500)
    "Widths of the x-vector head's convolutions over frames; as many as kernels and dilations."
    tdnn_kernel: list[Positive] = _listed(5, 3, 3, 1, 1)
    tdnn_dilation: list[Positive] = _listed(1, 2, 3, 1, 1)
    xvector_output_dim: Positive = 512
    pad_token_id: NonNegative | None = 0
    "Padding of labels, and the blank of CTC."
    bos_token_id: NonNegative | None = 1
    eos_token_id: NonNegative | None = 2
    add_adapter: bool = False
    "Whether convolutions after the layers make the frames fewer."
    adapter_kernel_size: Positive = 3
    adapter_stride: Positive = 2
    num_adapter_layers: Positive = 3
    output_hidden_size: Positive | None = None
    "Width after the adapter; by default `hidden_size`."
    adapter_attn_dim: Positive | None = None
    "Width of a small adapter in each layer, exchanged for each language (MMS); None: no such adapters."

    activation = Alias[str]("hidden_act")
    dropout = Alias[float]("hidden_dropout")
    attention_output_dropout = Alias[float]("hidden_dropout")
    norm_eps = Alias[float]("layer_norm_eps")

    # What the architecture fixes, in the words that the parts read.
    reads = fixed("sound")
    positions = fixed("convolutional")
    pooler = fixed("mean")
    # Old files ask for gradient checkpointing, which changes no result; `Wav2Vec2Model` does as they say.
    refused = {name: values for name, values in ENCODER_REFUSES.items() if name != "gradient_checkpointing"}

    @property
    def norm_order(self) -> str:
        return "pre" if self.do_stable_layer_norm else "post"

    @property
    def output_size(self) -> int:
        """Width of the last hidden state."""
        return self.output_hidden_size or self.hidden_size if self.add_adapter else self.hidden_size

    @property
    def inputs_to_logits_ratio(self) -> int:
        """Samples from the start of one frame to the start of the next."""
        ratio = 1
        for stride in self.conv_stride:
            ratio *= stride
        return ratio

    @property
    def num_feat_extract_layers(self) -> int:
        return len(self.conv_dim)

    @property
    def receptive_field(self) -> int:
        """Samples that one frame is made of: the least that a model can hear."""
        samples = 1
        for kernel, stride in zip(reversed(self.conv_kernel), reversed(self.conv_stride), strict=True):
            samples = (samples - 1) * stride + kernel
        return samples

    def frames(self, samples: Any, *, adapter: bool | None = None) -> Any:
        """How many frames so many samples become (a number or a tensor), after the adapter if there is one.

        Of a row that is shorter than the receptive field: none.
        """
        for kernel, stride in zip(self.conv_kernel, self.conv_stride, strict=True):
            samples = (samples - kernel) // stride + 1
        if self.add_adapter if adapter is None else adapter:
            for _ in range(self.num_adapter_layers):
                samples = (samples + 2 - self.adapter_kernel_size) // self.adapter_stride + 1  # padded by 1 at each end
        return (samples + abs(samples)) // 2  # at least 0; in any framework

    def _fill(self, values: dict[str, Any], *, source: str = "", kept: Mapping[str, Any] | None = None) -> None:
        super()._fill(values, source=source, kept=kept)
        if self.output_hidden_size is None:  # as files have it
            self.__dict__["output_hidden_size"] = self.hidden_size

    def _revise(self, changes: dict[str, Any], *, lock: bool = False) -> None:
        follows = self.output_hidden_size == self.hidden_size and "output_hidden_size" not in changes
        super()._revise(changes, lock=lock)
        if follows or self.output_hidden_size is None:
            self.__dict__["output_hidden_size"] = self.hidden_size

    def check(self) -> Iterable[str]:
        yield from super().check()
        for prefix, words in (("conv", ("dim", "stride", "kernel")), ("tdnn", ("dim", "kernel", "dilation"))):
            sizes = {f"{prefix}_{word}": len(getattr(self, f"{prefix}_{word}")) for word in words}
            if len(set(sizes.values())) > 1 or 0 in sizes.values():
                lengths = ", ".join(f"{name} {size}" for name, size in sizes.items())
                yield f"{', '.join(sizes)} describe the same layers, and have lengths that differ or are 0 ({lengths})"
        for whole, part in (
            ("hidden_size", "num_conv_pos_embedding_groups"),
            ("codevector_dim", "num_codevector_groups"),
        ):
            if getattr(self, whole) % getattr(self, part):
                yield f"{whole} ({getattr(self, whole)}) is no multiple of {part} ({getattr(self, part)})"
        if self.adapter_attn_dim is not None and self.norm_order == "post":
            yield "adapter_attn_dim has adapters in layers of do_stable_layer_norm=True only"
        if self.add_adapter and self.adapter_kernel_size < 2:
            yield f"adapter_kernel_size ({self.adapter_kernel_size}) would read padding alone; it starts at 2"
