"""Which parts of an encoder go together, and why others do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CAUSAL = ("causal", "causal-window")
ONE_AXIS = ("causal", "window", "causal-window")
"""Attention kinds that count places along one line."""


def at_layer(choice: str | list[str], layer: int) -> str:
    """The name that a layer has: the one, or that of a pattern which repeats over the layers."""
    return choice if isinstance(choice, str) else choice[layer % len(choice)]


def each_layer(choice: str | list[str], layers: int) -> list[str]:
    """The names of all layers."""
    return [at_layer(choice, layer) for layer in range(layers)]


def is_causal(config: Any) -> bool:
    """Whether no token ever sees one behind it, as far as the names of the built-in kinds tell."""
    return all(kind in CAUSAL for kind in each_layer(config.attention, config.num_hidden_layers))


def pooler_name(config: Any) -> str:
    """The pooler that is asked for; by default the token that has seen all others."""
    return str(config.pooler or ("last" if is_causal(config) else "first"))


def encoder_rules(config: Any) -> Iterator[str]:
    """The cross-field rules of every encoder; sentences name the fields as this architecture does."""
    yield from _sizes(config)
    yield from _pruning(config)
    if problems := list(_patterns(config)):
        yield from problems
        return  # what follows asks for the layers' names
    kinds = set(each_layer(config.attention, config.num_hidden_layers))
    yield from _heads(config, kinds)
    yield from _places(config, kinds)
    yield from _experts(config)


def _name(config: Any, word: str) -> str:
    return str(config.aliases().get(word, word))


def _sizes(config: Any) -> Iterator[str]:
    if config.hidden_size % config.num_attention_heads:
        width, heads = _name(config, "hidden_size"), _name(config, "num_attention_heads")
        yield f"{width} ({config.hidden_size}) is no multiple of {heads} ({config.num_attention_heads})"
    words = hasattr(config, "vocab_size")  # images have none
    if words and config.pad_token_id is not None and config.pad_token_id >= config.vocab_size:
        yield f"pad_token_id ({config.pad_token_id}) lies outside the vocabulary (vocab_size {config.vocab_size})"


def _pruning(config: Any) -> Iterator[str]:
    for layer, heads in config.pruned_heads.items():
        if not 0 <= layer < config.num_hidden_layers:
            yield f"pruned_heads names layer {layer}, and there are {config.num_hidden_layers}"
        elif bad := [h for h in heads if not 0 <= h < config.num_attention_heads]:
            yield f"pruned_heads names head {bad[0]} of layer {layer}, and there are {config.num_attention_heads}"
        elif len(set(heads)) >= config.num_attention_heads:
            yield f"pruned_heads leaves layer {layer} without a head"
    if config.pruned_heads and config.num_key_value_heads not in (None, config.num_attention_heads):
        yield f"pruned_heads cuts heads that share keys and values (num_key_value_heads {config.num_key_value_heads})"


def _patterns(config: Any) -> Iterator[str]:
    for word in ("attention", "feed_forward"):
        choice = getattr(config, word)
        if isinstance(choice, list) and not 0 < len(choice) <= config.num_hidden_layers:
            yield f"{word} names {len(choice)} layers in a pattern, and there are {config.num_hidden_layers}"


def _heads(config: Any, kinds: set[str]) -> Iterator[str]:
    heads, shared = config.num_attention_heads, config.num_key_value_heads
    if shared is not None and heads % shared:
        yield f"num_attention_heads ({heads}) is no multiple of num_key_value_heads ({shared})"
    elif "grouped-query" in kinds and (shared is None or shared == heads):
        yield f"attention 'grouped-query' needs a num_key_value_heads below num_attention_heads ({heads})"


def _places(config: Any, kinds: set[str]) -> Iterator[str]:
    scheme, reads = config.positions, config.reads
    if scheme in ("rotary", "alibi") and "linear" in kinds:
        yield (
            f"positions {scheme!r} act on the score of each pair of tokens, and attention 'linear' never has them; "
            "give it 'learned', 'sinusoidal' or 'none'"
        )
    if scheme == "rotary":
        pairs, along = (2, "2 axes") if reads == "images" else (1, "1 axis")
        width = config.hidden_size // config.num_attention_heads
        if width % (2 * pairs):
            yield f"positions 'rotary' turn pairs of numbers along {along}, and a head has {width} numbers"
    if scheme == "convolutional" and reads != "sound":
        yield f"positions 'convolutional' are for frames of sound, and this encoder reads {reads}"
    if reads == "images":
        if scheme == "alibi":
            yield "positions 'alibi' measure a distance along one line, and an image has rows and columns"
        for kind in sorted(kinds.intersection(ONE_AXIS)):
            yield f"attention {kind!r} counts places along one line, and an image has rows and columns"
    if is_causal(config) and config.pooler in ("first", "dense"):
        yield (
            f"pooler {config.pooler!r} reads the first token, and with causal attention that has seen itself alone; "
            "choose 'last', 'mean', 'max' or 'attention'"
        )


def _experts(config: Any) -> Iterator[str]:
    if "moe" not in each_layer(config.feed_forward, config.num_hidden_layers):
        return
    if config.experts_per_token > config.num_experts:
        yield f"experts_per_token ({config.experts_per_token}) is more than num_experts ({config.num_experts})"
    if config.expert == "moe":
        yield "expert 'moe' would be made of experts itself; name another feed-forward"
