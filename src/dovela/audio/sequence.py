"""The base of extractors for sound: clips are read, turned into features, and padded into a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..batch_feature import BatchFeature
from ..checks import Positive
from ..errors import InputError
from ..features import FeatureExtractionMixin
from ..kept_arguments import arguments_of, refuse_unknown
from ..tensors import check_kind, from_array

if TYPE_CHECKING:
    from .clips import Reader

MASK = "attention_mask"


class SequenceFeatureExtractor(FeatureExtractionMixin, register=False):
    """What turns sound into a batch of sequences. A subclass reads clips, computes rows, and pads them:

        class Loudness(SequenceFeatureExtractor, model_type="loudness"):
            model_input_names = ("input_features", "attention_mask")

            def __init__(self, feature_size: int = 1, sampling_rate: int = 8000, padding_value: float = 0.0, **options):
                super().__init__(feature_size, sampling_rate, padding_value, **options)

            def __call__(self, sound, sampling_rate=None, **options):
                clips = self.read(sound, sampling_rate)
                rows = [np.abs(clip[: len(clip) // 80 * 80]).reshape(-1, 80).mean(1) for clip in clips]
                return self.pad({"input_features": rows}, **options)

    `model_input_names[0]` is the column that `pad` pads with `padding_value`.
    """

    model_input_names: Sequence[str] = ("input_values", MASK)

    def __init__(
        self,
        feature_size: Positive,
        sampling_rate: Positive,
        padding_value: float,
        padding_side: Literal["left", "right"] = "right",
        return_attention_mask: bool = True,
        **options: Any,
    ) -> None:
        """`feature_size`: values a step; `sampling_rate`: of the sound, in Hz; `padding_value`: what fills rows up;
        `return_attention_mask`: whether a call that does not say returns a mask, 1 where there is sound."""
        super().__init__(**options)
        self.feature_size = feature_size
        self.sampling_rate = sampling_rate
        self.padding_value = padding_value
        self.padding_side = padding_side
        self.return_attention_mask = return_attention_mask

    def read(
        self, sound: Any, sampling_rate: int | None = None, *, resample: bool = False, mono: bool = False
    ) -> list[Any]:
        """The clips in `sound`: float32 arrays (n,) at this extractor's rate, of finite numbers in [-1, 1] or so.

        `sound` is one clip or a batch: an array (n,) or (B, n), a list of numbers, a torch tensor, the path, bytes or
        binary stream of a file, a dictionary {"array", "sampling_rate"} as `datasets` gives, or a list of such.
        Integers are read as PCM. `sampling_rate` is that of arrays; files and dictionaries know theirs. With
        `resample=True` another rate is converted, by soxr; with `mono=True` channels are averaged.

        InputError for another rate or several channels without these, and for what is empty, not finite or no sound.
        """
        return self._reader(sampling_rate, resample, mono).read(sound)

    def _reader(self, sampling_rate: Any, resample: Any, mono: Any, *, raw: bool = False) -> Reader:
        from .clips import Reader, read_rate

        where = f"{type(self).__name__}()"
        _check_flags(where, resample=resample, mono=mono)
        return Reader(where, self.sampling_rate, read_rate(where, sampling_rate), resample, mono, raw)

    def pad(
        self,
        processed_features: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        **unknown: Any,
    ) -> BatchFeature:
        """Rows of features, (t,) or (t, F) each, cut and padded into a batch (B, T) or (B, T, F).

        `processed_features` holds the rows by column (a dictionary, or a BatchFeature), or is a list of dictionaries of
        one row each, as a collate function gets. A mask among the columns is padded with 0; other columns (labels) are
        passed on. `padding` is True or "longest", "max_length", or False; `truncation=True` cuts to `max_length`; both
        lengths are rounded up to `pad_to_multiple_of`.

        Without `return_tensors` rows of one length are a numpy array, others a list of arrays (and torch tensors, if
        that is what came). InputError for arguments that contradict each other or have no effect, for rows that are
        empty or of several shapes, and for `return_tensors` where lengths differ.
        """
        from .columns import common_dtype, in_torch, read_columns, read_masks, read_rows
        from .padding import make_masks, make_room, read_lengths

        where = f"{type(self).__name__}.pad"
        refuse_unknown(where, unknown, arguments_of(SequenceFeatureExtractor.pad) if unknown else ())
        check_kind(where, return_tensors)
        wanted = self._wants_mask(where, return_attention_mask)
        lengths = read_lengths(where, padding, max_length, truncation, pad_to_multiple_of)
        name = self.model_input_names[0]
        columns = read_columns(where, processed_features, name)
        kind = "pt" if in_torch(columns[name]) and return_tensors is None else None
        rows = read_rows(where, name, columns[name], self.feature_size)
        dtype = common_dtype(rows, self.padding_value)
        columns[name], places = make_room(rows, lengths, self.padding_side, self.padding_value, dtype)
        for place, row in zip(places, rows, strict=True):
            place[:] = row[: len(place)]
        masks = columns.pop(MASK, None)
        if wanted or (masks is not None and return_attention_mask is None):
            given = None if masks is None else read_masks(where, masks, rows)
            columns[MASK] = make_masks(rows, lengths, self.padding_side, given)
        for column in (name, MASK):
            if kind and column in columns:
                columns[column] = as_tensors(columns[column], kind)
        return BatchFeature(columns, return_tensors)

    def _wants_mask(self, where: str, asked: Any) -> bool:
        _check_flags(where, **({} if asked is None else {"return_attention_mask": asked}))
        return self.return_attention_mask if asked is None else asked


def as_tensors(rows: Any, kind: str) -> Any:
    """A padded batch, or a list of rows, in the framework `kind`."""
    return [from_array(row, kind) for row in rows] if isinstance(rows, list) else from_array(rows, kind)


def _check_flags(where: str, **flags: Any) -> None:
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise InputError(where, f"{name} must be True or False, got {value!r}")
