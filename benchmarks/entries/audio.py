"""From waveforms to a model's input: 32 clips of 3 to 8 seconds at 16 kHz, 12 MB as float32."""

from ..entry import Entry, Metric, Target, each_library, floor

CLIPS = """
import numpy as np
draw = np.random.default_rng(0)
clips = [(draw.standard_normal(draw.integers(50_000, 134_000)) * 0.1).astype(np.float32) for _ in range(32)]
"""
PCM = "clips = [(clip * 10_000).astype(np.int16) for clip in clips]\n"
LONG = "clips = np.concatenate(clips)\n"
SHORT = "clips = [clip[:16_000] for clip in clips]\n"
EXTRACTOR = """
import logging; logging.disable(logging.CRITICAL)
from LIBRARY import Wav2Vec2FeatureExtractor
extractor = Wav2Vec2FeatureExtractor()
"""
NORMALIZE = "made = [(clip - clip.mean()) / np.sqrt(clip.var() + 1e-7) for clip in clips]"
TWICE = tuple(Target(Metric.WALL, 0.5, of=peer) for peer in ("transformers-4", "transformers-5"))


def call(name: str, measures: str, options: str = "", more: str = "", timed: str = "", targets: tuple = TWICE) -> Entry:
    """One way to call the extractor on `clips`, beside numpy's arithmetic for the values alone."""
    timed = timed or f"made = extractor(clips, sampling_rate=16000{options})['input_values']"
    arithmetic = NORMALIZE.replace("for clip in clips", "for clip in [clips]") if more == LONG else NORMALIZE
    return Entry(
        name=name,
        measures=measures,
        contenders=[
            *each_library(timed, CLIPS + more + EXTRACTOR),
            floor("numpy's mean, variance, subtraction", arithmetic, CLIPS + more),
        ],
        targets=targets,
    )


ENTRIES = [
    call(
        "extract a padded batch",
        "`Wav2Vec2FeatureExtractor()(clips, sampling_rate=16000, padding=True, return_tensors='np')`, float32.",
        ", padding=True, return_tensors='np'",
    ),
    call(
        "extract a padded batch with its mask",
        "The same with `return_attention_mask=True`.",
        ", padding=True, return_attention_mask=True, return_tensors='np'",
    ),
    call(
        "extract a padded batch as torch tensors",
        "The same with `return_tensors='pt'`.",
        ", padding=True, return_tensors='pt'",
    ),
    call(
        "extract a padded batch of int16",
        "The same of clips of int16, as files have them.",
        ", padding=True, return_tensors='np'",
        PCM,
    ),
    call(
        "extract a list of clips",
        "Without padding: an array for each clip.",
        targets=(),
    ),
    call(
        "extract one long clip",
        "The clips joined to one of 3 minutes.",
        ", return_tensors='np'",
        LONG,
    ),
    call(
        "extract clip by clip",
        "One second of each clip, one call each, as a server does.",
        more=SHORT,
        timed="made = [extractor(clip, sampling_rate=16000, return_tensors='np') for clip in clips]",
        targets=(),
    ),
]
