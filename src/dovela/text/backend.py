"""Reading what a `tokenizers.Tokenizer` does, to do the same with the Python engine where it is BERT's pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .added_tokens import AddedTokens
from .normalize import BertNormalizer
from .pipeline import BertPipeline
from .special_tokens import AddedToken
from .wordpiece import BertEngine, WordPiece

KNOWN_TEMPLATES = ("TemplateProcessing", "BertProcessing")


def bert_pipeline(backend: Any, added_tokens: Mapping[int, AddedToken]) -> BertPipeline | None:
    """The same as `backend` in Python, if that is BERT's normaliser, splitter and WordPiece; else None.

    `added_tokens`: those of `backend`, by id.
    """
    model, processor = backend.model, backend.post_processor
    stages = (backend.normalizer, backend.pre_tokenizer, model)
    if [type(stage).__name__ for stage in stages] != ["BertNormalizer", "BertPreTokenizer", "WordPiece"]:
        return None
    if processor is not None and type(processor).__name__ not in KNOWN_TEMPLATES:
        return None
    vocab = backend.get_vocab(with_added_tokens=False)
    if model.unk_token not in vocab:  # the library fails only where the token is needed
        return None
    options = json.loads(backend.normalizer.__getstate__())
    del options["type"]
    normalizer = BertNormalizer(**options)
    added = AddedTokens(normalizer.normalize)
    added.put_all(added_tokens)
    pieces = WordPiece(vocab, vocab[model.unk_token], model.continuing_subword_prefix, model.max_input_chars_per_word)
    return BertPipeline(added.searches, not backend.encode_special_tokens, BertEngine(normalizer, pieces))
