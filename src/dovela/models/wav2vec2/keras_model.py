"""Wav2Vec2 on Keras (Baevski et al. 2020, https://arxiv.org/abs/2006.11477).

Letters: B batch, T samples, S frames, C channels of the convolutions, D hidden size.
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from ...keras.audio_heads import CTC, AudioClassification, AudioFrameClassification, SpeechPreTraining, XVector
from ...keras.blocks import Layers, through
from ...keras.inputs import AudioInputs
from ...keras.language_adapters import AdaptedBlock
from ...keras.model import TFPreTrainedModel
from ...keras.norms import make_norm
from ...keras.parts import chosen
from ...keras.spec_augment import SpecAugment
from ...keras.waveform import FeatureEncoder, FeatureProjection, FrameAdapter, PositionalConv, whole_windows
from ...outputs import Wav2Vec2BaseModelOutput
from .config import Wav2Vec2Config
from .weights import WAV2VEC2


class TFWav2Vec2Model(TFPreTrainedModel, config=Wav2Vec2Config):
    """Convolutions over samples, positions as a convolution over frames, and blocks."""

    weight_map = WAV2VEC2
    optional_parts = ("mask_vector", "adapter")
    main_input_name = "input_values"

    def __init__(self, config: Wav2Vec2Config) -> None:
        super().__init__(config)
        self.features = FeatureEncoder(config)
        self.projection = FeatureProjection(config)
        self.augment = SpecAugment(config)
        self.mask_vector: Any = None
        self.positions = chosen(config, "positions", {"convolutional": PositionalConv})(config)
        self.norm = make_norm(config)
        self.dropout = layers.Dropout(config.hidden_dropout)
        self.stack = Layers(config, None if config.adapter_attn_dim is None else AdaptedBlock)
        self.adapter = FrameAdapter(config) if config.add_adapter else None

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if self.config.mask_time_prob > 0 or self.config.mask_feature_prob > 0:
            self.mask_vector = self.add_weight((self.config.hidden_size,), SpecAugment.vector(), name="mask_vector")

    def signature(self) -> dict[str, tuple[tuple[int | None, ...], str]]:
        return {"input_values": ((None, None), "float32"), "attention_mask": ((None, None), "int32")}

    def call(
        self,
        input_values: Any = None,
        attention_mask: Any = None,
        mask_time_indices: Any = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        training: bool | None = None,
    ) -> Wav2Vec2BaseModelOutput:
        """Samples (B, T); mask (B, T), 1 = real; frames to mask (B, S) -> states (B, S, D)."""
        inputs = AudioInputs.check(
            self.config, input_values, attention_mask, mask_time_indices, output_attentions, output_hidden_states
        )
        real = self.frame_mask(inputs.attention_mask, adapter=False)  # (B, S)
        x, features = self.projection(self.features(inputs.input_values), training=training)
        vector = None if self.mask_vector is None else ops.convert_to_tensor(self.mask_vector)
        x = self.augment(x, vector, inputs.mask_time_indices, real, training=training)
        if real is not None:
            x = ops.where(real[..., None], x, 0.0)
        x = x + self.positions(x)
        before = not self.stack.final_norm  # the one norm stands before the layers, or after them
        x = self.dropout(self.norm(x) if before else x, training=training)
        output = through(self.stack, None, x, real, inputs.output_attentions, inputs.output_hidden_states, training)
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

    def frame_mask(self, attention_mask: Any, *, adapter: bool = True) -> Any:
        """Which frames (B, S) hear nothing but real samples, after the adapter if there is one."""
        if attention_mask is None:
            return None
        real = whole_windows(attention_mask, self.config.receptive_field, self.config.inputs_to_logits_ratio)
        return self.adapter.real_frames(real) if adapter and self.adapter is not None else real

    def get_feat_extract_output_lengths(self, input_lengths: Any, add_adapter: bool | None = None) -> Any:
        """How many frames so many samples become (a number or a tensor)."""
        return self.config.frames(input_lengths, adapter=add_adapter)

    def freeze_feature_encoder(self) -> None:
        """Train everything but the convolutions over samples."""
        self.features.trainable = False


class TFWav2Vec2ForCTC(CTC, backbone=TFWav2Vec2Model):
    """Wav2Vec2 that writes down what is said."""


class TFWav2Vec2ForPreTraining(SpeechPreTraining, backbone=TFWav2Vec2Model):
    """Wav2Vec2 as it learns from speech without labels."""


class TFWav2Vec2ForSequenceClassification(AudioClassification, backbone=TFWav2Vec2Model):
    """Wav2Vec2 with a classifier on whole clips."""


class TFWav2Vec2ForAudioFrameClassification(AudioFrameClassification, backbone=TFWav2Vec2Model):
    """Wav2Vec2 with a classifier on every frame."""


class TFWav2Vec2ForXVector(XVector, backbone=TFWav2Vec2Model):
    """Wav2Vec2 that tells voices apart."""
