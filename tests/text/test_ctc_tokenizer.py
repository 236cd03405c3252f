"""Texts to labels for CTC: characters, delimiters, vocabularies in files, several languages."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from dovela.auto import AutoTokenizer
from dovela.errors import CheckpointError, InputError
from dovela.models.wav2vec2.tokenizer import Wav2Vec2CTCTokenizer
from dovela.text.special_tokens import AddedToken

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", *"|ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
VOCAB = {token: index for index, token in enumerate(TOKENS)}
SMALL = {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4}
LANGUAGES = {
    "eng": SMALL | {"A": 5, "B": 6, "NG": 7},
    "ron": SMALL | {"A": 5, "Ă": 6, "Î": 7, "Ș": 8},
}


@pytest.fixture
def tokenizer():
    return Wav2Vec2CTCTokenizer(VOCAB)


def ids(text):
    return [VOCAB["|" if char == " " else char] for char in text]


# Encoding.


def test_a_token_is_a_character(tokenizer):
    assert tokenizer.tokenize("HELLO YOU") == list("HELLO|YOU")
    batch = tokenizer("HELLO YOU")
    assert batch.data == {"input_ids": ids("HELLO YOU"), "attention_mask": [1] * 9}
    assert tokenizer(["HI", "YOU  TWO"])["input_ids"] == [ids("HI"), ids("YOU  TWO")]
    assert tokenizer.encode("HI") == ids("HI")
    assert tokenizer("")["input_ids"] == []


def test_everything_a_tokenizer_can_do(tokenizer):
    padded = tokenizer(["HI", "YOU TWO"], padding=True, return_tensors="np")
    assert padded["input_ids"].tolist() == [[*ids("HI"), 0, 0, 0, 0, 0], ids("YOU TWO")]
    assert padded["attention_mask"].sum() == 9
    assert tokenizer("HELLO", truncation=True, max_length=3)["input_ids"] == ids("HEL")
    assert tokenizer.pad([{"input_ids": [5, 6]}, {"input_ids": [7]}])["input_ids"] == [[5, 6], [7, 0]]
    assert tokenizer.convert_tokens_to_ids(["H", "h", "|"]) == [11, 3, 4]
    assert tokenizer.convert_ids_to_tokens([11, 4]) == ["H", "|"]
    assert len(tokenizer) == tokenizer.vocab_size == 32
    assert tokenizer.get_vocab() == VOCAB
    assert (tokenizer.unk_token_id, tokenizer.pad_token_id, tokenizer.bos_token, tokenizer.eos_token_id) == (
        3, 0, "<s>", 2,
    )  # fmt: skip
    assert (tokenizer.word_delimiter_token, tokenizer.word_delimiter_token_id) == ("|", 4)
    assert tokenizer.num_special_tokens_to_add() == 0
    assert not tokenizer.is_fast
    assert tokenizer.add_tokens(["!", "E"]) == 1
    assert tokenizer("E!E")["input_ids"] == [5, 32, 5]


def test_offsets_and_words(tokenizer):
    row = tokenizer("HI  YOU'D", return_offsets_mapping=True)
    assert row["offset_mapping"] == [(i, i + 1) for i in range(9)]
    assert row.word_ids() == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    row = tokenizer("A <unk> B", return_offsets_mapping=True)  # what has several characters takes the spaces along
    assert row["input_ids"] == [VOCAB["A"], 3, VOCAB["B"]]
    assert row["offset_mapping"] == [(0, 1), (1, 8), (8, 9)]


def test_a_character_that_is_two_in_upper_case():
    row = Wav2Vec2CTCTokenizer(VOCAB, do_lower_case=True)("aß b", return_offsets_mapping=True)
    assert row.tokens() == ["A", "S", "S", "|", "B"]
    assert row["offset_mapping"] == [(0, 1), (1, 2), (1, 2), (2, 3), (3, 4)]


def test_a_text_given_as_words_is_the_words_with_spaces_between(tokenizer):
    row = tokenizer(["HI", "YOU", "TWO"], is_split_into_words=True, return_offsets_mapping=True)
    assert row["input_ids"] == tokenizer("HI YOU TWO")["input_ids"]
    assert row.word_ids() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert row["offset_mapping"][:6] == [(0, 1), (1, 2), (0, 0), (0, 1), (1, 2), (2, 3)]
    assert tokenizer(["HI"], is_split_into_words=True)["input_ids"] == ids("HI")


def test_long_entries_of_the_vocabulary_are_tokens():
    tokenizer = Wav2Vec2CTCTokenizer(SMALL | {"N": 5, "G": 6, "NG": 7, "SH": 8})
    assert tokenizer.tokenize("NGNG SHN") == ["NG", "NG", "SH", "N"]
    assert tokenizer.get_added_vocab().keys() == {"<pad>", "<s>", "</s>", "<unk>", "NG", "SH"}
    assert tokenizer.all_special_tokens == ["<s>", "</s>", "<unk>", "<pad>"]
    assert tokenizer.decode([7, 7, 5, 4, 8], skip_special_tokens=True) == "NGN SH"


def test_long_entries_and_added_tokens_are_found_in_any_case_where_texts_are_put_in_upper_case():
    tokenizer = Wav2Vec2CTCTokenizer(SMALL | {"N": 5, "G": 6, "NG": 7, "S": 8}, do_lower_case=True)
    tokenizer.add_tokens(["Hey"])
    row = tokenizer("ßng  ngNG <unk>heyn", return_offsets_mapping=True)
    assert row.tokens() == ["S", "S", "NG", "NG", "NG", "<unk>", "Hey", "N"]
    assert row["offset_mapping"] == [(0, 1), (0, 1), (1, 5), (5, 7), (7, 9), (9, 15), (15, 18), (18, 19)]
    assert tokenizer.decode([7, 5, 0, 8]) == "ngns"


def test_what_a_tokenizer_was_made_with_is_not_assigned(tokenizer):
    with pytest.raises(InputError, match="do_lower_case: is fixed when a tokenizer is made"):
        tokenizer.do_lower_case = True
    with pytest.raises(InputError, match="target_lang: is fixed when a tokenizer is made"):
        tokenizer.target_lang = "eng"
    with pytest.raises(InputError, match="expected a string or an AddedToken, got int 5"):
        tokenizer.word_delimiter_token = 5
    with pytest.raises(InputError, match="replace_word_delimiter_char: expected a string, got 5"):
        tokenizer.replace_word_delimiter_char = 5
    tokenizer.word_delimiter_token = AddedToken("E")
    assert tokenizer("A A")["input_ids"] == [7, 5, 7]
    assert tokenizer.decode([7, 5, 7]) == "A A"
    tokenizer.word_delimiter_token = None
    assert tokenizer.word_delimiter_token_id is None
    assert tokenizer("A A")["input_ids"] == [7, 3, 7]


def test_a_vocabulary_without_the_special_tokens_gets_them():
    tokenizer = Wav2Vec2CTCTokenizer({"[UNK]": 0, "[PAD]": 1, "A": 2, "|": 3}, unk_token="[UNK]", pad_token="[PAD]")
    assert (tokenizer.vocab_size, len(tokenizer)) == (4, 6)
    assert tokenizer.get_added_vocab() == {"[UNK]": 0, "[PAD]": 1, "<s>": 4, "</s>": 5}
    bare = Wav2Vec2CTCTokenizer({"A": 0, "|": 1}, bos_token=None, eos_token=None, unk_token=None, pad_token=None)
    assert len(bare) == 2
    assert bare.pad_token_id is None


# Characters outside the vocabulary.


def test_characters_outside_the_vocabulary_are_told_once(tokenizer, told):
    assert tokenizer("É 5 É")["input_ids"] == [3, 4, 3, 4, 3]
    assert told() == ["Wav2Vec2CTCTokenizer: '5', 'É', which the vocabulary does not have, became <unk>."]
    assert tokenizer(["É", "HI 5"])["input_ids"] == [[3], [*ids("HI "), 3]]
    assert len(told()) == 1
    tokenizer("6\n")
    assert told()[1].startswith("Wav2Vec2CTCTokenizer: '\\n', '6', which")


def test_a_notice_says_what_to_do_where_that_is_plain(tokenizer, told):
    tokenizer("hello 1")
    assert told()[-1].endswith("The vocabulary is in upper case: make the tokenizer with do_lower_case=True.")
    lower = Wav2Vec2CTCTokenizer({"<pad>": 0, "<unk>": 1, "a": 2, "b": 3}, bos_token=None, eos_token=None)
    lower("AB")
    assert told()[-1].endswith("The vocabulary is in lower case: so must the text be.")
    lower("a b")
    assert "'|', which the vocabulary does not have" in told()[-1]
    assert "Spaces are word_delimiter_token: set it to what stands between words" in told()[-1]


def test_without_an_unknown_token_they_are_an_error():
    tokenizer = Wav2Vec2CTCTokenizer({"A": 0, "|": 1}, unk_token=None, bos_token=None, eos_token=None, pad_token=None)
    assert tokenizer("A A")["input_ids"] == [0, 1, 0]
    with pytest.raises(InputError, match="'B', 'C', which the vocabulary does not have, and there is no unk_token"):
        tokenizer("ABC")
    with pytest.raises(InputError, match=r"for them\. The vocabulary is in upper case"):
        tokenizer("a")


# Vocabularies.


def test_a_vocabulary_in_a_file(tmp_path, tokenizer):
    files = {
        "vocab.json": json.dumps(VOCAB),
        "my_vocab_file.txt": json.dumps(VOCAB, indent=2),
        "lines.txt": "\n".join(TOKENS),
        "lines_ended.txt": "\r\n".join(TOKENS) + "\r\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, newline="")
        made = Wav2Vec2CTCTokenizer(vocab_file=str(tmp_path / name))
        assert made.get_vocab() == VOCAB
        assert made("HI YOU").data == tokenizer("HI YOU").data


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.json", '{"A": 0,\n "B" 1}', "line 2 is not JSON"),
        ("vocab.txt", '{"A": 0,\n\n "B": }', "line 3 is not JSON"),
        ("vocab.json", '["A", "B"]', "expected a JSON object, got list"),
        ("vocab.txt", '["A","B"]', "expected a JSON object, got list"),
        ("vocab.json", "A\nB\n", "line 1 is not JSON"),
        ("vocab.txt", "A\nB\nA\n", "line 3 repeats 'A' of line 1"),
        ("vocab.txt", "A\n\nB\n", "line 2 is empty"),
        ("dict.txt", "| 94802\nE 51860\n", r"line 1, '\| 94802', is neither JSON nor one token"),
        ("dict.txt", "A\nB\t2\n", r"line 2, 'B\\t2', is neither JSON nor one token. A vocabulary is a JSON object"),
        ("vocab.txt", "", "is empty"),
        ("vocab.json", "{}", "is empty"),
        ("vocab.json", '{"A": 0, "B": 0}', "'B' and 'A' have the same id 0"),
        ("vocab.json", '{"A": "0"}', "expected ids by token, got 'A': '0'"),
        ("vocab.json", '{"A": 0, "eng": {"A": 0}}', "mixes ids and vocabularies"),
    ],
)
def test_a_file_that_is_no_vocabulary_is_named_with_its_line(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(CheckpointError, match=message) as raised:
        Wav2Vec2CTCTokenizer(tmp_path / name)
    assert name in str(raised.value)


def test_no_file_at_all(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        Wav2Vec2CTCTokenizer(tmp_path / "none.json")
    with pytest.raises(InputError, match="vocab_file: expected the path of a vocabulary file or a mapping"):
        Wav2Vec2CTCTokenizer()
    (tmp_path / "latin.txt").write_bytes(b"A\n\xc9\n")
    with pytest.raises(CheckpointError, match="line 2 is not UTF-8"):
        Wav2Vec2CTCTokenizer(tmp_path / "latin.txt")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"do_lowercase": True}, "unknown argument 'do_lowercase'; did you mean 'do_lower_case'"),
        ({"do_lower_case": 1}, "do_lower_case must be True or False, got 1"),
        ({"replace_word_delimiter_char": None}, "replace_word_delimiter_char: expected a string, got None"),
        ({"word_delimiter_token": 4}, "expected a string or an AddedToken, got int"),
        ({"target_lang": "eng"}, "target_lang: got 'eng', but the vocabulary is not one of several languages"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(InputError, match=message):
        Wav2Vec2CTCTokenizer(VOCAB, **options)


# Several languages.


def test_one_of_several_languages(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps(LANGUAGES, ensure_ascii=False))
    for source in (LANGUAGES, tmp_path / "vocab.json"):
        tokenizer = Wav2Vec2CTCTokenizer(source, target_lang="eng")
        assert tokenizer.get_vocab() == LANGUAGES["eng"]
        assert tokenizer.tokenize("A BNG") == ["A", "|", "B", "NG"]
        tokenizer.set_target_lang("ron")
        assert tokenizer.target_lang == "ron"
        assert tokenizer.get_vocab() == LANGUAGES["ron"]
        assert tokenizer("AĂ Î")["input_ids"] == [5, 6, 4, 7]
        assert tokenizer.decode([8, 8, 0, 6]) == "ȘĂ"


def test_added_tokens_go_along_to_another_language():
    tokenizer = Wav2Vec2CTCTokenizer(LANGUAGES, target_lang="eng")
    tokenizer.add_tokens(["!"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<noise>"]})
    tokenizer.set_target_lang("ron")
    assert tokenizer.get_vocab() == LANGUAGES["ron"] | {"!": 9, "<noise>": 10}
    assert tokenizer("A!<noise>")["input_ids"] == [5, 9, 10]
    assert tokenizer.decode([5, 9, 10], skip_special_tokens=True) == "A!"
    assert tokenizer.all_special_tokens == ["<s>", "</s>", "<unk>", "<pad>", "<noise>"]


def test_a_saved_tokenizer_may_be_opened_for_another_language(tmp_path):
    languages = {"eng": {"A": 0, "|": 1, "ng": 2, "B": 3}, "ron": {"A": 0, "|": 1, "Ă": 3, "C": 4}}
    tokenizer = Wav2Vec2CTCTokenizer(languages, target_lang="eng")
    tokenizer.add_tokens(["!"])
    assert tokenizer.convert_tokens_to_ids(["<s>", "</s>", "<unk>", "<pad>", "!"]) == [4, 5, 6, 7, 8]
    tokenizer.save_pretrained(tmp_path)
    again = Wav2Vec2CTCTokenizer.from_pretrained(tmp_path, target_lang="ron")
    assert again.target_lang == "ron"
    assert set(again.get_vocab()) == {*languages["ron"], "<s>", "</s>", "<unk>", "<pad>", "!"}
    assert again.get_vocab().items() >= languages["ron"].items()
    assert again.decode(again("AC Ă!").input_ids) == "AC Ă!"
    assert again.all_special_tokens == tokenizer.all_special_tokens
    again.set_target_lang("eng")
    assert set(again.get_vocab()) == set(tokenizer.get_vocab())


def test_the_delimiter_by_its_id():
    tokenizer = Wav2Vec2CTCTokenizer(VOCAB)
    tokenizer.word_delimiter_token_id = VOCAB["X"]
    assert tokenizer.word_delimiter_token == "X"
    assert tokenizer("H I").input_ids == [VOCAB["H"], VOCAB["X"], VOCAB["I"]]
    for wrong in (99, "X", True, None):
        with pytest.raises(InputError, match=f"word_delimiter_token_id: {wrong!r} is no id of the vocabulary"):
            tokenizer.word_delimiter_token_id = wrong


def test_languages_whose_vocabularies_have_gaps_and_no_special_tokens(tmp_path):
    languages = {"eng": {"a": 7, "b": 23}, "spa": {"a": 23, "c": 88}, "ita": {"a": 6, "d": 9}}
    frames = {"eng": ([7, 23, 7], "aba"), "spa": ([23, 88, 23], "aca"), "ita": ([6, 9, 9], "ad")}
    tokenizer = Wav2Vec2CTCTokenizer(languages, target_lang="eng")
    for _ in range(2):
        for name in ("eng", "spa", "eng", "ita"):
            tokenizer.set_target_lang(name)
            assert tokenizer.decode(frames[name][0]) == frames[name][1]
            assert tokenizer.vocab_size == 2
            assert len(tokenizer) == 6
        tokenizer.save_pretrained(tmp_path)
        tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(tmp_path)
        assert tokenizer.target_lang == "ita"
        assert tokenizer.decode([6, 9, 9]) == "ad"


def test_sounds_of_several_characters(tmp_path):
    text = "ʈʰ æ æ̃ ˧ kʰ"
    tokenizer = Wav2Vec2CTCTokenizer({sound: index for index, sound in enumerate(text.split())})
    for _ in range(2):
        assert tokenizer.decode(tokenizer(text)["input_ids"], spaces_between_special_tokens=True) == text
        tokenizer.save_pretrained(tmp_path)
        tokenizer = Wav2Vec2CTCTokenizer.from_pretrained(tmp_path)


def test_a_language_must_be_there():
    with pytest.raises(InputError, match=r"of 2 languages, and target_lang does not say which\. It has eng, ron"):
        Wav2Vec2CTCTokenizer(LANGUAGES)
    with pytest.raises(InputError, match="target_lang='enk' is not a language of this vocabulary; did you mean 'eng'"):
        Wav2Vec2CTCTokenizer(LANGUAGES, target_lang="enk")
    tokenizer = Wav2Vec2CTCTokenizer(LANGUAGES, target_lang="eng")
    with pytest.raises(InputError, match="set_target_lang: target_lang='deu' is not a language"):
        tokenizer.set_target_lang("deu")
    assert tokenizer.get_vocab() == LANGUAGES["eng"]
    with pytest.raises(InputError, match="set_target_lang: the vocabulary is not one of several languages"):
        Wav2Vec2CTCTokenizer(VOCAB).set_target_lang("eng")


# Saved and opened.

TEXTS = ["HI YOU", "A <unk> B!", "hi <x> ß"]


def alike(one, other):
    assert one.get_vocab() == other.get_vocab()
    assert one.added_tokens_decoder == other.added_tokens_decoder
    assert one.special_tokens_map == other.special_tokens_map
    assert one(TEXTS, return_offsets_mapping=True).data == other(TEXTS, return_offsets_mapping=True).data
    frames = [[5, 5, 0, 5, 4, 32, 33, 33, 98, 1], [4, 6]]
    assert one.batch_decode(frames, output_word_offsets=True).text == other.batch_decode(frames)
    names = ("do_lower_case", "word_delimiter_token", "replace_word_delimiter_char", "target_lang", "padding_side")
    assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]


@pytest.mark.parametrize(
    "options",
    [{}, {"do_lower_case": True, "padding_side": "left", "replace_word_delimiter_char": "_", "bos_token": "A"}],
    ids=["default", "options"],
)
def test_a_saved_tokenizer_reopens_the_same(tmp_path, options):
    tokenizer = Wav2Vec2CTCTokenizer(VOCAB, **options)
    tokenizer.add_tokens(["!", AddedToken("<x>", lstrip=True)])
    tokenizer.add_special_tokens({"cls_token": "$$$"})
    paths = tokenizer.save_pretrained(tmp_path)
    names = {"vocab.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert len(paths) == 4
    assert json.loads((tmp_path / "vocab.json").read_text()) == VOCAB
    alike(Wav2Vec2CTCTokenizer.from_pretrained(tmp_path), tokenizer)
    opened = AutoTokenizer.from_pretrained(tmp_path)
    assert type(opened) is Wav2Vec2CTCTokenizer
    alike(opened, tokenizer)
    alike(pickle.loads(pickle.dumps(tokenizer)), tokenizer)
    alike(copy.deepcopy(tokenizer), tokenizer)


def test_a_saved_tokenizer_of_several_languages_keeps_them_all(tmp_path):
    tokenizer = Wav2Vec2CTCTokenizer(LANGUAGES, target_lang="eng")
    tokenizer.set_target_lang("ron")
    tokenizer.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "vocab.json").read_text("utf-8")) == LANGUAGES
    again = Wav2Vec2CTCTokenizer.from_pretrained(tmp_path)
    assert again.target_lang == "ron"
    assert again.get_vocab() == LANGUAGES["ron"]
    assert Wav2Vec2CTCTokenizer.from_pretrained(tmp_path, target_lang="eng").tokenize("ANG") == ["A", "NG"]


def test_a_checkpoint_says_by_its_model_type_which_tokenizer_it_has(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps(VOCAB))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2"}))
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is Wav2Vec2CTCTokenizer
    (tmp_path / "config.json").unlink()
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "Wav2Vec2Tokenizer"}))
    assert type(AutoTokenizer.from_pretrained(tmp_path, do_lower_case=True)) is Wav2Vec2CTCTokenizer


def test_the_delimiter_in_a_file_is_not_special_either(tmp_path):
    tokenizer = Wav2Vec2CTCTokenizer(VOCAB)
    tokenizer.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    settings["added_tokens_decoder"]["4"] = AddedToken("|", special=True).to_dict()  # as transformers 5 writes it
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    again = Wav2Vec2CTCTokenizer.from_pretrained(tmp_path)
    assert again.decode([5, 4, 5], skip_special_tokens=True) == "E E"
    assert "|" not in again.all_special_tokens
    assert again("E E")["input_ids"] == again("E|E")["input_ids"] == [5, 4, 5]


class Vowels(Wav2Vec2CTCTokenizer, model_type="vowels"):
    """A tokenizer of one's own that cuts otherwise."""

    def _tokenize(self, text):
        return [char for char in super()._tokenize(text) if char in "AEIOU|"]


def test_ones_own_way_to_cut(tmp_path):
    tokenizer = Vowels(VOCAB)
    row = tokenizer("HELLO YOU", return_offsets_mapping=True)
    assert row.tokens() == ["E", "O", "|", "O", "U"]
    tokenizer.save_pretrained(tmp_path)
    assert type(AutoTokenizer.from_pretrained(tmp_path)) is Vowels
