"""Picks the Flax model class that a checkpoint names: the doors of `auto_model`, for Flax."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

from .auto_model import ModelDoor
from .config import PretrainedConfig
from .kit_models import KitModels
from .lazy import naming


class FlaxDoor(ModelDoor):
    """Opens what does one task, as a Flax model."""

    kit: ClassVar[str] = "flax"

    @classmethod
    def from_config(cls, config: PretrainedConfig, **arguments: Any) -> Any:
        """A model with random weights, bound to them; `arguments` as of the class: `seed`, `dtype`, …"""
        return cls._class_for(config).from_config(config, **arguments)

    @classmethod
    def _classes(cls) -> Any:
        with naming(cls.__name__):
            importlib.import_module("dovela.flax")  # which tells what is missing
        return KitModels(cls.kit)


class FlaxAutoModel(FlaxDoor):
    """The Flax model without a head.

    A task of your own is opened by a class of yours, which needs no more than this:

        class FlaxAutoModelForRanking(FlaxAutoModel):
            task = "ranking"
    """

    task = "base"


class FlaxAutoModelForMaskedLM(FlaxDoor):
    """The Flax model that guesses masked tokens."""

    task = "masked-lm"


class FlaxAutoModelForSequenceClassification(FlaxDoor):
    """The Flax model with a classifier, or a regression, on whole texts."""

    task = "sequence-classification"


class FlaxAutoModelForTokenClassification(FlaxDoor):
    """The Flax model with a classifier on every token."""

    task = "token-classification"


class FlaxAutoModelForQuestionAnswering(FlaxDoor):
    """The Flax model that finds where an answer starts and ends."""

    task = "question-answering"


class FlaxAutoModelForMultipleChoice(FlaxDoor):
    """The Flax model that scores continuations."""

    task = "multiple-choice"


class FlaxAutoModelForNextSentencePrediction(FlaxDoor):
    """The Flax model that tells whether the second text follows the first."""

    task = "next-sentence-prediction"


class FlaxAutoModelForPreTraining(FlaxDoor):
    """The Flax model with all heads that it was trained with."""

    task = "pre-training"


class FlaxAutoModelForImageClassification(FlaxDoor):
    """The Flax model with a classifier, or a regression, on whole images."""

    task = "image-classification"


class FlaxAutoModelForMaskedImageModeling(FlaxDoor):
    """The Flax model that fills in the patches of an image that were hidden."""

    task = "masked-image-modeling"


class FlaxAutoModelForCTC(FlaxDoor):
    """The Flax model that writes down what is said."""

    task = "ctc"


class FlaxAutoModelForAudioClassification(FlaxDoor):
    """The Flax model with a classifier, or a regression, on whole clips."""

    task = "audio-classification"


class FlaxAutoModelForAudioFrameClassification(FlaxDoor):
    """The Flax model with a classifier on every frame of a clip."""

    task = "audio-frame-classification"


class FlaxAutoModelForAudioXVector(FlaxDoor):
    """The Flax model that gives a clip a vector, by which voices are told apart."""

    task = "audio-xvector"
