"""The torch parts, to build one's own architecture from. Each is imported when it is first used."""

from __future__ import annotations

from ..lazy import attach

_MODULES = {
    "activations": ["register_activation"],
    "attention": ["Attention", "register_attention"],
    "audio_heads": [
        "AudioClassification",
        "AudioClassifier",
        "AudioFrameClassification",
        "AudioModel",
        "CTC",
        "SpeechPreTraining",
        "XVector",
    ],
    "blocks": ["Block", "Encoder", "Layers"],
    "embeddings": ["TextEmbeddings"],
    "feedforward": ["MLP"],
    "heads": ["Classification", "ClassifierHead", "HeadedModel", "LabelledModel"],
    "image_heads": ["ImageClassification", "ImageModel", "MaskedImageModeling"],
    "init": ["Conv2d", "Embedding", "Linear", "SinusoidalEmbedding"],
    "kernels": ["register_kernel"],
    "layout": ["Packed", "Padded"],
    "patches": ["ImageEmbeddings"],
    "quantizer": ["GumbelQuantizer"],
    "spec_augment": ["compute_mask_indices", "sample_negative_indices"],
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
