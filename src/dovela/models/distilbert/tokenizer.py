"""DistilBERT's tokenizers: BERT's, but the model has no token types."""

from __future__ import annotations

from ..bert.tokenizer import BertTokenizer, BertTokenizerFast


class DistilBertTokenizer(BertTokenizer):
    """DistilBERT's tokenizer in Python."""

    model_input_names = ("input_ids", "attention_mask")


class DistilBertTokenizerFast(BertTokenizerFast):
    """DistilBERT's tokenizer on the Rust library `tokenizers`."""

    model_input_names = ("input_ids", "attention_mask")
