"""The Flax parts (linen), to build one's own architecture from. Each is imported when it is first used."""

from __future__ import annotations

from ..lazy import attach, load

for _needed in ("jax", "flax.linen"):
    load(__name__, _needed)

_MODULES: dict[str, list[str]] = {
    "activations": ["register_activation"],
    "attention": ["Attention", "register_attention"],
    "audio_heads": [
        "AudioClassification",
        "AudioFrameClassification",
        "AudioModel",
        "CTC",
        "SpeechPreTraining",
        "XVector",
    ],
    "blocks": ["Block", "Encoder", "Layers", "PostNormBlock", "PreNormBlock", "register_block"],
    "embeddings": ["TextEmbeddings"],
    "feedforward": ["MLP", "register_feed_forward"],
    "heads": ["Classification", "ClassifierHead", "HeadedModel", "LabelledModel", "pooled"],
    "image_heads": ["ImageClassification", "ImageModel", "MaskedImageModeling"],
    "layers": ["Dropout", "Embedding"],
    "losses": ["class_loss", "sequence_loss"],
    "model": ["FlaxPreTrainedModel"],
    "norms": ["LayerNorm", "make_norm", "register_norm"],
    "patches": ["ImageEmbeddings"],
    "poolers": ["DensePooler", "FirstToken", "MeanPooler", "register_pooler"],
    "positions": ["LearnedPositions", "NoPositions", "SinusoidalPositions", "register_positions"],
    "quantizer": ["GumbelQuantizer"],
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
    "waveform": ["FeatureEncoder", "FeatureProjection", "FrameAdapter", "PositionalConv"],
}

__all__ = sorted(name for names in _MODULES.values() for name in names)
__getattr__, __dir__ = attach(__name__, _MODULES)
