"""The names that a configuration may give to a part. What they stand for is imported when a model is built."""

from __future__ import annotations

from typing import Any

from . import tasks
from .registry import Registry
from .tasks import BASE, Task


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

_TEXT = [
    tasks.MASKED_LM,
    tasks.SEQUENCE_CLASSIFICATION,
    tasks.TOKEN_CLASSIFICATION,
    tasks.QUESTION_ANSWERING,
    tasks.MULTIPLE_CHOICE,
]
_IMAGES = [tasks.IMAGE_CLASSIFICATION, tasks.MASKED_IMAGE_MODELING]
_SOUND = [tasks.CTC, tasks.AUDIO_CLASSIFICATION, tasks.AUDIO_FRAME_CLASSIFICATION, tasks.AUDIO_XVECTOR]
_ALL = ("torch", "flax", "keras")
_ARCHITECTURES: dict[str, tuple[str, str, list[Task], tuple[str, ...]]] = {
    # By model type: the folder, how its classes' names begin, the heads there are, and the frameworks.
    "bert": ("bert", "Bert", [*_TEXT, tasks.NEXT_SENTENCE_PREDICTION, tasks.PRE_TRAINING], _ALL),
    "distilbert": ("distilbert", "DistilBert", _TEXT, _ALL),
    "encoder": ("encoder", "Encoder", [*_TEXT, tasks.CAUSAL_LM], ("torch",)),
    "image-encoder": ("encoder", "ImageEncoder", _IMAGES, ("torch",)),
    "audio-encoder": ("encoder", "AudioEncoder", _SOUND, ("torch",)),
    "vit": ("vit", "ViT", _IMAGES, _ALL),
    "wav2vec2": ("wav2vec2", "Wav2Vec2", [*_SOUND, tasks.SPEECH_PRE_TRAINING], _ALL),
}

KITS = {"torch": "", "flax": "Flax", "keras": "TF"}
"""The frameworks, and how the names of their classes begin."""


def class_names(model_type: str) -> dict[str, Task | None]:
    """The built-in classes of a type by their names in torch, which files carry, with what their heads do."""
    if model_type not in _ARCHITECTURES:
        return {}
    _, name, heads, _ = _ARCHITECTURES[model_type]
    return {f"{name}Model": None, **{f"{name}{task.ending}": task for task in heads}}


def _models(kit: str) -> Registry[Any]:
    """Model classes by "model type/task"."""
    places = {}
    for kind, (folder, name, heads, kits) in _ARCHITECTURES.items():
        if kit not in kits:
            continue
        module = f"dovela.models.{folder}.{kit}_model:{KITS[kit]}{name}"
        places[f"{kind}/{BASE}"] = f"{module}Model"
        places |= {f"{kind}/{task.name}": f"{module}{task.ending}" for task in heads}
    return Registry(f"{KITS[kit]} model".strip(), places)


MODELS = _models("torch")
"""Model classes by "model type/task"; one's own are registered by their definition."""
FLAX_MODELS = _models("flax")
KERAS_MODELS = _models("keras")
MODELS_OF = {"torch": MODELS, "flax": FLAX_MODELS, "keras": KERAS_MODELS}
