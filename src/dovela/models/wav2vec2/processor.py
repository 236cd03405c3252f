"""Wav2Vec2's processor: sound and its transcript in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from ...errors import InputError
from ...processor import ProcessorMixin
from ...processor_arguments import Half, route


class Wav2Vec2Processor(ProcessorMixin):
    """A `Wav2Vec2FeatureExtractor` and a `Wav2Vec2CTCTokenizer`.

    A tokenizer or an extractor of another kind needs a processor of your own, which takes two lines:

        class MyProcessor(Wav2Vec2Processor):
            tokenizer_class = "MyTokenizer"
    """

    feature_extractor_class = "Wav2Vec2FeatureExtractor"
    tokenizer_class = "Wav2Vec2CTCTokenizer"
    also_opens: ClassVar[Mapping[str, str]] = {
        "Wav2Vec2ProcessorWithLM": "its language model is left out, and texts are decoded without one"
    }

    def __init__(self, feature_extractor: Any = None, tokenizer: Any = None, **unknown: Any) -> None:
        super().__init__(feature_extractor=feature_extractor, tokenizer=tokenizer, **unknown)

    @property
    def model_input_names(self) -> list[str]:
        """The columns of the sound, and labels."""
        return [*self.feature_extractor.model_input_names, "labels"]

    def check_checkpoint(self, config: Mapping[str, Any]) -> Iterable[str]:
        """A model emits an id for each token of the vocabulary."""
        size = config.get("vocab_size")
        if not isinstance(size, int) or getattr(self.tokenizer, "target_lang", None):  # each language has its own head
            return
        most = max(self.tokenizer.get_vocab().values()) + 1
        if not self.tokenizer.vocab_size <= size <= most:
            added = f" ({most} with added tokens)" if most != self.tokenizer.vocab_size else ""
            yield (
                f"the tokenizer has {self.tokenizer.vocab_size} tokens{added}, and the model of config.json emits "
                f"{size} (vocab_size): they are not of one checkpoint"
            )

    def __call__(self, audio: Any = None, text: Any = None, **arguments: Any) -> Any:  # type: ignore[override]
        """Sound -> `input_values` (and `attention_mask`, if the extractor makes one); text -> `labels` beside them.

        `audio` and its arguments (`sampling_rate`, …) are those of the feature extractor, `text` and its arguments
        those of the tokenizer; what both take (`padding`, `return_tensors`, …) goes to both. `audio_kwargs` and
        `text_kwargs` are for one of them. Text alone gives what the tokenizer gives.

        Padded labels hold `pad_token_id`; a loss ignores -100, so put that there:
        `labels.masked_fill(labels == processor.tokenizer.pad_token_id, -100)`.
        """
        inputs = {"audio": audio, "text": text}
        made = self.process({name: value for name, value in inputs.items() if value is not None}, arguments)
        if "audio" not in made:
            return made["text"]
        batch = made["audio"]
        if "text" in made:
            self._check_counts(f"{type(self).__name__}()", batch, "text", 1 if isinstance(text, str) else len(text))
            batch["labels"] = made["text"]["input_ids"]
        return batch

    def _check_counts(self, where: str, batch: Any, what: str, count: int) -> None:
        clips = len(batch[self.feature_extractor.model_input_names[0]])
        if clips != count:
            raise InputError(where, f"there must be one {what} for each of the {clips} clips, got {count}")

    def pad(self, input_features: Any = None, labels: Any = None, **arguments: Any) -> Any:
        """Pad what calls made, as a collate function does: features, labels (as `labels` of the result), or both.

        `input_features` is as of the extractor's `pad`; `labels` as of the tokenizer's, or lists of ids. `arguments`
        are those of both: `padding`, `max_length`, `pad_to_multiple_of`, `return_tensors`, …
        """
        where = f"{type(self).__name__}.pad"
        halves = {
            "input_features": Half("input_features", self.feature_extractor, "pad"),
            "labels": Half("labels", self.tokenizer, "pad"),
        }
        given = {"input_features": input_features, "labels": labels}
        used = [name for name, value in given.items() if value is not None]
        if not used:
            raise InputError(where, "there is nothing to pad", hint="Give input_features=…, labels=… or both.")
        routed = route(where, halves, used, arguments)
        if labels is None:
            return self.feature_extractor.pad(input_features, **routed["input_features"])
        if isinstance(labels, (list, tuple)) and labels and not isinstance(labels[0], Mapping):
            if not hasattr(labels[0], "__len__"):
                hint = "For a single row give [row]."
                raise InputError(where, f"labels must be rows of ids, one for each clip, got {labels[0]!r}", hint=hint)
            labels = {"input_ids": list(labels)}
        rows = self.tokenizer.pad(labels, **routed["labels"])
        if input_features is None:
            return rows
        batch = self.feature_extractor.pad(input_features, **routed["input_features"])
        self._check_counts(where, batch, "row of labels", len(rows["input_ids"]))
        batch["labels"] = rows["input_ids"]
        return batch
