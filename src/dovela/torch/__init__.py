"""The torch parts, to build one's own architecture from. Each is imported when it is first used."""

from __future__ import annotations

from ..lazy import attach

_MODULES = {
    "activations": ["register_activation"],
    "attention": ["Attention", "register_attention"],
    "attention_kinds": [
        "CausalAttention",
        "CausalWindowAttention",
        "GroupedQueryAttention",
        "LinearAttention",
        "WindowAttention",
    ],
    "audio_heads": [
        "AudioClassification",
        "AudioClassifier",
        "AudioFrameClassification",
        "AudioModel",
        "CTC",
        "SpeechPreTraining",
        "XVector",
    ],
    "blocks": ["Block", "Encoder", "Layers", "ParallelBlock", "PostNormBlock", "PreNormBlock", "register_block"],
    "embeddings": ["TextEmbeddings"],
    "experts": ["MixtureOfExperts"],
    "feedforward": ["GLU", "MLP", "GeGLU", "SwiGLU", "register_feed_forward"],
    "heads": ["Classification", "ClassifierHead", "HeadedModel", "LabelledModel", "pooled", "register_head"],
    "image_heads": ["ImageClassification", "ImageModel", "MaskedImageModeling"],
    "init": ["Conv2d", "Embedding", "Linear", "SinusoidalEmbedding"],
    "kernels": ["register_kernel"],
    "layout": ["Packable", "Packed", "Padded"],
    "losses": ["class_loss", "sequence_loss"],
    "norms": ["make_norm", "register_norm"],
    "patches": ["ImageEmbeddings"],
    "poolers": [
        "AttentionPooler",
        "DensePooler",
        "FirstToken",
        "LastToken",
        "MaxPooler",
        "MeanPooler",
        "register_pooler",
    ],
    "positions": [
        "AddedPositions",
        "AlibiPositions",
        "AttentionPositions",
        "LearnedPositions",
        "NoPositions",
        "RotaryPositions",
        "SinusoidalPositions",
        "register_positions",
    ],
    "quantizer": ["GumbelQuantizer"],
    "spec_augment": ["compute_mask_indices", "sample_negative_indices"],
    "surgery_images": ["resize_images"],
    "surgery_layers": ["keep_layers"],
    "surgery_parts": ["change_parts"],
    "surgery_report": ["SurgeryReport"],
    "surgery_sizes": ["resize_positions", "resize_vocabulary"],
    "text_encoder": ["TextEncoder"],
    "text_heads": [
        "CausalLM",
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
