"""Wav2Vec2 on Flax (Baevski et al. 2020, https://arxiv.org/abs/2006.11477).

Letters: B batch, T samples, S frames, C channels of the convolutions, D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from ...flax.audio_heads import CTC, AudioClassification, AudioFrameClassification, SpeechPreTraining, XVector
from ...flax.blocks import Layers
from ...flax.inputs import AudioInputs
from ...flax.language_adapters import AdaptedBlock
from ...flax.layers import Dropout, dtypes
from ...flax.model import FlaxPreTrainedModel
from ...flax.norms import make_norm
from ...flax.positions import make_positions
from ...flax.spec_augment import augment
from ...flax.waveform import FeatureEncoder, FeatureProjection, FrameAdapter, adapted_frames, whole_windows
from ...input_rules import flag
from ...outputs import Wav2Vec2BaseModelOutput
from .config import Wav2Vec2Config
from .weights import WAV2VEC2

Array = jax.Array


class FlaxWav2Vec2Model(FlaxPreTrainedModel, config=Wav2Vec2Config):
    """Convolutions over samples, positions as a convolution over frames, and blocks."""

    weight_map = WAV2VEC2
    optional_parts = ("mask_vector", "adapter")
    main_input_name = "input_values"

    def setup(self) -> None:
        config, options = self.config, dtypes(self)
        self.features = FeatureEncoder(config, **options)
        self.projection = FeatureProjection(config, **options)
        masks = config.mask_time_prob > 0 or config.mask_feature_prob > 0
        drawn, shape = nn.initializers.uniform(1.0), (config.hidden_size,)
        self.mask_vector = self.param("mask_vector", drawn, shape, self.param_dtype) if masks else None
        self.positions = make_positions(self)
        self.norm = make_norm(self)
        self.dropout = Dropout(config.hidden_dropout)
        block = None if config.adapter_attn_dim is None else AdaptedBlock
        again = self.gradient_checkpointing or config.extra.get("gradient_checkpointing") is True
        self.layers = Layers(config, block=block, gradient_checkpointing=again, **options)
        self.adapter = FrameAdapter(config, **options) if config.add_adapter else None

    def __call__(
        self,
        input_values: Array | None = None,
        attention_mask: Array | None = None,
        mask_time_indices: Array | None = None,
        freeze_feature_encoder: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        train: bool = False,
    ) -> Wav2Vec2BaseModelOutput:
        """Samples (B, T); mask (B, T), 1 = real; frames to mask (B, S) -> states (B, S, D).

        freeze_feature_encoder: train everything but the convolutions over samples
        """
        inputs = AudioInputs.check(
            self.config, input_values, attention_mask, mask_time_indices, output_attentions, output_hidden_states
        )
        frozen = flag("freeze_feature_encoder", freeze_feature_encoder, False)
        real = self.frame_mask(inputs.attention_mask, adapter=False)  # (B, S)
        frames = self.features(inputs.input_values)
        frames = jax.lax.stop_gradient(frames) if frozen else frames
        x, features = self.projection(frames, train)
        x = augment(self, x, inputs.mask_time_indices, real, train)
        if real is not None:
            x = jnp.where(real[..., None], x, 0)
        x = x + self.positions(x, None)
        before = self.config.norm_order == "post"  # the one norm stands before the layers, or after them
        x = self.dropout(self.norm(x) if before else x, train)
        output: Any = self.layers(x, real, train, inputs.output_attentions, inputs.output_hidden_states)
        x, states = output.last_hidden_state, output.hidden_states
        if not before:
            x = self.norm(x)
            states = states and (*states[:-1], x)
        return Wav2Vec2BaseModelOutput(
            last_hidden_state=x if self.adapter is None else self.adapter(x),
            extract_features=features,
            hidden_states=states,
            attentions=output.attentions,
        )

    def frame_mask(self, attention_mask: Array | None, *, adapter: bool = True) -> Array | None:
        """Which frames (B, S) hear nothing but real samples, after the adapter if there is one."""
        if attention_mask is None:
            return None
        mask = jnp.asarray(attention_mask) != 0
        real = whole_windows(mask, self.config.receptive_field, self.config.inputs_to_logits_ratio)
        return adapted_frames(self.config, real) if adapter and self.config.add_adapter else real


class FlaxWav2Vec2ForCTC(CTC, backbone=FlaxWav2Vec2Model):
    """Wav2Vec2 that writes down what is said."""


class FlaxWav2Vec2ForPreTraining(SpeechPreTraining, backbone=FlaxWav2Vec2Model):
    """Wav2Vec2 as it learns from speech without labels."""


class FlaxWav2Vec2ForSequenceClassification(AudioClassification, backbone=FlaxWav2Vec2Model):
    """Wav2Vec2 with a classifier on whole clips."""


class FlaxWav2Vec2ForAudioFrameClassification(AudioFrameClassification, backbone=FlaxWav2Vec2Model):
    """Wav2Vec2 with a classifier on every frame."""


class FlaxWav2Vec2ForXVector(XVector, backbone=FlaxWav2Vec2Model):
    """Wav2Vec2 that tells voices apart."""
