"""Wav2Vec2's input: the waveform itself, each clip brought to zero mean and unit variance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ...audio.sequence import MASK, SequenceFeatureExtractor
from ...batch_feature import BatchFeature
from ...checks import Positive
from ...kept_arguments import arguments_of, refuse_unknown
from ...tensors import check_kind


class Wav2Vec2FeatureExtractor(SequenceFeatureExtractor, model_type="wav2vec2"):
    """Sound to `input_values`, (B, T) float32 (Baevski et al. 2020, https://arxiv.org/abs/2006.11477).

    With `do_normalize` each clip becomes (x - mean) / sqrt(variance + 1e-7), over its own samples alone (after
    truncation, before padding): it has the same values by itself and in any batch. Padding is `padding_value`.

    Checkpoints with `feat_extract_norm="group"` were trained without a mask, those with "layer" with one; their files
    say so by `return_attention_mask`.
    """

    model_input_names: Sequence[str] = ("input_values", MASK)

    def __init__(
        self,
        feature_size: Literal[1] = 1,
        sampling_rate: Positive = 16000,
        padding_value: float = 0.0,
        return_attention_mask: bool = False,
        do_normalize: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(
            feature_size, sampling_rate, padding_value, return_attention_mask=return_attention_mask, **options
        )
        self.do_normalize = do_normalize

    def __call__(
        self,
        raw_speech: Any,
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        sampling_rate: int | None = None,
        *,
        resample: bool = False,
        mono: bool = False,
        **unknown: Any,
    ) -> BatchFeature:
        """`input_values`, and `attention_mask` (int32) if wanted, of a clip or a batch; the batch axis is always there.

        `raw_speech`, `sampling_rate`, `resample` and `mono` are those of `read`; the others are those of `pad`. Lengths
        are in samples. Without `return_tensors` the columns are lists of numpy arrays.

        Integers (int16, …) are normalised as they are; with `do_normalize=False` they are PCM, scaled to [-1, 1).
        """
        from ...audio.padding import make_masks, make_room, read_lengths
        from ...audio.standardize import standardize

        where = f"{type(self).__name__}()"
        refuse_unknown(where, unknown, arguments_of(Wav2Vec2FeatureExtractor.__call__) if unknown else ())
        check_kind(where, return_tensors)
        wants_mask = self._wants_mask(where, return_attention_mask)
        lengths = read_lengths(where, padding, max_length, truncation, pad_to_multiple_of)
        reader = self._reader(sampling_rate, resample, mono, raw=self.do_normalize)
        clips = reader.read(raw_speech)
        values, places = make_room(clips, lengths, self.padding_side, self.padding_value, "float32")
        for i, (place, clip) in enumerate(zip(places, clips, strict=True)):
            if not self.do_normalize:
                place[:] = clip[: len(place)]
            elif not standardize(place, clip[: len(place)]):
                reader.refuse(clips, i)
        made = {"input_values": values}
        if wants_mask:
            made[MASK] = make_masks(clips, lengths, self.padding_side)
        if return_tensors is None:
            return BatchFeature({name: list(column) for name, column in made.items()})
        return BatchFeature(made, return_tensors)
