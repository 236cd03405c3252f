"""dovela: build your own transformer from parts.

Every public name is imported when it is first used, so `import dovela` loads no framework.
"""

from __future__ import annotations

from ._version import __version__
from .lazy import attach

_TASKS = [
    "MaskedLM",
    "MultipleChoice",
    "NextSentencePrediction",
    "PreTraining",
    "QuestionAnswering",
    "SequenceClassification",
    "TokenClassification",
]
_MODULES: dict[str, list[str]] = {
    "auto": ["AutoTokenizer"],
    "auto_model": ["AutoConfig", "AutoModel", *(f"AutoModelFor{task}" for task in [*_TASKS, "CausalLM", "Seq2SeqLM"])],
    "config": ["PretrainedConfig"],
    "encoder_config": ["EncoderConfig"],
    "errors": [
        "CheckpointError",
        "ConfigError",
        "DovelaError",
        "InputError",
        "MissingBackend",
        "MissingWeights",
        "RegistryError",
        "ShapeMismatch",
        "UnexpectedWeights",
    ],
    "fitting": ["LoadReport"],
    "models.bert.config": ["BertConfig"],
    "models.bert.tokenizer": ["BertTokenizer", "BertTokenizerFast"],
    "models.bert.torch_model": ["BertModel", *(f"BertFor{task}" for task in _TASKS)],
    "models.distilbert.config": ["DistilBertConfig"],
    "models.distilbert.tokenizer": ["DistilBertTokenizer", "DistilBertTokenizerFast"],
    "models.distilbert.torch_model": [
        "DistilBertModel",
        *(f"DistilBertFor{task}" for task in _TASKS if task not in ("NextSentencePrediction", "PreTraining")),
    ],
    "outputs": [
        "BaseModelOutput",
        "BaseModelOutputWithPooling",
        "MaskedLMOutput",
        "ModelOutput",
        "MultipleChoiceModelOutput",
        "NextSentencePredictorOutput",
        "PreTrainingOutput",
        "QuestionAnsweringModelOutput",
        "SequenceClassifierOutput",
        "TokenClassifierOutput",
    ],
    "text.corpus": ["tokenize_files"],
    "text.encoding": ["BatchEncoding"],
    "text.fast": ["PreTrainedTokenizerFast"],
    "text.special_tokens": ["AddedToken"],
    "text.tokenizer": ["PreTrainedTokenizer", "PreTrainedTokenizerBase"],
    "text.token_rows": ["TokenRows", "open_tokens"],
    "torch.model": ["PreTrainedModel"],
}

__all__ = ["__version__", *sorted(name for names in _MODULES.values() for name in names)]
__getattr__, __dir__ = attach(__name__, _MODULES)
