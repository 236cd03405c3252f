"""Names that code written for other libraries asks a tokenizer for, and what does the same here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

CALL = "call the tokenizer itself, tokenizer(text, text_pair, …)"
ELSEWHERE = {
    "encode_plus": CALL,
    "batch_encode_plus": CALL + ", with a list",
    "prepare_for_model": "call the tokenizer with text, or put ids together with build_inputs_with_special_tokens",
    "truncate_sequences": "call the tokenizer with truncation and max_length",
    "prepare_seq2seq_batch": "call the tokenizer for the inputs and once more for the targets",
    "as_target_tokenizer": "call the tokenizer for the inputs and once more for the targets",
    "added_tokens_encoder": "use get_added_vocab()",
    "special_tokens_map_extended": "use added_tokens_decoder, whose values are AddedTokens",
    "all_special_tokens_extended": "use added_tokens_decoder, whose values are AddedTokens",
    "unique_no_split_tokens": "use added_tokens_decoder",
    "sanitize_special_tokens": "use add_special_tokens; a role's token is always in the vocabulary",
    "max_len": "use model_max_length",
    "max_len_single_sentence": "use model_max_length - num_special_tokens_to_add()",
    "max_len_sentences_pair": "use model_max_length - num_special_tokens_to_add(pair=True)",
    "train_new_from_iterator": "open the folder with a fast tokenizer (AutoTokenizer.from_pretrained), which has it",
    "vocab": "use get_vocab()",
    "ids_to_tokens": "use convert_ids_to_tokens",
    "basic_tokenizer": "use tokenize",
    "wordpiece_tokenizer": "use tokenize",
    "init_kwargs": "each argument of the constructor is an attribute of its own name",
    "set_truncation_and_padding": "give truncation and padding in each call",
    "register_for_auto_class": "defining the class registers it",
    "apply_chat_template": "chat templates are for generating models, which dovela does not have",
    "chat_template": "chat templates are for generating models, which dovela does not have",
}


class FormerNames:
    """An AttributeError for such a name says where to turn to (so that `hasattr` is still False)."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            where = f"{type(self).__name__} has no attribute {name!r}"
            message = f"{where}: {ELSEWHERE[name]}" if name in ELSEWHERE else where
            raise AttributeError(message, name=name, obj=self)
