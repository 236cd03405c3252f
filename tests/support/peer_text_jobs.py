"""Run in a peer's process (see peers.py): what `transformers` makes of tokenizers and texts."""

from __future__ import annotations

from typing import Any


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def calls(
    name: str, vocab_file: str, options: dict[str, Any], cases: list[tuple[tuple[Any, ...], dict[str, Any]]]
) -> list[Any]:
    """The columns of each call, or the name of the exception."""
    import transformers

    tokenizer = getattr(transformers, name)(vocab_file, **options)
    out = []
    for args, kwargs in cases:
        try:
            out.append({key: _plain(value) for key, value in tokenizer(*args, **kwargs).items()})
        except Exception as error:
            out.append(type(error).__name__)
    return out


def answers(
    name: str, vocab_file: str, options: dict[str, Any], asks: list[tuple[str, tuple[Any, ...], dict[str, Any]]]
) -> list[Any]:
    """The results of methods and properties, in turn on one tokenizer."""
    import transformers

    tokenizer = getattr(transformers, name)(vocab_file, **options)
    out = []
    for method, args, kwargs in asks:
        found = getattr(tokenizer, method)
        value = found(*args, **kwargs) if callable(found) else found
        out.append({k: _plain(v) for k, v in value.items()} if hasattr(value, "items") else _plain(value))
    return out


def opened(name: str, folder: str, texts: list[str], **options: Any) -> dict[str, Any]:
    """What a saved tokenizer is, as the peer opens it."""
    import transformers

    tokenizer = getattr(transformers, name).from_pretrained(folder, **options)
    return {
        "class": type(tokenizer).__name__,
        "ids": [tokenizer(text)["input_ids"] for text in texts],
        "columns": sorted(tokenizer("a")),
        "length": len(tokenizer),
        "special": sorted(tokenizer.all_special_tokens),
        "padding_side": tokenizer.padding_side,
        "model_max_length": tokenizer.model_max_length,
    }


def saved(
    name: str, vocab_file: str, folder: str, options: dict[str, Any], tokens: list[str], special: dict[str, Any]
) -> list[list[int]]:
    """Save the peer's tokenizer with added tokens into `folder`; the ids of two texts as it makes them."""
    import transformers

    tokenizer = getattr(transformers, name)(vocab_file, **options)
    tokenizer.add_tokens(tokens)
    tokenizer.add_special_tokens(special)
    tokenizer.save_pretrained(folder)
    return [tokenizer(text)["input_ids"] for text in ("Hello foo-bar <sep2> World", "the é new york")]
