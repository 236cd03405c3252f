"""The names that a configuration may give to a part. What they stand for is imported when a model is built."""

from __future__ import annotations

from typing import Any

from .registry import Registry

_ACTIVATIONS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu"]
_ACTIVATIONS += ["relu", "relu2", "relu6", "leaky_relu", "silu", "swish", "mish", "tanh", "sigmoid", "linear"]

ACTIVATIONS: Registry[Any] = Registry(
    "activation", {name: f"dovela.torch.activations:{'silu' if name == 'swish' else name}" for name in _ACTIVATIONS}
)
ATTENTIONS: Registry[Any] = Registry("attention", {"full": "dovela.torch.attention:Attention"})

_HEADS = {
    "base": "Model",
    "masked-lm": "ForMaskedLM",
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
_AUDIO = ["audio-classification", "audio-frame-classification", "audio-xvector"]
_TASKS = {  # by model type: how its classes' names begin, and what there is
    "bert": ("Bert", [*_TEXT, "next-sentence-prediction", "pre-training"]),
    "distilbert": ("DistilBert", _TEXT),
    "vit": ("ViT", ["base", "image-classification", "masked-image-modeling"]),
    "wav2vec2": ("Wav2Vec2", ["base", "ctc", "pre-training", *_AUDIO]),
}
_MODELS = {
    f"{kind}/{task}": f"dovela.models.{kind}.torch_model:{name}{_HEADS[task]}"
    for kind, (name, tasks) in _TASKS.items()
    for task in tasks
}
MODELS: Registry[Any] = Registry("model", _MODELS)
"""Model classes by "model type/task"; one's own are registered by their definition."""

KERNELS: Registry[Any] = Registry(
    "attention kernel", {name: f"dovela.torch.kernels:{name}" for name in ("eager", "sdpa", "flex")}
)
