"""Configurations of several heads on one backbone: what the backbone reads is the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_OF_EACH_MODEL = {"id2label", "problem_type", "architectures", "dtype", "name_or_path", "extra"}
_OF_SOUND = {  # read by the heads of `dovela.torch.audio_heads`
    *("final_dropout", "ctc_loss_reduction", "ctc_zero_infinity", "classifier_proj_size", "use_weighted_layer_sum"),
    *("xvector_output_dim", "tdnn_dim", "tdnn_kernel", "tdnn_dilation", "num_codevectors_per_group"),
    *("num_codevector_groups", "codevector_dim", "proj_codevector_dim", "feat_quantizer_dropout", "num_negatives"),
    *("contrastive_logits_temperature", "diversity_loss_weight"),
}


def head_fields(cls: type[Any]) -> set[str]:
    """The fields that belong to a head: each model on a backbone may have another value."""
    return (_OF_EACH_MODEL | _OF_SOUND).union(*(vars(base).get("head_fields", ()) for base in cls.__mro__))


def link(backbone: Any, config: Any) -> None:
    """From now on a field of the backbone that is set in one of the two, or of others linked to them, is set in all."""
    group = backbone.__dict__.setdefault("_linked", [backbone])
    group.append(config)
    config.__dict__["_linked"] = group


def tell_the_linked(config: Any, changes: Mapping[str, Any]) -> None:
    """Set what changed in `config`, checked already, in those linked to it."""
    if group := config.__dict__.get("_linked"):
        own = head_fields(type(config))
        shared = {name: value for name, value in changes.items() if name not in own}
        for other in group:
            other.__dict__.update(shared)
