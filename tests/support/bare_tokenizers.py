"""The Rust library by itself, put together for BERT: what both engines must equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
OPTIONS = {  # our names -> the library's
    "clean_text": "clean_text",
    "tokenize_chinese_chars": "handle_chinese_chars",
    "strip_accents": "strip_accents",
    "do_lower_case": "lowercase",
}


def bare(vocab: Mapping[str, int], added: Iterable[Any] = (), **options: Any) -> Tokenizer:
    """BERT's pipeline over `vocab`, with the special tokens and then `added` (strings or the library's AddedToken)."""
    defaults = {"clean_text": True, "tokenize_chinese_chars": True, "strip_accents": None, "do_lower_case": True}
    tokenizer = Tokenizer(models.WordPiece(dict(vocab), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(**{OPTIONS[k]: v for k, v in (defaults | options).items()})
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.add_special_tokens(list(SPECIAL))
    for token in added:
        (tokenizer.add_special_tokens if getattr(token, "special", False) else tokenizer.add_tokens)([token])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def view(row: Any) -> tuple[Any, ...]:
    """What can be asked of a row, of either library (but for `tokens`, where the Rust library has the text it met)."""
    return (
        list(row.ids),
        list(row.type_ids),
        list(row.attention_mask),
        list(row.special_tokens_mask),
        [tuple(offset) for offset in row.offsets],
        list(row.word_ids),
        list(row.sequence_ids),
    )
