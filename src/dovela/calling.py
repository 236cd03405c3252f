"""By which names a model is called, the same in every framework: read from the signatures of its call."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from .errors import InputError, suggest

_SWITCHES = ("train", "training", "is_training", "deterministic")
_ELSEWHERE = {  # what other libraries take, and what it is here
    "return_dict": "Leave it out: what a model returns has names and places, output.logits and output[0].",
    "params": "A Flax model takes them; this one keeps its weights itself.",
    "dropout_rng": "A Flax model takes it; here one seeds the framework's own random numbers.",
}
_COLUMNS = {  # what tokenizers give that is no input of every model, or of none
    "token_type_ids": " Tokenise with return_token_type_ids=False, or with the tokenizer of this architecture.",
    **dict.fromkeys(
        ("offset_mapping", "special_tokens_mask", "overflow_to_sample_mapping"),
        " Take it out first, with batch.pop(…).",
    ),
}


class Anything(tuple[str, ...]):
    """The inputs of a call that takes any keyword."""

    def __contains__(self, name: object) -> bool:
        return True


def find_input_names(cls: type, call: str, root: type, *, apart: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of `call`'s arguments, and of those above it that it passes the rest on to, up to the class `root`.

    call: the method's name; apart: its arguments that are no inputs
    """
    names: dict[str, None] = {}
    for owner in cls.__mro__:
        if owner is root:
            return Anything(names)
        if call in vars(owner):
            parameters = list(inspect.signature(vars(owner)[call]).parameters.values())[1:]
            own = (p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
            names |= {name: None for name in own if name not in apart}
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return tuple(names)


def check_names(model: Any, names: Iterable[str], known: tuple[str, ...], *, training: str) -> None:
    """An InputError for the first name that is no input. `training`: what to write for a call of training."""
    for name in names:
        if name in known:
            continue
        takes = f"It takes {', '.join(known)}.{_COLUMNS.get(name, '')}"
        hint = training if name in _SWITCHES else _ELSEWHERE.get(name, takes)
        raise InputError(f"{type(model).__name__}(…)", f"there is no input {name!r}{suggest(name, known)}", hint=hint)
