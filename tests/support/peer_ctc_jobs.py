"""Run in a peer's process (see peers.py): what `transformers` makes of Wav2Vec2's tokenizer and processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def _plain(value: Any) -> Any:
    if hasattr(value, "keys"):
        return {name: _plain(value[name]) for name in value.keys() if value[name] is not None}  # noqa: SIM118
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def ctc(vocab_file: str, options: dict[str, Any], asks: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
    """The results of methods and properties, in turn on one tokenizer."""
    from transformers import Wav2Vec2CTCTokenizer

    return _answers(Wav2Vec2CTCTokenizer(vocab_file, **options), asks)


def ctc_opened(folder: str, asks: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
    """The same of a saved tokenizer."""
    from transformers import Wav2Vec2CTCTokenizer

    return _answers(Wav2Vec2CTCTokenizer.from_pretrained(folder), asks)


def _answers(tokenizer: Any, asks: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
    out = []
    for method, args, kwargs in asks:
        asked = getattr(tokenizer, method)
        out.append(_plain(asked(*args, **kwargs) if callable(asked) else asked))
    return out


def ctc_saved(vocab_file: str, options: dict[str, Any], added: list[str], folder: str) -> None:
    from transformers import Wav2Vec2CTCTokenizer

    tokenizer = Wav2Vec2CTCTokenizer(vocab_file, **options)
    tokenizer.add_tokens(added)
    tokenizer.save_pretrained(folder)


def processor_saved(vocab_file: str, folder: str, extractor: dict[str, Any], save: dict[str, Any]) -> list[str]:
    """Save a processor; the names of its files."""
    from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2Processor

    halves = Wav2Vec2FeatureExtractor(**extractor), Wav2Vec2CTCTokenizer(vocab_file)
    Wav2Vec2Processor(*halves).save_pretrained(folder, **save)
    return sorted(path.name for path in Path(folder).iterdir())


def processor_called(folder: str, calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
    """What methods of a saved processor give, opened by AutoProcessor."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    return [_plain(getattr(processor, method)(*args, **kwargs)) for method, args, kwargs in calls]
