"""Models whose parts their configurations name, and the heads on them."""

from __future__ import annotations

from ...encoder_config import EncoderConfig
from ...torch.audio_heads import CTC, AudioClassification, AudioFrameClassification, XVector
from ...torch.image_heads import ImageClassification, MaskedImageModeling
from ...torch.text_encoder import TextEncoder
from ...torch.text_heads import (
    CausalLM,
    MaskedLM,
    MultipleChoice,
    QuestionAnswering,
    SequenceClassification,
    TokenClassification,
)
from ..vit.torch_model import ViTModel
from ..wav2vec2.torch_model import Wav2Vec2Model
from .config import AudioEncoderConfig, ImageEncoderConfig

_NO_POOLER = {"add_pooling_layer": False}


class EncoderModel(TextEncoder, config=EncoderConfig):
    """An encoder of texts."""


class EncoderForMaskedLM(MaskedLM, backbone=EncoderModel):
    """An encoder that guesses masked tokens."""

    backbone_options = _NO_POOLER


class EncoderForCausalLM(CausalLM, backbone=EncoderModel):
    """A stack with causal attention that guesses each next token."""

    backbone_options = _NO_POOLER


class EncoderForSequenceClassification(SequenceClassification, backbone=EncoderModel):
    """An encoder with a classifier on the pooled sequence."""


class EncoderForMultipleChoice(MultipleChoice, backbone=EncoderModel):
    """An encoder that scores continuations."""


class EncoderForTokenClassification(TokenClassification, backbone=EncoderModel):
    """An encoder with a classifier on every token."""

    backbone_options = _NO_POOLER


class EncoderForQuestionAnswering(QuestionAnswering, backbone=EncoderModel):
    """An encoder that finds where an answer starts and ends."""

    backbone_options = _NO_POOLER


class ImageEncoderModel(ViTModel, config=ImageEncoderConfig):
    """An encoder of images."""


class ImageEncoderForImageClassification(ImageClassification, backbone=ImageEncoderModel):
    """An encoder of images with a classifier on the pooled tokens."""


class ImageEncoderForMaskedImageModeling(MaskedImageModeling, backbone=ImageEncoderModel):
    """An encoder of images that fills in the patches that were hidden."""

    backbone_options = {"add_pooling_layer": False, "use_mask_token": True}


class AudioEncoderModel(Wav2Vec2Model, config=AudioEncoderConfig):
    """An encoder of sound."""


class AudioEncoderForCTC(CTC, backbone=AudioEncoderModel):
    """An encoder of sound that writes down what is said."""


class AudioEncoderForSequenceClassification(AudioClassification, backbone=AudioEncoderModel):
    """An encoder of sound with a classifier on whole clips."""


class AudioEncoderForAudioFrameClassification(AudioFrameClassification, backbone=AudioEncoderModel):
    """An encoder of sound with a classifier on every frame."""


class AudioEncoderForXVector(XVector, backbone=AudioEncoderModel):
    """An encoder of sound that tells voices apart."""
