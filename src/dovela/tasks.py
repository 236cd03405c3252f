"""What the heads do, once for every framework: their parts, what they return, what they read.

Each kit has a class of heads for each of these, named as here: `dovela.torch.MaskedLM`, `dovela.flax.MaskedLM`, ….
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from . import outputs
from .outputs import ModelOutput

T = TypeVar("T", bound=type[Any])

BASE = "base"  # the task of a model without a head


@dataclass(frozen=True)
class Task:
    """One kind of head."""

    name: str
    """What a configuration's models are registered by: "masked-lm"."""
    head: str
    """The class of heads in every kit: MaskedLM."""
    ending: str
    """How the classes of models are named that have it: BertForMaskedLM."""
    parts: Mapping[str, str]
    """Parts of the head, and what they tell apart; equal names with another meaning are never loaded."""
    output: type[ModelOutput]
    token_labels: bool = False
    """Whether there is a label for every token, perhaps even for padding, whose states then count."""
    needs_pooler: bool = False
    """Whether the head is of no use without the backbone's `pooler`; where there is none, it is not built."""
    classes: Mapping[str, str | int] = field(default_factory=dict)
    """For labels that are class numbers, how many classes there are: a number, or a field of the configuration."""


TOKENS, LABELS = {"labels": "vocab_size"}, {"labels": "num_labels"}

MASKED_LM = Task(
    "masked-lm",
    "MaskedLM",
    "ForMaskedLM",
    {"masked_lm": "tokens"},
    outputs.MaskedLMOutput,
    token_labels=True,
    classes=TOKENS,
)
CAUSAL_LM = Task(
    "causal-lm",
    "CausalLM",
    "ForCausalLM",
    {"causal_lm": "next tokens"},
    outputs.CausalLMOutput,
    token_labels=True,
    classes=TOKENS,
)
SEQUENCE_CLASSIFICATION = Task(
    "sequence-classification",
    "SequenceClassification",
    "ForSequenceClassification",
    {"classifier": "sequences"},
    outputs.SequenceClassifierOutput,
    classes=LABELS,
)
TOKEN_CLASSIFICATION = Task(
    "token-classification",
    "TokenClassification",
    "ForTokenClassification",
    {"classifier": "tokens"},
    outputs.TokenClassifierOutput,
    token_labels=True,
    classes=LABELS,
)
QUESTION_ANSWERING = Task(
    "question-answering",
    "QuestionAnswering",
    "ForQuestionAnswering",
    {"spans": "answers"},
    outputs.QuestionAnsweringModelOutput,
)
MULTIPLE_CHOICE = Task(
    "multiple-choice",
    "MultipleChoice",
    "ForMultipleChoice",
    {"classifier": "choices"},
    outputs.MultipleChoiceModelOutput,
)
NEXT_SENTENCE_PREDICTION = Task(
    "next-sentence-prediction",
    "NextSentencePrediction",
    "ForNextSentencePrediction",
    {"next_sentence": "following"},
    outputs.NextSentencePredictorOutput,
    needs_pooler=True,
    classes={"labels": 2},
)
PRE_TRAINING = Task(
    "pre-training",
    "PreTraining",
    "ForPreTraining",
    {"masked_lm": "tokens", "next_sentence": "following"},
    outputs.PreTrainingOutput,
    token_labels=True,
    needs_pooler=True,
    classes={**TOKENS, "next_sentence_label": 2},
)
IMAGE_CLASSIFICATION = Task(
    "image-classification",
    "ImageClassification",
    "ForImageClassification",
    {"classifier": "images"},
    outputs.ImageClassifierOutput,
    classes=LABELS,
)
MASKED_IMAGE_MODELING = Task(
    "masked-image-modeling",
    "MaskedImageModeling",
    "ForMaskedImageModeling",
    {"decoder": "pixels"},
    outputs.MaskedImageModelingOutput,
)
CTC = Task("ctc", "CTC", "ForCTC", {"lm_head": "characters"}, outputs.CausalLMOutput, classes=TOKENS)
AUDIO_CLASSIFICATION = Task(
    "audio-classification",
    "AudioClassification",
    "ForSequenceClassification",
    dict.fromkeys(("pooler", "projector", "classifier", "mixture"), "clips"),
    outputs.SequenceClassifierOutput,
    classes=LABELS,
)
AUDIO_FRAME_CLASSIFICATION = Task(
    "audio-frame-classification",
    "AudioFrameClassification",
    "ForAudioFrameClassification",
    dict.fromkeys(("classifier", "mixture"), "frames"),
    outputs.TokenClassifierOutput,
    token_labels=True,
    classes=LABELS,
)
AUDIO_XVECTOR = Task(
    "audio-xvector",
    "XVector",
    "ForXVector",
    dict.fromkeys(("projector", "tdnn", "embedding", "classifier", "objective", "mixture"), "voices"),
    outputs.XVectorOutput,
    classes=LABELS,
)
SPEECH_PRE_TRAINING = Task(
    "pre-training",
    "SpeechPreTraining",
    "ForPreTraining",
    dict.fromkeys(("quantizer", "project_q", "project_hid"), "frames"),
    outputs.Wav2Vec2ForPreTrainingOutput,
)

TASKS = {task.head: task for task in list(globals().values()) if isinstance(task, Task)}
"""All of them by the name of their class of heads."""


def does(task: Task) -> Callable[[T], T]:
    """`@does(MASKED_LM)` before a class of heads: it has the task's `head_parts`, `output_class` and so on."""

    def describe(cls: T) -> T:
        cls.task, cls.head_parts, cls.output_class = task.name, task.parts, task.output
        cls.token_labels, cls.needs_pooler, cls.label_classes = task.token_labels, task.needs_pooler, task.classes
        return cls

    return describe
