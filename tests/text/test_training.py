"""Vocabularies learnt from texts: the same as the library's and the peer's, the same every time."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from data import data_path
from dovela.errors import InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.models.distilbert.tokenizer import DistilBertTokenizer, DistilBertTokenizerFast
from dovela.text.fast import PreTrainedTokenizerFast
from dovela.text.normalize import BertNormalizer
from dovela.text.special_tokens import AddedToken
from dovela.text.training import PREFIX, count_words, learn_pieces
from peers import peer4, peer5
from tokenizer_jsons import CORPUS, about, peer_trained, written

CLASSES = (BertTokenizer, BertTokenizerFast, DistilBertTokenizer, DistilBertTokenizerFast)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ODD = ["é É e\u0301", "a\tb\u00a0c\u2003d", "中文 and\u200b hid\x07den", "x" * 200, "x\x1cy", "İstanbul ﬁne ß ẞ"]


def librarys(texts: list[str], first: list[str], size: int, least: int, **options: bool) -> dict[str, int]:
    """The Rust library by itself; `first` are the tokens whose ids it would draw by lot."""
    tokenizer = Tokenizer(models.WordPiece({}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(**options)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=size, min_frequency=least, special_tokens=first, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer=trainer)
    return tokenizer.get_vocab(with_added_tokens=False)


def alphabet(vocab: dict[str, int], special: list[str]) -> list[str]:
    """The tokens that stand before the first merge."""
    tokens = list(vocab)
    single = [t for t in tokens if t not in special and len(t) == 1]
    return tokens[: len(special) + len(single) + sum(len(t) == 3 and t[:2] == PREFIX for t in tokens)]


@pytest.mark.parametrize(
    "options",
    [{}, {"do_lower_case": False}, {"strip_accents": False}, {"tokenize_chinese_chars": False}, {"clean_text": False}],
    ids=lambda options: "-".join(options) or "default",
)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_it_learns_what_the_library_learns(cls, options):
    texts = [*CORPUS, *(text for text in ODD if len(text) < 200)] * 2
    tokenizer = cls.train(iter(texts), 160, **options)
    vocab = tokenizer.get_vocab()
    vocab = dict(sorted(vocab.items(), key=lambda item: item[1]))
    assert type(tokenizer) is cls
    assert list(vocab)[:5] == SPECIAL
    assert list(vocab.values()) == list(range(len(vocab)))
    names = {"do_lower_case": "lowercase", "tokenize_chinese_chars": "handle_chinese_chars"}
    theirs = {names.get(name, name): value for name, value in options.items()}
    assert vocab == librarys(texts, alphabet(vocab, SPECIAL), 160, 2, **theirs)
    assert all(getattr(tokenizer, name) == value for name, value in options.items())
    assert tokenizer.unk_token_id not in tokenizer(CORPUS)["input_ids"][0]


def test_real_text_gives_what_the_library_gives():
    path = data_path("text/ewt_en/dev.txt")
    tokenizer = BertTokenizerFast.train(path, 3000, min_frequency=1)
    vocab = dict(sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]))
    assert len(vocab) == 3000
    lines = path.read_text("utf-8").split("\n")
    assert vocab == librarys(lines, alphabet(vocab, SPECIAL), 3000, 1)


def test_the_same_text_gives_the_same_vocabulary_in_every_process(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(CORPUS), "utf-8")
    code = (
        "from dovela import BertTokenizer; import json;"
        f"print(json.dumps(BertTokenizer.train({str(tmp_path / 'a.txt')!r}, 150).vocab))"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    assert json.loads(runs[0]) == BertTokenizer.train(CORPUS, 150).vocab


def test_words_are_counted_as_bert_cuts():
    normalizer = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    words = count_words(["Don't  don't\tDÓN't", "中文", "x\x1cy\u200b"], normalizer)
    assert dict(words) == {"don": 3, "'": 3, "t": 3, "中": 1, "文": 1, "xy": 1}


def test_files_lists_and_iterators_are_one_thing(tmp_path):
    one, two, packed = tmp_path / "one.txt", tmp_path / "two.txt", tmp_path / "all.txt.gz"
    one.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(CORPUS[:9]).encode())
    two.write_text("\n".join(CORPUS[9:]), "utf-8")
    packed.write_bytes(gzip.compress("\n".join(CORPUS).encode()))
    wanted = BertTokenizer.train(CORPUS, 150).vocab
    for texts in (
        [one, two],
        [str(one), str(two)],
        str(packed),
        packed,
        iter(CORPUS),
        [CORPUS[:5], CORPUS[5:]],
        (text for text in CORPUS),
        tuple(CORPUS),
    ):
        assert BertTokenizer.train(texts, 150).vocab == wanted


def test_roles_of_ones_own_come_first():
    options = {"unk_token": "<u>", "additional_special_tokens": ["<x>", AddedToken("<y>")], "mask_token": None}
    for cls in CLASSES:
        tokenizer = cls.train(CORPUS, 150, **options)
        assert tokenizer.convert_ids_to_tokens(list(range(6))) == ["[PAD]", "<u>", "[CLS]", "[SEP]", "<x>", "<y>"]
        assert len(tokenizer) == tokenizer.vocab_size == 150
        assert tokenizer("<x>Ω")["input_ids"] == [2, 4, 1, 3]


def test_rare_characters_can_be_left_out():
    words = {"ab": 5, "abc": 1, "aж": 1}
    vocab = learn_pieces("here", words, 100, special=["[UNK]"], min_frequency=1, limit_alphabet=2)
    assert list(vocab) == ["[UNK]", "a", "b", "##b", "ab"]
    assert "abc" in learn_pieces("here", words, 100, special=["[UNK]"], min_frequency=1)


def test_a_long_word_teaches_nothing():
    assert "x" not in BertTokenizer.train([*CORPUS, "ж" * 101], 150).vocab.keys() - {"x"}
    assert "ж" not in BertTokenizer.train([*CORPUS, "ж" * 101], 150).vocab
    assert "ж" in BertTokenizer.train([*CORPUS, "ж" * 100], 150).vocab


def test_progress_is_told(tmp_path):
    file, seen = tmp_path / "a.txt", []
    file.write_text("\n".join(CORPUS), "utf-8")
    BertTokenizer.train(file, 150, progress=lambda *report: seen.append(report))
    size, words = (
        file.stat().st_size,
        sum(count_words(CORPUS, BertTokenizer(dict.fromkeys(["[UNK]"], 0))._normalizer).values()),
    )
    assert ("reading", size, size) in seen
    assert seen[-1] == ("learning", words, words)
    seen.clear()
    BertTokenizer.train(iter(CORPUS * 50), 150, progress=lambda *report: seen.append(report))
    assert seen[0] == ("reading", 1000, None)


# What is refused.


def test_a_size_that_the_characters_do_not_fit():
    with pytest.raises(
        InputError,
        match=r"BertTokenizer\.train: vocab_size=20 is less than the \d+ tokens that these texts need at least: 5 "
        r"special tokens, \d+ characters, and \d+ of them inside of words\. Give \d+ or more",
    ) as caught:
        BertTokenizer.train(CORPUS, 20)
    least = int(str(caught.value).split("less than the ")[1].split()[0])
    assert len(BertTokenizer.train(CORPUS, least)) == least
    with pytest.raises(InputError, match=f"vocab_size={least - 1}"):
        BertTokenizer.train(CORPUS, least - 1)


@pytest.mark.parametrize("texts", [[], iter([]), ["", " ", "\n"], ["\u200b\x07"]])
def test_no_word_at_all(texts):
    with pytest.raises(InputError, match="there is no word to learn from in these texts"):
        BertTokenizer.train(texts)


def test_files_that_cannot_be_read(tmp_path):
    bad, empty = tmp_path / "bad.txt", tmp_path / "empty.txt"
    bad.write_bytes(b"fine\nnot \xff fine\n")
    empty.write_bytes(b"")
    with pytest.raises(InputError, match=r"bad\.txt, line 2, byte 5: is not UTF-8 text: byte 0xff.*iconv"):
        BertTokenizer.train(bad)
    with pytest.raises(InputError, match="no word to learn from"):
        BertTokenizer.train([empty])
    with pytest.raises(InputError, match=r"missing\.txt does not exist"):
        BertTokenizer.train([bad, tmp_path / "missing.txt"])
    with pytest.raises(InputError, match=r"no file 'misssing\.txt' \(looked in .*give iter\(texts\)"):
        BertTokenizer.train(["misssing.txt"])
    with pytest.raises(InputError, match=r"expected files only, after '.*bad\.txt', got int"):
        BertTokenizer.train([str(bad), 3])


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        (3, {}, "expected files or texts to learn from, got int"),
        (b"abc", {}, "expected files or texts to learn from, got bytes"),
        ({"text": ["a"]}, {}, "expected files or texts to learn from, got dict"),
        (iter(["a", None]), {}, r"train, text 1: expected a string, got NoneType"),
        (iter(["a", ["b", "c\ud800"]]), {}, r"text 2: has a lone surrogate, U\+D800, as character 1"),
        (CORPUS, {"vocab_size": 0}, "vocab_size must be an integer of at least 1, got 0"),
        (CORPUS, {"vocab_size": 1e4}, "vocab_size must be an integer of at least 1, got 10000.0"),
        (CORPUS, {"min_frequency": "2"}, "min_frequency must be an integer of at least 1, got '2'"),
        (CORPUS, {"limit_alphabet": 0}, "limit_alphabet must be an integer of at least 1, got 0"),
        (CORPUS, {"vocab_file": "a.txt"}, "makes the vocabulary, so vocab_file cannot be given"),
        (CORPUS, {"do_lowercase": True}, "unknown argument 'do_lowercase'; did you mean 'do_lower_case'"),
    ],
)
def test_wrong_arguments(texts, options, message):
    with pytest.raises(InputError, match=message):
        BertTokenizer.train(texts, **options)


def test_wrong_options_are_refused_before_the_text_is_read():
    def texts():
        raise KeyError("read")
        yield

    with pytest.raises(InputError, match="padding_side"):
        BertTokenizer.train(texts(), padding_side="up")
    with pytest.raises(KeyError, match="read"):
        BertTokenizer.train(texts())


# The same tokenizer on other texts.

OTHER = ["green eggs and ham, 17 times", "I do not like green eggs", "été comme hiver, naïve café", "中文 eggs"] * 5
RENAMED = {"new_special_tokens": ["<new>"], "special_tokens_map": {"</s>": "<end>"}}
# Where the library numbers pieces in the order of a hash table, and merges those of equal counts in that order; and
# where only pieces of equal scores are numbered so.
BY_LOT, TIES_BY_LOT = {"word_piece", "bpe"}, {"t5", "xlm_roberta", "albert"}


def opened(path: Path, roles: dict) -> PreTrainedTokenizerFast:
    given = {role: AddedToken.of(t, special=True) if isinstance(t, dict) else t for role, t in roles.items()}
    return PreTrainedTokenizerFast(tokenizer_file=path, **given)


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("word_level", {}),
        ("word_level", RENAMED),
        ("word_piece", {"new_special_tokens": ["<new>"]}),
        ("bpe", {}),
        ("gpt2", {"new_special_tokens": ["<new>"]}),
        ("roberta", {}),
        ("t5", {}),
        ("t5", RENAMED),
        ("xlm_roberta", {}),
        ("albert", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else ("renamed" if "special_tokens_map" in value else ""),
)
def test_it_learns_what_the_peer_learns(name, options, peer, tmp_path):
    path, roles = written(name, tmp_path)
    size = {"gpt2": 290, "roberta": 290}.get(name, 70)
    theirs = peer(peer_trained, str(path), roles, OTHER, {"vocab_size": size, **options})
    fresh = opened(path, roles).train_new_from_iterator(OTHER, size, **options)
    ours = about(fresh)
    assert ours["special"] == theirs["special"]
    if name in BY_LOT:
        assert {t for t in ours["vocab"] if len(t) == 1} == {t for t in theirs["vocab"] if len(t) == 1}
        assert len(ours["vocab"]) == len(theirs["vocab"])
    elif name in TIES_BY_LOT:
        assert ours["vocab"].keys() == theirs["vocab"].keys()
        assert {t: ours["vocab"][t] for t in ours["special"]} == {t: theirs["vocab"][t] for t in ours["special"]}
        assert list(map(len, ours["rows"])) == list(map(len, theirs["rows"]))
    else:
        assert ours["vocab"] == theirs["vocab"]
        assert (ours["rows"], ours["pair"]) == (theirs["rows"], theirs["pair"])
    assert len(fresh) <= size + len(options.get("new_special_tokens", ()))
    fresh.save_pretrained(tmp_path / "fresh")
    assert about(PreTrainedTokenizerFast.from_pretrained(tmp_path / "fresh")) == ours


def test_it_keeps_its_class_and_settings():
    tokenizer = BertTokenizerFast.train(CORPUS, 150, do_lower_case=False, padding_side="left", model_max_length=9)
    tokenizer.add_tokens(["ordinary"])
    fresh = tokenizer.train_new_from_iterator(iter([OTHER]), 80, new_special_tokens=[AddedToken("<n>", lstrip=True)])
    assert type(fresh) is BertTokenizerFast
    assert (fresh.do_lower_case, fresh.padding_side, fresh.model_max_length) == (False, "left", 9)
    assert "ordinary" not in fresh.get_vocab()
    assert fresh.additional_special_tokens == ["<n>"]
    assert fresh("I <n>", add_special_tokens=False).tokens()[-1] == "<n>"
    assert fresh.decode(fresh("green eggs")["input_ids"], skip_special_tokens=True) == "green eggs"


def test_tokens_with_a_colon_can_be_renamed(tmp_path):
    path, roles = written("odd_tokens", tmp_path)
    fresh = opened(path, roles).train_new_from_iterator(OTHER, 70, special_tokens_map={"[(*": "b:c"})
    assert (fresh.sep_token, fresh.cls_token) == ("b:c", "\\d+")
    assert fresh("green")["input_ids"] == fresh.convert_tokens_to_ids(["\\d+", "green", "b:c"])


@pytest.mark.parametrize(
    ("name", "texts", "size", "options", "message"),
    [
        ("bpe", OTHER, 70, {"min_freq": 2}, "unknown argument 'min_freq'; did you mean 'min_frequency'"),
        ("t5", OTHER, 70, {"min_frequency": 2}, "unknown argument 'min_frequency'"),
        ("bpe", OTHER, 70, {"special_tokens_map": {"<pda>": "x"}}, "'<pda>' is no special token; did you mean '<pad>'"),
        ("bpe", "one text", 70, {}, r"expected texts one by one or in lists, got one string\. Give \[text\]"),
        ("bpe", [1], 70, {}, "text 0: expected a string, got int"),
        ("bpe", [], 70, {}, "there is no word to learn from"),
        ("word_piece", ["", " "], 70, {}, "there is no word to learn from"),
        ("bpe", OTHER, -1, {}, "vocab_size must be an integer of at least 1, got -1"),
        ("bpe", OTHER, 9, {}, r"vocab_size=9 is less than the \d+ tokens .* Give \d+ or more, or limit_alphabet=…"),
        ("word_piece", OTHER, 9, {}, r"vocab_size=9 is less than the \d+ tokens"),
        ("gpt2", OTHER, 100, {}, r"vocab_size=100 is less than the 257 tokens"),
    ],
)
def test_what_training_anew_refuses(name, texts, size, options, message, tmp_path):
    path, roles = written(name, tmp_path)
    with pytest.raises(InputError, match=message):
        opened(path, roles).train_new_from_iterator(texts, size, **options)
