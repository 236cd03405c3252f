"""The parts of BERT's models, told without a framework."""

from __future__ import annotations

from ...inventory import Part, text_encoder_with_heads
from .config import BertConfig


def parts(config: BertConfig) -> dict[str, list[Part]]:
    """Head -> all parts."""
    heads = text_encoder_with_heads(config)
    del heads["CausalLM"]  # which an encoder that looks both ways does not have
    return heads
