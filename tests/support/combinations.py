"""The product of the parts, and why some of it makes no sense, said once more and independently of the rules."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

Words = dict[str, Any]
POOLERS = [None, "first", "last", "mean", "max", "attention", "dense"]
CHOICES: Words = {
    "attention": [
        "full",
        "causal",
        "window",
        "causal-window",
        "grouped-query",
        "linear",
        ["window", "full"],
        ["causal", "causal-window"],
        ["linear", "full"],
    ],
    "positions": ["learned", "sinusoidal", "rotary", "alibi", "none", "convolutional"],
    "norm": ["layer", "rms"],
    "norm_order": ["post", "pre", "parallel"],
    "feed_forward": ["mlp", "glu", "swiglu", "geglu", "moe", ["mlp", "moe"]],
    "num_key_value_heads": [None, 2, 1],
    "pooler": POOLERS,
}


def product(**less: list[Any]) -> Iterator[Words]:
    """Every combination, or those of fewer choices of some words."""
    choices = {**CHOICES, **less}
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def kinds(words: Words) -> set[str]:
    return {*words["attention"]} if isinstance(words["attention"], list) else {words["attention"]}


def senseless(reads: str, words: Words) -> set[str]:
    """Of each reason why these words do not go together, a phrase that its sentence has."""
    attention, positions = kinds(words), words["positions"]
    one_line = {"causal", "window", "causal-window"}
    reasons = {
        "attention 'linear' never has them": "linear" in attention and positions in ("rotary", "alibi"),
        "needs a num_key_value_heads below": "grouped-query" in attention and words["num_key_value_heads"] is None,
        "are for frames of sound": positions == "convolutional" and reads != "sound",
        "has seen itself alone": attention <= {"causal", "causal-window"} and words["pooler"] in ("first", "dense"),
        "measure a distance along one line": reads == "images" and positions == "alibi",
        "counts places along one line": reads == "images" and bool(attention & one_line),
    }
    return {phrase for phrase, holds in reasons.items() if holds}


def pairwise(reads: str, seed: int = 0) -> list[Words]:
    """Combinations in which every two choices that go together meet (found greedily)."""
    draw = random.Random(seed)
    rows = [words for words in product() if not senseless(reads, words)]
    draw.shuffle(rows)

    def pairs(words: Words) -> set[tuple[str, str]]:
        return set(itertools.combinations([f"{word}={value}" for word, value in words.items()], 2))

    found: list[Words] = []
    met: set[tuple[str, str]] = set()
    for words in rows:  # those that bring many pairs first
        if len(pairs(words) - met) >= 12:
            found.append(words)
            met |= pairs(words)
    for least in (6, 3, 1):
        for words in rows:
            if len(pairs(words) - met) >= least:
                found.append(words)
                met |= pairs(words)
    return found
