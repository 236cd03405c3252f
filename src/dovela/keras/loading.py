"""Opening a checkpoint: build without drawing, map the file, rename, assign."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras import ops

from ..config import PretrainedConfig
from ..fitting import Wanted
from ..leaves import KERAS_LEAVES
from ..opening import opening
from .init import undrawn
from .state import state


def load(
    cls: Any,
    name_or_path: str | Path | None,
    *,
    config: PretrainedConfig | str | Path | None = None,
    dtype: Any = None,
    state_dict: Mapping[str, Any] | None = None,
    new_head: bool = False,
    ignore_mismatched_sizes: bool = False,
    output_loading_info: bool = False,
    variant: str | None = None,
    allow_pickle: bool = False,
    **rest: Any,
) -> Any:
    """See `TFPreTrainedModel.from_pretrained`."""
    with opening(
        cls,
        name_or_path,
        config=config,
        state_dict=state_dict,
        variant=variant,
        allow_pickle=allow_pickle,
        rest=rest,
    ) as opened:
        with undrawn():
            model = cls(opened.config, dtype=dtype, **opened.build)
        weights, ties = state(model), model.tied_names()
        shapes = {name: KERAS_LEAVES.shape(path, weight.shape) for name, (path, weight) in weights.items()}
        for group in ties:
            shapes |= dict.fromkeys(group, shapes[group[0]])
        wanted = Wanted(
            shapes=shapes, ties=ties, optional=cls.optional_parts, headed=model.headed, heads=model.head_names()
        )
        sources, report = opened.fit(wanted, model.weight_names, new_head=new_head, keep_going=ignore_mismatched_sizes)
        for name, array in opened.arrays(sources).items():
            path, weight = weights[name]
            weight.assign(_cast(KERAS_LEAVES.from_file(path, array), weight.dtype))
    if report.fresh:
        drawn = state(cls(opened.config, dtype=dtype, **opened.build))
        for name in report.fresh:
            weights[name][1].assign(drawn[name][1].value)
    opened.tell(report)
    return (model, report) if output_loading_info else model


def _cast(array: Any, dtype: str) -> Any:
    """numpy's array in the variable's dtype; a file in bfloat16 opens in float32."""
    return ops.cast(ops.convert_to_tensor(array, dtype=array.dtype.name), dtype)
