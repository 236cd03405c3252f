"""The Auto classes: what a checkpoint says it is decides which class opens it."""

from __future__ import annotations

from os import PathLike
from typing import Any

from .errors import CheckpointError, DovelaError, RegistryError
from .hub import Source, source, split_options
from .registry import model_type_of
from .text.base import MODEL_TOKENIZERS, TOKENIZERS, PreTrainedTokenizerBase
from .text.files import CONFIG, WHOLE
from .text.vocabulary import read_json

ANY_FAST = {"PreTrainedTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend"}  # what no architecture owns


class AutoTokenizer:
    """Opens the tokenizer of a checkpoint with the class that the checkpoint names."""

    def __init__(self) -> None:
        raise RegistryError(
            "AutoTokenizer", "has no instances", hint="Use AutoTokenizer.from_pretrained(name_or_path)."
        )

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | PathLike[str],
        *,
        use_fast: bool = True,
        **arguments: Any,
    ) -> PreTrainedTokenizerBase:
        """The tokenizer in a folder, or of a name on the hub.

        Its class is named by tokenizer_config.json, else follows from config.json's model_type. `use_fast` asks for the
        engine on the Rust library where there is one. `arguments`: as of that class's `from_pretrained`.
        """
        options, overrides = split_options(arguments)
        src = source(name_or_path, **options)
        return TOKENIZERS.get(_tokenizer_name(src, use_fast))._from_source(src, overrides)

    @staticmethod
    def register(model_type: Any, tokenizer_class: type[PreTrainedTokenizerBase], *, exist_ok: bool = False) -> None:
        """Name the tokenizer of a model type (or of a config class), for a class that is not yours to edit.

        A class of your own needs none of this: write `class MyTokenizer(PreTrainedTokenizer, model_type="mine")`.
        """
        name = model_type_of("AutoTokenizer.register", model_type)
        TOKENIZERS.register(tokenizer_class.__name__, tokenizer_class, exist_ok=exist_ok)
        MODEL_TOKENIZERS.register(name, tokenizer_class.__name__.removesuffix("Fast"), exist_ok=exist_ok)


def _tokenizer_name(src: Source, use_fast: bool) -> str:
    """The registered name of the class that opens `src`."""
    said = read_json(src.find(CONFIG)).get("tokenizer_class")
    if said is None:
        model_type = read_json(src.find("config.json")).get("model_type")
        if isinstance(model_type, str) and model_type in MODEL_TOKENIZERS:
            said = MODEL_TOKENIZERS.get(model_type)
    if said in ANY_FAST or said is None:
        if said is None and src.find(WHOLE) is None:
            raise CheckpointError(
                src.label,
                "does not say which tokenizer it has: no tokenizer_class in tokenizer_config.json, no model_type in "
                "config.json that has one, and no tokenizer.json",
                hint="Open it with the class itself, as DistilBertTokenizer.from_pretrained does.",
            )
        said = "PreTrainedTokenizerFast"
    slow = str(said).removesuffix("Fast")
    fast = slow + "Fast"
    if use_fast:
        if fast in TOKENIZERS or slow in TOKENIZERS:
            return fast if fast in TOKENIZERS else slow
        if src.find(WHOLE) is not None:
            return "PreTrainedTokenizerFast"
    elif slow not in TOKENIZERS and fast in TOKENIZERS:
        raise CheckpointError(src.label, f"has a {said}, of which there is no Python engine", hint="Use use_fast=True.")
    try:
        TOKENIZERS.get(slow)
    except DovelaError as error:
        raise CheckpointError(src.label, f"has a {said}, which is not registered", hint=str(error)) from error
    return slow
