"""The Keras parts (Keras 3), to build one's own architecture from. Each is imported when it is first used."""

from __future__ import annotations

from ..lazy import attach
from .backend import load_keras

load_keras(__name__)

_MODULES: dict[str, list[str]] = {
    "activations": ["activation", "register_activation"],
    "attention": ["Attention", "register_attention"],
    "audio_heads": [
        "CTC",
        "AudioClassification",
        "AudioFrameClassification",
        "AudioModel",
        "LayerMixture",
        "SpeechPreTraining",
        "XVector",
    ],
    "audio_losses": ["ctc_loss", "frame_loss"],
    "blocks": [
        "MLP",
        "Block",
        "Encoder",
        "Layers",
        "PostNormBlock",
        "PreNormBlock",
        "register_block",
        "register_feed_forward",
    ],
    "embeddings": ["TextEmbeddings"],
    "heads": ["Classification", "ClassifierHead", "HeadedModel", "LabelledModel", "pooled"],
    "image_heads": ["ImageClassification", "ImageModel", "MaskedImageModeling"],
    "init": ["Dense", "Embedding", "LayerNorm", "Normal", "Numbered", "Part"],
    "language_adapters": ["AdaptedBlock", "LanguageAdapter"],
    "losses": ["class_loss", "sequence_loss"],
    "model": ["TFPreTrainedModel"],
    "patches": ["ImageEmbeddings"],
    "norms": ["make_norm", "register_norm"],
    "poolers": ["DensePooler", "FirstToken", "MeanPooler", "Pooler", "register_pooler"],
    "positions": ["LearnedPositions", "NoPositions", "SinusoidalPositions", "register_positions"],
    "quantizer": ["GumbelQuantizer"],
    "spec_augment": ["SpecAugment"],
    "text_encoder": ["TextEncoder"],
    "text_heads": [
        "MaskedLM",
        "MaskedLMHead",
        "MultipleChoice",
        "NextSentencePrediction",
        "PreTraining",
        "QuestionAnswering",
        "SequenceClassification",
        "TextModel",
        "TokenClassification",
    ],
    "waveform": ["FeatureEncoder", "FeatureProjection", "FrameAdapter", "FrameConv", "PositionalConv"],
}

__all__ = sorted(name for names in _MODULES.values() for name in names)
__getattr__, __dir__ = attach(__name__, _MODULES)
