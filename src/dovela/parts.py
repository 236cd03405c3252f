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
}
_MODELS = {
    f"{kind}/{task}": f"dovela.models.{kind}.torch_model:{name}{head}"
    for kind, name in (("bert", "Bert"), ("distilbert", "DistilBert"))
    for task, head in _HEADS.items()
    if kind == "bert" or task not in ("next-sentence-prediction", "pre-training")
}
MODELS: Registry[Any] = Registry("model", _MODELS)
"""Model classes by "model type/task"; one's own are registered by their definition."""

KERNELS: Registry[Any] = Registry(
    "attention kernel", {name: f"dovela.torch.kernels:{name}" for name in ("eager", "sdpa", "flex")}
)
