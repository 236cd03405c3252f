"""Picks the Keras model class that a checkpoint names: the doors of `auto_model`, for Keras."""

from __future__ import annotations

import importlib
from typing import Any, ClassVar

from .auto_model import ModelDoor
from .kit_models import KitModels
from .lazy import naming


class KerasDoor(ModelDoor):
    """Opens what does one task, as a Keras model."""

    kit: ClassVar[str] = "keras"

    @classmethod
    def _classes(cls) -> Any:
        with naming(cls.__name__):
            importlib.import_module("dovela.keras")  # which tells what is missing
        return KitModels(cls.kit)


class TFAutoModel(KerasDoor):
    """The Keras model without a head.

    A task of your own is opened by a class of yours, which needs no more than this:

        class TFAutoModelForRanking(TFAutoModel):
            task = "ranking"
    """

    task = "base"


class TFAutoModelForMaskedLM(KerasDoor):
    """The Keras model that guesses masked tokens."""

    task = "masked-lm"


class TFAutoModelForSequenceClassification(KerasDoor):
    """The Keras model with a classifier, or a regression, on whole texts."""

    task = "sequence-classification"


class TFAutoModelForTokenClassification(KerasDoor):
    """The Keras model with a classifier on every token."""

    task = "token-classification"


class TFAutoModelForQuestionAnswering(KerasDoor):
    """The Keras model that finds where an answer starts and ends."""

    task = "question-answering"


class TFAutoModelForMultipleChoice(KerasDoor):
    """The Keras model that scores continuations."""

    task = "multiple-choice"


class TFAutoModelForNextSentencePrediction(KerasDoor):
    """The Keras model that tells whether the second text follows the first."""

    task = "next-sentence-prediction"


class TFAutoModelForPreTraining(KerasDoor):
    """The Keras model with all heads that it was trained with."""

    task = "pre-training"


class TFAutoModelForImageClassification(KerasDoor):
    """The Keras model with a classifier, or a regression, on whole images."""

    task = "image-classification"


class TFAutoModelForMaskedImageModeling(KerasDoor):
    """The Keras model that fills in the patches of an image that were hidden."""

    task = "masked-image-modeling"


class TFAutoModelForCTC(KerasDoor):
    """The Keras model that writes down what is said."""

    task = "ctc"


class TFAutoModelForAudioClassification(KerasDoor):
    """The Keras model with a classifier, or a regression, on whole clips."""

    task = "audio-classification"


class TFAutoModelForAudioFrameClassification(KerasDoor):
    """The Keras model with a classifier on every frame of a clip."""

    task = "audio-frame-classification"


class TFAutoModelForAudioXVector(KerasDoor):
    """The Keras model that gives a clip a vector, by which voices are told apart."""

    task = "audio-xvector"
