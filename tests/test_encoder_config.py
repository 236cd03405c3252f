import dataclasses

import pytest

from dovela import BertConfig, DistilBertConfig, EncoderConfig
from dovela.encoder_config import ENCODER_REFUSES, ChosenParts, TransformerConfig
from dovela.errors import ConfigError
from dovela.parts import ACTIVATIONS, ATTENTIONS

CLASSES = [DistilBertConfig, BertConfig, EncoderConfig]
WORDS_OF_THE_PARTS = [
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
    "activation",
    "attention",
    "num_key_value_heads",
    "positions",
    "feed_forward",
    "pooler",
    "norm",
    "norm_eps",
    "norm_order",
    "dropout",
    "attention_dropout",
    "attention_output_dropout",
    "initializer_range",
    "pad_token_id",
    "pruned_heads",
    "tie_word_embeddings",
    "attn_implementation",
    "output_attentions",
]


def test_what_is_left_open_starts_as_what_is_fixed():
    words = [field.name for field in dataclasses.fields(ChosenParts) if field.name in vars(ChosenParts)]
    assert len(words) > 10
    for word in words:
        assert getattr(ChosenParts, word) == getattr(TransformerConfig, word)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_encoder_has_the_words_that_the_parts_read(cls):
    config = cls()
    for word in WORDS_OF_THE_PARTS:
        getattr(config, word)


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("name", ENCODER_REFUSES)
def test_an_option_of_elsewhere_is_refused_unless_it_asks_for_nothing(cls, name):
    for value in ENCODER_REFUSES[name]:
        assert cls(**{name: value}) == cls()
        assert cls.from_dict({name: value}).extra == {name: value}
    with pytest.raises(ConfigError, match=f"{cls.__name__}.{name}: 'other' is an option that dovela does not have"):
        cls(**{name: "other"})


@pytest.mark.parametrize("cls", CLASSES)
def test_rules_name_the_fields_as_the_architecture_does(cls):
    words = cls.aliases()
    width, heads = words.get("hidden_size", "hidden_size"), words.get("num_attention_heads", "num_attention_heads")
    with pytest.raises(ConfigError) as caught:
        cls(hidden_size=10, num_attention_heads=3)
    assert str(caught.value) == f"{cls.__name__}: {width} (10) is no multiple of {heads} (3)"


@pytest.mark.parametrize("cls", CLASSES)
def test_a_vocabulary_may_have_no_padding(cls):
    assert cls(pad_token_id=None).pad_token_id is None
    assert cls(pad_token_id=4, vocab_size=5).pad_token_id == 4


def test_all_broken_rules_are_told_together():
    with pytest.raises(ConfigError) as caught:
        EncoderConfig(
            hidden_size=10, num_attention_heads=3, pad_token_id=9, vocab_size=9, pruned_heads={-1: [0], 0: [3]}
        )
    assert len(caught.value.problems) == 4


def test_registered_parts_can_be_named_once_they_are_registered():
    class Mine: ...

    for field, registry in (("activation", ACTIVATIONS), ("attention", ATTENTIONS)):
        with pytest.raises(ConfigError, match=f"EncoderConfig.{field}: 'mine' is not a registered"):
            EncoderConfig(**{field: "mine"})
        registry.register("mine", Mine)
        assert getattr(EncoderConfig(**{field: "mine"}), field) == "mine"
