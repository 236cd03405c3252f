"""What torch's models are called with, checked before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

from .. import audio_rules, image_rules, text_rules
from ..parts import POSITIONS
from .arrays import TORCH
from .layout import readable


class TextInputs(text_rules.TextInputs):
    arrays, positions = TORCH, POSITIONS


class ImageInputs(image_rules.ImageInputs):
    arrays = TORCH


@dataclass
class AudioInputs(audio_rules.AudioInputs):
    arrays = TORCH

    def __post_init__(self) -> None:
        mask = self.attention_mask
        if mask is not None and readable(mask) and bool(mask.all()):
            self.attention_mask = None  # nothing needs to be left out
