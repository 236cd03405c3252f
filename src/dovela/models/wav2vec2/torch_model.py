"""Wav2Vec2 on torch (Baevski et al. 2020, https://arxiv.org/abs/2006.11477).

Letters: B batch, T samples, S frames, C channels of the convolutions, D hidden size.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from ...audio_rules import check_maskable
from ...hub import split_options
from ...outputs import Wav2Vec2BaseModelOutput
from ...torch.audio_heads import CTC, AudioClassification, AudioFrameClassification, SpeechPreTraining, XVector
from ...torch.blocks import Layers, through
from ...torch.checked import addable
from ...torch.inputs import AudioInputs
from ...torch.language_adapters import AdaptedBlock, draw_adapters, load_adapter
from ...torch.layout import padded
from ...torch.model import PreTrainedModel
from ...torch.norms import make_norm, normed
from ...torch.positions import added_positions
from ...torch.spec_augment import random_spans
from ...torch.waveform import FeatureEncoder, FeatureProjection, FrameAdapter, whole_windows
from .config import Wav2Vec2Config
from .weights import WAV2VEC2


class Wav2Vec2Model(PreTrainedModel, config=Wav2Vec2Config):
    """Convolutions over samples, positions as a convolution over frames, and blocks."""

    weight_map = WAV2VEC2
    optional_parts = ("mask_vector", "adapter")
    main_input_name = "input_values"

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__(config)
        self.features = FeatureEncoder(config)
        self.projection = FeatureProjection(config)
        masks = config.mask_time_prob > 0 or config.mask_feature_prob > 0
        self.mask_vector = nn.Parameter(torch.rand(config.hidden_size)) if masks else None
        self.positions = added_positions(config)
        self.norm = make_norm(config)
        self.dropout = nn.Dropout(config.hidden_dropout)
        self.layers = Layers(config, None if config.adapter_attn_dim is None else AdaptedBlock)
        self.adapter = FrameAdapter(config) if config.add_adapter else None
        if config.extra.get("gradient_checkpointing") is True:
            self.gradient_checkpointing_enable()

    def forward(
        self,
        input_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        mask_time_indices: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> Wav2Vec2BaseModelOutput:
        """Samples (B, T); mask (B, T), 1 = real; frames to mask (B, S) -> states (B, S, D)."""
        inputs = AudioInputs.check(
            self.config, input_values, attention_mask, mask_time_indices, output_attentions, output_hidden_states
        )
        real = self.frame_mask(inputs.attention_mask, adapter=False)  # (B, S)
        x, features = self.projection(
            self.features(inputs.input_values.to(self.features[0].conv.weight.dtype), inputs.attention_mask)
        )
        x = self.mask(x, inputs.mask_time_indices, real)
        if real is not None:
            x = x.masked_fill(~real[..., None], 0.0)
        if self.positions is not None:
            x = x + addable(self.positions, self.positions.added(x, None), x, "added")
        before = not self.layers.final_norm  # the one norm stands before the layers, or after them
        x = self.dropout(normed(self.norm, x) if before else x)
        # An adapter reads beyond the last real frame, and finds there what is computed at padding.
        with nullcontext() if self.adapter is None or torch.compiler.is_compiling() else padded():
            output = through(self.layers, x, real, inputs.output_attentions, inputs.output_hidden_states)
        x, states = output.last_hidden_state, output.hidden_states
        if not before:
            x = normed(self.norm, x)
            states = states and (*states[:-1], x)
        return Wav2Vec2BaseModelOutput(
            last_hidden_state=x if self.adapter is None else self.adapter(x),
            extract_features=features,
            hidden_states=states,
            attentions=output.attentions,
        )

    def mask(self, x: Tensor, chosen: Tensor | None, real: Tensor | None) -> Tensor:
        """Frames and channels of x (B, S, D) masked: those that are `chosen` (B, S), or in training random ones."""
        config = self.config
        batch, size, width = x.shape
        augment = self.training and config.apply_spec_augment
        if chosen is not None:
            check_maskable(config, self.mask_vector)
        elif augment and config.mask_time_prob > 0:
            rows = torch.ones(batch, size, dtype=torch.bool, device=x.device) if real is None else real
            chosen = random_spans(rows, config.mask_time_prob, config.mask_time_length, config.mask_time_min_masks)
        if chosen is not None and self.mask_vector is not None:
            x = torch.where(chosen[..., None], self.mask_vector.to(x.dtype), x)
        if augment and config.mask_feature_prob > 0:
            channels = torch.ones(batch, width, dtype=torch.bool, device=x.device)
            hidden = random_spans(
                channels, config.mask_feature_prob, config.mask_feature_length, config.mask_feature_min_masks
            )
            x = x.masked_fill(hidden[:, None], 0.0)
        return x

    def frame_mask(self, attention_mask: Tensor | None, *, adapter: bool = True) -> Tensor | None:
        """Which frames (B, S) hear nothing but real samples, after the adapter if there is one."""
        if attention_mask is None:
            return None
        real = whole_windows(attention_mask != 0, self.config.receptive_field, self.config.inputs_to_logits_ratio)
        return self.adapter.real_frames(real) if adapter and self.adapter is not None else real

    def get_feat_extract_output_lengths(self, input_lengths: Any, add_adapter: bool | None = None) -> Any:
        """How many frames so many samples become (a number or a tensor)."""
        return self.config.frames(input_lengths, adapter=add_adapter)

    def freeze_feature_encoder(self) -> None:
        """Train everything but the convolutions over samples."""
        self.features.requires_grad_(False)


class Wav2Vec2ForCTC(CTC, backbone=Wav2Vec2Model):
    """Wav2Vec2 that writes down what is said."""

    @classmethod
    def from_pretrained(cls, name_or_path: Any, *, target_lang: str | None = None, **options: Any) -> Any:
        """As of every model; `target_lang` takes the adapters of a language, as `load_adapter` does."""
        loaded = super().from_pretrained(name_or_path, **options)
        if target_lang is not None:
            (loaded[0] if isinstance(loaded, tuple) else loaded).load_adapter(target_lang, **split_options(options)[0])
        return loaded

    def load_adapter(self, target_lang: str, **options: Any) -> None:
        """Exchange adapters and `lm_head` for those of a language: `adapter.<lang>.safetensors` of the checkpoint.

        `options` are the hub's, as of `from_pretrained`. Raises CheckpointError where the file is absent or other.
        """
        load_adapter(self, target_lang, **options)

    def init_adapter_layers(self) -> None:
        """Draw adapters and `lm_head` anew, to train them for another language."""
        draw_adapters(self)


class Wav2Vec2ForPreTraining(SpeechPreTraining, backbone=Wav2Vec2Model):
    """Wav2Vec2 as it learns from speech without labels."""


class Wav2Vec2ForSequenceClassification(AudioClassification, backbone=Wav2Vec2Model):
    """Wav2Vec2 with a classifier on whole clips."""


class Wav2Vec2ForAudioFrameClassification(AudioFrameClassification, backbone=Wav2Vec2Model):
    """Wav2Vec2 with a classifier on every frame."""


class Wav2Vec2ForXVector(XVector, backbone=Wav2Vec2Model):
    """Wav2Vec2 that tells voices apart."""
