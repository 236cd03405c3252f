"""Folders: ours open in both versions of transformers with the same ids, and theirs open here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dovela.auto import AutoTokenizer
from dovela.errors import CheckpointError, InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.models.distilbert.tokenizer import DistilBertTokenizer, DistilBertTokenizerFast
from dovela.text.fast import PreTrainedTokenizerFast
from dovela.text.special_tokens import AddedToken
from peer_text_jobs import opened, saved
from peers import peer4, peer5
from small_vocab import small_vocab

CLASSES = {
    cls.__name__: cls for cls in (BertTokenizer, BertTokenizerFast, DistilBertTokenizer, DistilBertTokenizerFast)
}
TEXTS = ["Hello foo-bar <sep2> World", "the é new york", "X<sep2>y zz 中文 FOO-BAR [MASK]"]
SPECIAL = {"additional_special_tokens": ["<sep2>"]}


@pytest.fixture
def vocab_file(tmp_path):
    path = tmp_path / "my_vocab_file.txt"
    path.write_text("".join(f"{token}\n" for token in small_vocab()), "utf-8")
    return path


def built(name, vocab_file, **options):
    tokenizer = CLASSES[name](vocab_file, **options)
    tokenizer.add_tokens(["foo-bar", AddedToken("zz", single_word=True, normalized=False)])
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


@pytest.mark.parametrize(
    "options",
    [{}, {"do_lower_case": False, "padding_side": "left", "model_max_length": 77}],
    ids=["default", "options"],
)
@pytest.mark.parametrize("name", CLASSES)
def test_a_saved_tokenizer_reopens_the_same(name, options, vocab_file, tmp_path):
    tokenizer = built(name, vocab_file, **options)
    paths = tokenizer.save_pretrained(tmp_path / "saved")
    assert all(Path(path).is_file() for path in paths)
    other = name.removesuffix("Fast") if name.endswith("Fast") else name + "Fast"
    for again in (
        CLASSES[name].from_pretrained(tmp_path / "saved"),
        CLASSES[other].from_pretrained(tmp_path / "saved"),
        AutoTokenizer.from_pretrained(tmp_path / "saved"),
        AutoTokenizer.from_pretrained(tmp_path / "saved", use_fast=False),
    ):
        assert again(TEXTS, return_offsets_mapping=True).data == tokenizer(TEXTS, return_offsets_mapping=True).data
        assert again.get_vocab() == tokenizer.get_vocab()
        assert again.added_tokens_decoder == tokenizer.added_tokens_decoder
        assert again.special_tokens_map == tokenizer.special_tokens_map
        assert (again.padding_side, again.model_max_length) == (tokenizer.padding_side, tokenizer.model_max_length)
        assert again.do_lower_case == tokenizer.do_lower_case


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
@pytest.mark.parametrize(
    "options",
    [{}, {"do_lower_case": False, "padding_side": "left", "model_max_length": 77}],
    ids=["default", "options"],
)
@pytest.mark.parametrize("name", CLASSES)
def test_peers_open_what_we_write(name, options, peer, vocab_file, tmp_path):
    tokenizer = built(name, vocab_file, **options)
    folder = tmp_path / "saved"
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "distilbert" if "Distil" in name else "bert"}))
    # A slow folder has no tokenizer.json, and 4.x's own conversion of one is what it opens as fast.
    for opener in ("AutoTokenizer", name):
        found = peer(opened, opener, str(folder), TEXTS)
        assert found["ids"] == [tokenizer(text)["input_ids"] for text in TEXTS], found["class"]
        assert found["length"] == len(tokenizer)
        assert found["special"] == sorted(tokenizer.all_special_tokens)
        assert found["padding_side"] == tokenizer.padding_side
        assert found["model_max_length"] == tokenizer.model_max_length


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
@pytest.mark.parametrize("options", [{}, {"do_lower_case": False}], ids=["uncased", "cased"])
@pytest.mark.parametrize("name", CLASSES)
def test_we_open_what_peers_write(name, options, peer, vocab_file, tmp_path):
    folder = tmp_path / "theirs"
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "vocab.txt").write_bytes(vocab_file.read_bytes())
    special = {"additional_special_tokens": ["<sep2>"]} if peer is peer4 else {"extra_special_tokens": ["<sep2>"]}
    ids = peer(saved, name, str(plain / "vocab.txt"), str(folder), options, ["foo-bar"], special)
    if peer is peer5:
        assert not (folder / "vocab.txt").exists()  # its own layout
    opened_here = [
        cls.from_pretrained(folder) for cls in CLASSES.values() if ("Distil" in cls.__name__) == ("Distil" in name)
    ]
    opened_here += [AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(folder, use_fast=False)]
    for tokenizer in opened_here:
        assert [tokenizer(text)["input_ids"] for text in ("Hello foo-bar <sep2> World", "the é new york")] == ids
        assert "<sep2>" in tokenizer.all_special_tokens
        assert tokenizer.do_lower_case == options.get("do_lower_case", True)


@pytest.mark.parametrize("name", CLASSES)
def test_a_role_that_a_tokenizer_does_without_stays_away(name, tmp_path):
    vocab = {token: index for index, token in enumerate(small_vocab()) if token != "[MASK]"}
    vocab = {token: index for index, token in enumerate(vocab)}
    CLASSES[name](vocab, mask_token=None).save_pretrained(tmp_path)
    again = CLASSES[name].from_pretrained(tmp_path)
    assert again.mask_token is None
    assert len(again) == len(vocab)


def test_what_a_file_says_that_is_not_ours_is_written_back(vocab_file, tmp_path):
    BertTokenizer(vocab_file).save_pretrained(tmp_path / "a")
    path = tmp_path / "a/tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"never_heard_of": [1, 2]}))
    tokenizer = BertTokenizer.from_pretrained(tmp_path / "a", do_lower_case=False)
    assert tokenizer.do_lower_case is False
    tokenizer.save_pretrained(tmp_path / "b")
    written = json.loads((tmp_path / "b/tokenizer_config.json").read_text())
    assert written["never_heard_of"] == [1, 2]
    assert written["do_lower_case"] is False
    assert written["tokenizer_class"] == "BertTokenizer"


def test_saving_over_a_fast_tokenizer_leaves_no_file_of_it(vocab_file, tmp_path):
    built("BertTokenizerFast", vocab_file).save_pretrained(tmp_path / "a")
    (tmp_path / "a/notes.txt").write_text("mine")
    BertTokenizer(vocab_file).save_pretrained(tmp_path / "a")
    assert sorted(p.name for p in (tmp_path / "a").iterdir() if p.is_file()) == [
        "notes.txt",
        "special_tokens_map.json",
        "tokenizer_config.json",
        "vocab.txt",
    ]


def test_save_vocabulary_writes_the_file_it_was_given(vocab_file, tmp_path):
    for name in CLASSES:
        (path,) = built(name, vocab_file).save_vocabulary(tmp_path / name, filename_prefix="x")
        assert Path(path).name == "x-vocab.txt"
        assert Path(path).read_bytes() == vocab_file.read_bytes()


def test_any_tokenizer_json_opens(tmp_path):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    bpe.train_from_iterator(
        ["the quick brown fox"] * 3,
        trainers.BpeTrainer(
            special_tokens=["<s>", "</s>", "<pad>"],
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    bpe.post_processor = processors.RobertaProcessing(("</s>", 1), ("<s>", 0))
    bpe.enable_truncation(5)
    bpe.enable_padding(pad_token="<pad>", pad_id=2)
    bpe.save(str(tmp_path / "tokenizer.json"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=tmp_path / "tokenizer.json", bos_token="<s>")
    assert tokenizer.pad_token == "<pad>"
    row = tokenizer("the quick brown fox and more")
    assert len(row["input_ids"]) > 5  # a file's truncation is not ours to apply unasked
    assert tokenizer.decode(row["input_ids"], skip_special_tokens=False) == "<s>the quick brown fox and more</s>"
    assert tokenizer.build_inputs_with_special_tokens([7, 8], [9]) == [0, 7, 8, 1, 1, 9, 1]
    assert tokenizer.get_special_tokens_mask([7, 8]) == [1, 0, 0, 1]
    tokenizer.save_pretrained(tmp_path / "again")
    again = AutoTokenizer.from_pretrained(tmp_path / "again")
    assert type(again) is PreTrainedTokenizerFast
    assert again("the fox")["input_ids"] == tokenizer("the fox")["input_ids"]
    with pytest.raises(CheckpointError, match=r"holds a BPE model.*PreTrainedTokenizerFast"):
        BertTokenizer.from_pretrained(tmp_path / "again")


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"v\.txt: there is no such file \(looked in "),
        ("", r"v\.txt: is empty, where a vocabulary is expected"),
        ("\n\n", r"v\.txt: is empty, where a vocabulary is expected"),
        ("[UNK]\na\nb\na\n", r"v\.txt: line 4 repeats 'a' of line 2\. A vocabulary has one token a line, each once"),
        ("[UNK]\n\nb\n", r"v\.txt: line 2 is empty"),
        ("a\nb\n", r"v\.txt: has no '\[UNK\]' among its 2 tokens, .*\. Add a line for it"),
        (b"[UNK]\na\n\xff\xfe\n", r"v\.txt: line 3 is not UTF-8 \(byte 8\)"),
        ("\n".join(["[UNK]", *["a"] * 9]), r"v\.txt: 6 problems(.|\n)*line 3 repeats 'a'(.|\n)*and 3 more"),
        ('{"a": 0, "b": "x"}', r"v\.txt: expected ids by token, got 'b': 'x'"),
        ('{"a": 0, "b": 0}', r"v\.txt: 'b' and 'a' have the same id 0"),
        ('{"a": 0,\n "b" 0}', r"v\.txt: line 2 is not JSON: .*column"),
    ],
)
def test_a_vocabulary_that_cannot_be_right_names_file_and_line(cls, content, message, tmp_path):
    path = tmp_path / "v.txt" if content is None else write(tmp_path / "v.txt", content)
    with pytest.raises(CheckpointError, match=message):
        cls(path)


def test_other_vocabularies(tmp_path):
    assert BertTokenizer(write(tmp_path / "a", "\ufeff[UNK]\r\na\r\n")).vocab == {"[UNK]": 0, "a": 1}
    assert BertTokenizer(write(tmp_path / "b.json", '{"[UNK]": 0, "a": 1}')).vocab == {"[UNK]": 0, "a": 1}
    assert BertTokenizer({"[UNK]": 0, "a": 1}).vocab == {"[UNK]": 0, "a": 1}
    with pytest.raises(InputError, match=r"vocab_file: expected the path of a vocabulary file or .* got None"):
        BertTokenizer()
    with pytest.raises(InputError, match="ids must be 0 to 1 without a gap"):
        BertTokenizer({"[UNK]": 0, "a": 7}).save_vocabulary(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer_config.json", "{oops", r"tokenizer_config\.json: line 1 is not JSON"),
        ("tokenizer_config.json", "[]", r"tokenizer_config\.json: expected a JSON object, got list"),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"x": "y"}}', "holds a token that cannot be read"),
        (
            "tokenizer_config.json",
            '{"added_tokens_decoder": {"7": "nope"}}',
            r"id 7 is 'nope' there, and .* in the vocabulary",
        ),
        ("tokenizer_config.json", '{"do_lower_case": "yes"}', r"do_lower_case: expected True or False, got 'yes'"),
        (
            "tokenizer_config.json",
            '{"never_split": ["x"]}',
            r"never_split=\['x'\] is not implemented\. Take never_split out",
        ),
        ("special_tokens_map.json", '{"pad_token": {"lstrip": true}}', "expected a mapping with 'content'"),
    ],
)
def test_a_folder_that_cannot_be_read_says_where(name, content, message, vocab_file, tmp_path):
    BertTokenizer(vocab_file).save_pretrained(tmp_path / "a")
    if name == "special_tokens_map.json":
        write(tmp_path / "a/tokenizer_config.json", "{}")
    write(tmp_path / "a" / name, content)
    with pytest.raises((CheckpointError, InputError), match=message):
        BertTokenizer.from_pretrained(tmp_path / "a")


def test_a_tokenizer_json_that_is_none(tmp_path):
    write(tmp_path / "tokenizer.json", '{"version": "1.0", "model": {"type": "Nope"}}')
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: model\.type: 'Nope' is not one of BPE, Unigram"):
        PreTrainedTokenizerFast.from_pretrained(tmp_path)


def test_nothing_to_open(tmp_path):
    (tmp_path / "other.txt").write_text("x")
    with pytest.raises(CheckpointError, match=r"has no file 'vocab\.txt'.*other\.txt"):
        BertTokenizer.from_pretrained(tmp_path)
    with pytest.raises(
        CheckpointError, match=r"does not say which tokenizer it has.*DistilBertTokenizer.from_pretrained"
    ):
        AutoTokenizer.from_pretrained(tmp_path)
    write(tmp_path / "tokenizer_config.json", '{"tokenizer_class": "BertTokenizr"}')
    with pytest.raises(
        CheckpointError, match=r"has a BertTokenizr, which is not registered.*did you mean 'BertTokenizer'"
    ):
        AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(InputError, match="unknown argument 'do_lowercase'; did you mean 'do_lower_case'"):
        BertTokenizer.from_pretrained(tmp_path, do_lowercase=True)


@pytest.mark.parametrize("cls", [BertTokenizer, AutoTokenizer])
def test_where_files_come_from_is_said_by_name(cls, tmp_path):
    BertTokenizer(small_vocab()).save_pretrained(tmp_path / "inner")
    found = cls.from_pretrained(tmp_path, subfolder="inner", local_files_only=True, padding_side="left")
    assert (found.padding_side, found.name_or_path) == ("left", str(tmp_path / "inner"))
    with pytest.raises(CheckpointError, match="has no subfolder 'outer'"):
        cls.from_pretrained(tmp_path, subfolder="outer")
    for name, near in (
        ("revison", "revision"),
        ("local_file_only", "local_files_only"),
        ("padding_sid", "padding_side"),
    ):
        with pytest.raises(InputError, match=f"unknown argument '{name}'; did you mean '{near}'"):
            cls.from_pretrained(tmp_path / "inner", **{name: "main"})
