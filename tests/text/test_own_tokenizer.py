"""A tokenizer of one's own: a vocabulary and `_tokenize`, and the whole contract works."""

from __future__ import annotations

import itertools
import json
import pickle

import pytest

from dovela.auto import AutoTokenizer
from dovela.errors import InputError, RegistryError
from dovela.text.base import TOKENIZERS
from dovela.text.special_tokens import AddedToken
from dovela.text.surface import find_surface, words_of
from dovela.text.tokenizer import PreTrainedTokenizer


class LetterTokenizer(PreTrainedTokenizer, model_type="letters"):
    """Every letter is a token."""

    def __init__(self, vocab_file=None, *, upper: bool = False, **options):
        self.upper = upper
        super().__init__(vocab_file, **{"unk_token": "?", "pad_token": "_"} | options)

    def _tokenize(self, text):
        return [c.upper() if self.upper else c for c in text if not c.isspace()]


class FramedTokenizer(LetterTokenizer):
    """With special tokens of its own."""

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        return [
            self.bos_token_id,
            *token_ids_0,
            *([self.bos_token_id, *token_ids_1] if token_ids_1 is not None else []),
        ]

    def _find(self, token, text, start):
        at = text.lower().find(token.lower(), start)
        return at, at + 1


@pytest.fixture
def vocab(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("_\n?\na\nb\nc\n")
    return path


def test_it_works_at_once_with_everything(vocab):
    tokenizer = LetterTokenizer(vocab)
    batch = tokenizer(["ab c", "z"], padding=True, return_offsets_mapping=False)
    assert batch["input_ids"] == [[2, 3, 4], [1, 0, 0]]
    assert batch.word_ids(0) == [0, 0, 1]
    assert batch.token_to_chars(0, 2) == (3, 4)
    assert tokenizer.decode([2, 3]) == "a b"
    assert tokenizer(["abc"], truncation=True, max_length=2, return_overflowing_tokens=True)["input_ids"] == [
        [2, 3],
        [4],
    ]
    tokenizer.add_tokens(["ab"])
    assert tokenizer("cab", return_offsets_mapping=True)["offset_mapping"] == [(0, 1), (1, 3)]
    assert tokenizer.num_special_tokens_to_add(pair=True) == 0


def test_special_tokens_of_its_own(vocab):
    tokenizer = FramedTokenizer(vocab, bos_token="<s>", upper=False)
    pair = tokenizer("ab", "c", return_special_tokens_mask=True)
    assert pair["input_ids"] == [5, 2, 3, 5, 4]
    assert pair["token_type_ids"] == [0, 0, 0, 1, 1]
    assert pair["special_tokens_mask"] == [1, 0, 0, 1, 0]
    assert tokenizer.get_special_tokens_mask([9], [9]) == [1, 0, 1, 0]


def test_it_saves_and_reopens_by_its_name_or_its_model_type(vocab, tmp_path):
    tokenizer = FramedTokenizer(vocab, bos_token="<s>", upper=True, model_max_length=9)
    tokenizer.save_pretrained(tmp_path / "a")
    again = AutoTokenizer.from_pretrained(tmp_path / "a")
    assert type(again) is FramedTokenizer
    assert (again.upper, again.bos_token, again.model_max_length) == (True, "<s>", 9)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/vocab.txt").write_bytes(vocab.read_bytes())
    (tmp_path / "b/config.json").write_text(json.dumps({"model_type": "letters"}))
    assert type(AutoTokenizer.from_pretrained(tmp_path / "b", use_fast=False)) is LetterTokenizer


def test_a_token_that_is_not_in_the_text_has_no_offset(vocab):
    class Vowels(LetterTokenizer, register=False):
        def _tokenize(self, text):
            return ["a" for _ in text]

    tokenizer = Vowels(vocab)
    assert tokenizer("ab")["input_ids"] == [2, 2]
    with pytest.raises(InputError, match=r"token 'a' is not in 'b', so its offset is not known\. Override _find"):
        tokenizer("ab", return_offsets_mapping=True)


@pytest.mark.parametrize(
    ("token", "text", "start", "found"),
    [
        ("fox", "the fox", 0, (4, 7)),
        ("the", "The the", 0, (0, 3)),
        ("The", "the The", 0, (0, 3)),
        ("##x", "fox x", 2, (2, 3)),
        ("▁fox", "the fox", 3, (4, 7)),
        ("low</w>", "a low", 1, (2, 5)),
        ("▁", "a b", 1, (1, 2)),
        (" ", "a b", 1, (1, 2)),
        ("i", "İx I", 0, (3, 4)),
        ("▁", "ab", 1, None),
        ("##", "a ## b", 0, (2, 4)),
        ("q", "abc", 0, None),
        ("a", "abc", 1, None),
    ],
)
def test_where_a_token_lies(token, text, start, found):
    assert find_surface(token, text, start) == found


class JsonLetters(LetterTokenizer):
    vocab_files_names = {"vocab_file": "vocab.json"}


def test_a_vocabulary_in_json(vocab, tmp_path):
    vocabulary = {"_": 0, "?": 1, "a": 7}
    JsonLetters(vocabulary).save_pretrained(tmp_path / "a")
    again = AutoTokenizer.from_pretrained(tmp_path / "a")
    assert type(again) is JsonLetters
    assert again.vocab == json.loads((tmp_path / "a/vocab.json").read_text()) == vocabulary
    assert again.add_tokens("b") == 1
    assert again("ab")["input_ids"] == [7, 8]


def test_a_misspelt_argument_is_refused_with_the_names_of_all_levels(vocab):
    with pytest.raises(InputError, match=r"unknown argument 'uper'; did you mean 'upper'.*padding_side"):
        LetterTokenizer(vocab, uper=True)


def test_two_classes_of_one_name_are_an_error():
    def define():
        class LetterTokenizer(PreTrainedTokenizer):
            pass

    with pytest.raises(RegistryError, match=r"tokenizer 'LetterTokenizer'.*cannot take the name"):
        define()
    assert TOKENIZERS.get("LetterTokenizer") is LetterTokenizer


def test_without_tokenize_it_says_what_to_write(vocab):
    class Empty(PreTrainedTokenizer, register=False):
        pass

    with pytest.raises(NotImplementedError, match="Empty must define _tokenize"):
        Empty(vocab)("a")


def test_registering_a_class_that_is_not_ones_own():
    AutoTokenizer.register("letters-2", LetterTokenizer)
    with pytest.raises(RegistryError, match=r"'letters-2'.*is already"):
        AutoTokenizer.register("letters-2", FramedTokenizer)
    with pytest.raises(RegistryError, match="expected a model type or a config class, got 3"):
        AutoTokenizer.register(3, LetterTokenizer)
    with pytest.raises(RegistryError, match=r"has no instances\. Use AutoTokenizer\.from_pretrained"):
        AutoTokenizer()


@pytest.mark.parametrize(
    ("text", "offsets", "words"),
    [
        ("ab c", [(0, 1), (1, 2), (3, 4)], [0, 0, 1]),
        ("ab c", [(0, 2), (2, 3), (3, 4)], [0, 0, 1]),
        ("ab c", [(0, 2), (2, 4)], [0, 1]),
        (" ab c ", [(0, 1), (1, 4), (4, 5), (5, 6)], [0, 0, 1, 1]),
        ("", [], []),
    ],
)
def test_which_word_a_token_is_of(text, offsets, words):
    assert words_of(text, offsets) == words


# Three kinds of tokenizer, each with what differs and no more, and the whole contract on all of them.


class Words(PreTrainedTokenizer, model_type="own-words"):
    """Lower-case words between whitespace, in a row that ends."""

    def _tokenize(self, text):
        return text.lower().split()

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        end = [self.eos_token_id]
        return token_ids_0 + end + (token_ids_1 + end if token_ids_1 is not None else [])


class Characters(PreTrainedTokenizer, model_type="own-characters"):
    """Every character, spaces too."""

    def _tokenize(self, text):
        return list(text)

    def convert_tokens_to_string(self, tokens):
        return "".join(tokens)


class Bytes(PreTrainedTokenizer, model_type="own-bytes"):
    """The bytes of UTF-8, whose names are not in the text: it says by itself where they lie."""

    vocab_files_names = {}

    def __init__(self, *, shift: int = 3, **options):
        self.shift = shift
        names = [f"<{n}>" for n in range(shift)] + [f"{byte:02x}" for byte in range(256)]
        super().__init__(
            dict(zip(names, range(len(names)), strict=True)), **{"pad_token": "<0>", "eos_token": "<1>"} | options
        )

    def _vocabulary_files(self):
        return {}

    def _tokenize(self, text):
        return [f"{byte:02x}" for byte in text.encode()]

    def _located(self, text, tokens):
        offsets = [(i, i + 1) for i, c in enumerate(text) for _ in c.encode()]
        words = [text[:i].count(" ") for i, _ in offsets]
        return offsets, words

    def convert_tokens_to_string(self, tokens):
        return bytes(int(token, 16) for token in tokens if token[0] != "<").decode(errors="replace")


TEXT = "Héllo big wörld"


@pytest.fixture(params=["words", "characters", "bytes"])
def own(request):
    if request.param == "bytes":
        return Bytes()
    special = {"pad_token": "<pad>", "eos_token": "<end>", "unk_token": "<unk>"}
    tokens = TEXT.lower().split() if request.param == "words" else dict.fromkeys(TEXT)
    vocab = [*special.values(), *tokens]
    cls = Words if request.param == "words" else Characters
    return cls(dict(zip(vocab, range(len(vocab)), strict=True)), **special)


def test_each_has_offsets_words_and_characters(own):
    batch = own([TEXT], return_offsets_mapping=True, return_special_tokens_mask=True)
    own_places = [i for i, s in enumerate(batch.sequence_ids(0)) if s is not None]
    words = TEXT.split()
    for index in own_places:
        start, stop = batch["offset_mapping"][0][index]
        word = batch.word_ids(0)[index]
        assert batch.token_to_chars(0, index) == (start, stop)
        if not TEXT[start:stop].isspace():
            assert TEXT[start:stop] in words[word]
            assert own.decode([batch["input_ids"][0][index]]) in (TEXT[start:stop].lower(), TEXT[start:stop], "\ufffd")
    assert {batch.word_ids(0)[i] for i in own_places} == {0, 1, 2}
    assert batch.token_to_word(0, batch.char_to_token(0, TEXT.index("w"))) == 2
    assert batch["special_tokens_mask"][0] == [int(i not in own_places) for i in range(len(batch["input_ids"][0]))]


def test_each_has_pairs_padding_and_cuts(own):
    pair = own([TEXT, "big"], ["big", TEXT], padding=True, return_tensors="np")
    assert pair["input_ids"].shape == pair["attention_mask"].shape == pair["token_type_ids"].shape
    assert pair["attention_mask"].sum() == sum(map(len, own([TEXT, "big"], ["big", TEXT])["input_ids"]))
    assert pair.sequence_ids(0).count(1) == len(own.tokenize("big"))
    whole = own.encode(TEXT, add_special_tokens=False)
    special = own.num_special_tokens_to_add()
    windows = own(TEXT, truncation=True, max_length=2 + special, stride=1, return_overflowing_tokens=True)
    starts = [row[: len(row) - special or None] for row in windows["input_ids"]]
    assert [row[0] for row in starts] + starts[-1][1:] == whole
    assert set(windows["overflow_to_sample_mapping"]) == {0}
    left = own(TEXT, padding="max_length", max_length=len(whole) + special + 2, padding_side="left")
    assert left["input_ids"][:2] == [own.pad_token_id] * 2


def test_each_takes_words_and_added_tokens(own):
    split = own(TEXT.split(), is_split_into_words=True, add_special_tokens=False)
    assert [w for w, _ in itertools.groupby(split.word_ids())] == [0, 1, 2]
    assert own.add_tokens(["<new>", AddedToken("big", single_word=True)]) == 2 - (
        "big" in own.get_vocab() and len(own.vocab) < 7
    )
    row = own("Héllo<new> bigger big", return_offsets_mapping=True)
    new = row["input_ids"].index(own.convert_tokens_to_ids("<new>"))
    assert row["offset_mapping"][new] == (5, 10)
    big = row["input_ids"].index(own.convert_tokens_to_ids("big"))
    assert row["offset_mapping"][big] == (18, 21)


def test_each_comes_back_from_its_folder(own, tmp_path):
    own.add_special_tokens({"additional_special_tokens": ["<new>"]})
    own.model_max_length = 77
    own.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert type(again) is type(own)
    assert again.get_vocab() == own.get_vocab()
    assert again(f"{TEXT}<new>").data == own(f"{TEXT}<new>").data
    assert again.model_max_length == 77
    assert again.decode(again(TEXT)["input_ids"], skip_special_tokens=True) == (
        TEXT.lower() if type(own) is Words else TEXT
    )
    config, settings = tmp_path / "config.json", tmp_path / "tokenizer_config.json"
    said = json.loads(settings.read_text())
    settings.write_text(json.dumps({name: value for name, value in said.items() if name != "tokenizer_class"}))
    config.write_text(json.dumps({"model_type": f"own-{type(own).__name__.lower()}"}))
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is type(own)


def test_each_survives_pickle(own):
    again = pickle.loads(pickle.dumps(own))
    assert again([TEXT, "x"], return_offsets_mapping=True).data == own([TEXT, "x"], return_offsets_mapping=True).data
