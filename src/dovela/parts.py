"""The names that a configuration may give to a part. What they stand for is imported when a model is built."""

from __future__ import annotations

from typing import Any

from .registry import Registry


def _registry(kind: str, places: dict[str, str], makes: str = "") -> Registry[Any]:
    return Registry(kind, {name: f"dovela.torch.{place}" for name, place in places.items()}, makes=makes)


_ACTIVATIONS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu"]
_ACTIVATIONS += ["relu", "relu2", "relu6", "leaky_relu", "silu", "swish", "mish", "tanh", "sigmoid", "linear"]

ACTIVATIONS = _registry(
    "activation", {name: f"activations:{'silu' if name == 'swish' else name}" for name in _ACTIVATIONS}
)
ATTENTIONS = _registry(
    "attention",
    {
        "full": "attention:Attention",
        "causal": "attention_kinds:CausalAttention",
        "window": "attention_kinds:WindowAttention",
        "causal-window": "attention_kinds:CausalWindowAttention",
        "grouped-query": "attention_kinds:GroupedQueryAttention",
        "linear": "attention_kinds:LinearAttention",
    },
    makes="config, layer",
)
KERNELS = _registry("attention kernel", {name: f"kernels:{name}" for name in ("eager", "sdpa", "flex")})
NORMS = _registry("norm", {"layer": "norms:LayerNorm", "rms": "norms:RMSNorm"}, makes="width, eps=…")
POSITIONS = _registry(
    "position scheme",
    {
        "learned": "positions:LearnedPositions",
        "sinusoidal": "positions:SinusoidalPositions",
        "convolutional": "waveform:PositionalConv",
        "rotary": "positions:RotaryPositions",
        "alibi": "positions:AlibiPositions",
        "none": "positions:NoPositions",
    },
    makes="config",
)
FEED_FORWARDS = _registry(
    "feed-forward",
    {
        "mlp": "feedforward:MLP",
        "glu": "feedforward:GLU",
        "swiglu": "feedforward:SwiGLU",
        "geglu": "feedforward:GeGLU",
        "moe": "experts:MixtureOfExperts",
    },
    makes="config",
)
BLOCKS = _registry(
    "block order",
    {"post": "blocks:PostNormBlock", "pre": "blocks:PreNormBlock", "parallel": "blocks:ParallelBlock"},
    makes="config, layer",
)
POOLERS = _registry(
    "pooler",
    {
        "first": "poolers:FirstToken",
        "last": "poolers:LastToken",
        "mean": "poolers:MeanPooler",
        "max": "poolers:MaxPooler",
        "attention": "poolers:AttentionPooler",
        "dense": "poolers:DensePooler",
    },
    makes="config",
)
HEADS = _registry(
    "head",
    {
        "masked-lm": "text_heads:MaskedLM",
        "causal-lm": "text_heads:CausalLM",
        "sequence-classification": "text_heads:SequenceClassification",
        "token-classification": "text_heads:TokenClassification",
        "question-answering": "text_heads:QuestionAnswering",
        "multiple-choice": "text_heads:MultipleChoice",
        "next-sentence-prediction": "text_heads:NextSentencePrediction",
        "pre-training": "text_heads:PreTraining",
        "image-classification": "image_heads:ImageClassification",
        "masked-image-modeling": "image_heads:MaskedImageModeling",
        "ctc": "audio_heads:CTC",
        "audio-classification": "audio_heads:AudioClassification",
        "audio-frame-classification": "audio_heads:AudioFrameClassification",
        "audio-xvector": "audio_heads:XVector",
    },
)
"""Heads by the task they do, to put on any backbone."""

_NAMES = {
    "base": "Model",
    "masked-lm": "ForMaskedLM",
    "causal-lm": "ForCausalLM",
    "sequence-classification": "ForSequenceClassification",
    "token-classification": "ForTokenClassification",
    "question-answering": "ForQuestionAnswering",
    "multiple-choice": "ForMultipleChoice",
    "next-sentence-prediction": "ForNextSentencePrediction",
    "pre-training": "ForPreTraining",
    "image-classification": "ForImageClassification",
    "masked-image-modeling": "ForMaskedImageModeling",
    "ctc": "ForCTC",
    "audio-classification": "ForSequenceClassification",
    "audio-frame-classification": "ForAudioFrameClassification",
    "audio-xvector": "ForXVector",
}
_TEXT = ["base", "masked-lm", "sequence-classification", "token-classification", "question-answering"]
_TEXT += ["multiple-choice"]
_IMAGES = ["base", "image-classification", "masked-image-modeling"]
_SOUND = ["base", "ctc", "audio-classification", "audio-frame-classification", "audio-xvector"]
_TASKS = {  # by model type: the module, how its classes' names begin, and what there is
    "bert": ("bert", "Bert", [*_TEXT, "next-sentence-prediction", "pre-training"]),
    "distilbert": ("distilbert", "DistilBert", _TEXT),
    "encoder": ("encoder", "Encoder", [*_TEXT, "causal-lm"]),
    "image-encoder": ("encoder", "ImageEncoder", _IMAGES),
    "audio-encoder": ("encoder", "AudioEncoder", _SOUND),
    "vit": ("vit", "ViT", _IMAGES),
    "wav2vec2": ("wav2vec2", "Wav2Vec2", [*_SOUND, "pre-training"]),
}
_MODELS = {
    f"{kind}/{task}": f"dovela.models.{folder}.torch_model:{name}{_NAMES[task]}"
    for kind, (folder, name, tasks) in _TASKS.items()
    for task in tasks
}
MODELS: Registry[Any] = Registry("model", _MODELS)
"""Model classes by "model type/task"; one's own are registered by their definition."""
