"""Run in a peer's process (see peers.py): what `transformers` makes of sound, and of rows to pad."""

from __future__ import annotations

from typing import Any


def _plain(value: Any) -> Any:
    import numpy as np

    if isinstance(value, list):
        return [np.asarray(row) for row in value]
    return value.numpy() if hasattr(value, "detach") else value


def extracted(options: dict[str, Any], calls: list[tuple[Any, dict[str, Any]]]) -> list[Any]:
    """The columns of each call of `Wav2Vec2FeatureExtractor(**options)`, or the name of the exception."""
    import transformers

    extractor = transformers.Wav2Vec2FeatureExtractor(**options)
    made: list[Any] = []
    for sound, kwargs in calls:
        if hasattr(sound, "dtype"):  # the peer compares dtypes by identity, which they lose on their way here
            sound = sound.astype(sound.dtype.type)
        try:
            made.append({name: _plain(value) for name, value in extractor(sound, **kwargs).items()})
        except Exception as error:
            made.append(type(error).__name__)
    return made


def padded(options: dict[str, Any], calls: list[tuple[Any, dict[str, Any]]]) -> list[Any]:
    """The columns that `pad` of a bare sequence extractor makes, or the name of the exception."""
    from transformers import SequenceFeatureExtractor

    class Bare(SequenceFeatureExtractor):
        model_input_names = ["input_values", "attention_mask"]

    extractor = Bare(**options)
    made: list[Any] = []
    for rows, kwargs in calls:
        try:
            made.append({name: _plain(value) for name, value in extractor.pad(rows, **kwargs).items()})
        except Exception as error:
            made.append(type(error).__name__)
    return made


def opened(folder: str, sound: Any) -> dict[str, Any]:
    """A saved extractor as the peer opens it: its settings, and what it makes of `sound`."""
    from transformers import AutoFeatureExtractor

    extractor = AutoFeatureExtractor.from_pretrained(folder)
    values = extractor(sound, sampling_rate=extractor.sampling_rate, return_tensors="np")["input_values"]
    return {"class": type(extractor).__name__, "settings": extractor.to_dict(), "values": values}


def saved(folder: str, options: dict[str, Any], vocabulary: str | None = None) -> None:
    """The peer's extractor in `folder`; with a vocabulary the processor, which 5.x writes into one nested file."""
    import transformers

    extractor = transformers.Wav2Vec2FeatureExtractor(**options)
    if vocabulary is None:
        extractor.save_pretrained(folder)
    else:
        tokenizer = transformers.Wav2Vec2CTCTokenizer(vocabulary)
        transformers.Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
