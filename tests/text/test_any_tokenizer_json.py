"""Any tokenizer.json opens, and does what both versions of the peer make of it."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, models

from dovela.auto import AutoTokenizer
from dovela.errors import CheckpointError, InputError
from dovela.text.fast import PreTrainedTokenizerFast
from dovela.text.special_tokens import AddedToken
from peers import peer4, peer5
from tokenizer_jsons import MAKERS, TEXTS, peer_views, views, written


def opened(path: Path, roles: dict[str, Any]) -> PreTrainedTokenizerFast:
    given = {role: AddedToken.of(t, special=True) if isinstance(t, dict) else t for role, t in roles.items()}
    return PreTrainedTokenizerFast(tokenizer_file=path, **given)


def plain(value: Any) -> Any:
    """Tuples as lists, which is how far a call across processes should matter."""
    return json.loads(json.dumps(value))


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
@pytest.mark.parametrize("name", MAKERS)
def test_it_is_read_as_the_peer_reads_it(name, peer, tmp_path):
    path, roles = written(name, tmp_path)
    theirs = plain(peer(peer_views, str(path), roles, TEXTS, str(tmp_path / "theirs")))
    ours = plain(views(opened(path, roles), roles, TEXTS))
    if name == "bpe" and peer is peer4:  # without a template it takes padding, and pairs' windows, for one sequence
        wrong = {key for key in theirs if key.endswith((": sequences", ": at 5"))}
        theirs = {key: ours[key] if key in wrong else value for key, value in theirs.items()}
    assert {key: ours[key] for key in ours if ours[key] != theirs[key]} == {}
    # and the folder that the peer writes of it
    again = AutoTokenizer.from_pretrained(tmp_path / "theirs")
    assert type(again) is PreTrainedTokenizerFast
    assert again.special_tokens_map == opened(path, roles).special_tokens_map
    assert {key: value for key, value in plain(views(again, roles, TEXTS)).items() if value != theirs[key]} == {}


@pytest.mark.parametrize("name", MAKERS)
def test_it_saves_and_reopens(name, tmp_path):
    path, roles = written(name, tmp_path)
    tokenizer = opened(path, roles)
    tokenizer.add_tokens([AddedToken("new-token", single_word=True)])
    tokenizer.save_pretrained(tmp_path / "ours")
    again = AutoTokenizer.from_pretrained(tmp_path / "ours")
    texts = [*TEXTS, "a new-token here"]
    assert views(again, roles, texts) == views(tokenizer, roles, texts)
    assert again.added_tokens_decoder == tokenizer.added_tokens_decoder


@pytest.mark.parametrize("name", MAKERS)
def test_rows_are_the_librarys_own(name, tmp_path):
    path, roles = written(name, tmp_path)
    bare = Tokenizer.from_file(str(path))
    batch = opened(path, roles)(TEXTS, return_offsets_mapping=True)
    for index, text in enumerate(TEXTS):
        row = bare.encode(text)
        assert (batch["input_ids"][index], batch["offset_mapping"][index]) == (row.ids, row.offsets)
        assert (batch.word_ids(index), batch.tokens(index)) == (row.word_ids, row.tokens)


# Files that are damaged.


def byte_level_and_template(tmp_path: Path) -> dict[str, Any]:
    """A file with something of everything."""
    path, _ = written("llama", tmp_path)
    whole = json.loads(path.read_text("utf-8"))
    whole["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": False}],
    }
    return whole


def put(whole: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """`whole` with `value` at `path`; ... takes it away."""
    whole = copy.deepcopy(whole)
    *above, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    inner: Any = whole
    for key in above:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return whole


DAMAGE = [
    ("model", ..., "model: is missing"),
    ("model", [1], "model: expected an object, got a list"),
    ("model/type", "BPA", "model.type: 'BPA' is not one of BPE, Unigram, WordLevel, WordPiece; did you mean 'BPE'?"),
    ("model/vocab", [1], "model.vocab: expected an object from token to id, got a list"),
    ("model/vocab", ..., "model.vocab: is missing"),
    ("model/vocab/the", "x", "model.vocab['the']: expected an id, got \"x\""),
    ("model/vocab/the", -1, "model.vocab['the']: expected an id, got -1"),
    ("model/merges/2", 7, "model.merges[2]: expected two tokens, got 7"),
    ("model/merges/2", ["t", "Q"], "model.merges[2]: 'Q' is not in model.vocab"),
    ("model/merges", {}, "model.merges: expected a list of pairs, got an object"),
    ("model/dropout", 5.0, 'model: "BPE": Dropout should be between 0 and 1, inclusive'),
    ("normalizer/normalizers/1", {"type": "NFX"}, 'normalizer.normalizers[1]: "NFX": is not of a kind that is known'),
    ("pre_tokenizer/pretokenizers/1/individual_digits", "x", 'pre_tokenizer.pretokenizers[1]: "Digits": invalid type'),
    ("post_processor/single/1", {"Foo": 1}, "post_processor.single[1]: expected a SpecialToken or a Sequence with id"),
    ("post_processor/pair/0/SpecialToken/id", "<q>", "post_processor.pair[0]: '<q>' is not in post_processor.special"),
    (
        "post_processor/special_tokens/<s>",
        3,
        "post_processor.special_tokens['<s>']: expected id, ids and tokens, got 3",
    ),
    ("post_processor/special_tokens/<s>/ids", [9999], "post_processor.special_tokens['<s>']: 9999 is no id of this"),
    ("decoder/type", "x", 'decoder: "x": is not of a kind that is known'),
    ("added_tokens/1/id", "x", 'added_tokens[1]: invalid type: string "x", expected u32'),
    ("added_tokens/1/content", ..., "added_tokens[1]: missing field `content`"),
    ("truncation", {"a": 1}, "truncation: missing field `max_length`"),
    ("padding", 3, "padding: invalid type: integer `3`"),
    ("version", "2.0", 'version: expected "1.0", got "2.0"'),
    ("normaliser", None, "normaliser: unknown; did you mean 'normalizer'?"),
]


@pytest.mark.parametrize(("path", "value", "message"), DAMAGE, ids=[f"{p}={v}"[:40] for p, v, _ in DAMAGE])
def test_what_is_wrong_with_a_file_is_named_by_its_path(path, value, message, tmp_path):
    whole = put(byte_level_and_template(tmp_path), path, value)
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(whole), "utf-8")
    with pytest.raises(CheckpointError, match=re.escape(str(file)) + r"[^@]*" + re.escape(message)):
        PreTrainedTokenizerFast(tokenizer_file=file)


UNIGRAM = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.0]], "byte_fallback": False}
UNIGRAM_DAMAGE = [
    ({"unk_id": 7}, "model.unk_id: expected the index of one of 2 pieces, got 7"),
    ({"vocab": [["a"]]}, 'model.vocab[0]: expected [piece, score], got ["a"]'),
    ({"vocab": {"a": 1}}, "model.vocab: expected a list of pieces with their scores, got an object"),
]


@pytest.mark.parametrize(("change", "message"), UNIGRAM_DAMAGE)
def test_what_is_wrong_with_pieces_and_scores(change, message, tmp_path):
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps({"version": "1.0", "model": UNIGRAM | change}))
    with pytest.raises(CheckpointError, match=re.escape(message)):
        PreTrainedTokenizerFast.from_pretrained(tmp_path)


def test_many_problems_of_one_kind_are_told_in_short(tmp_path):
    whole = byte_level_and_template(tmp_path)
    whole["model"]["merges"] = [["Q", str(n)] for n in range(99)]
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(whole))
    with pytest.raises(CheckpointError, match=r"6 problems\n(.*\n){5}  - and \d+ more"):
        PreTrainedTokenizerFast(tokenizer_file=file)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[1]", "expected a JSON object, got list"), ("{", "line 1 is not JSON"), ("", "line 1 is not JSON")],
)
def test_what_is_no_json_object(text, message, tmp_path):
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        PreTrainedTokenizerFast(tokenizer_file=tmp_path / "tokenizer.json")


def test_a_vocabulary_with_gaps():
    backend = Tokenizer(models.WordLevel({"a": 0, "b": 5, "?": 3}, unk_token="?"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="?")
    assert tokenizer("a")["input_ids"] == [0]
    assert tokenizer.decode([5, 0]) == "b a"
    with pytest.raises(InputError, match=r"1 is not an id of this vocabulary"):
        tokenizer.decode([1])
    with pytest.raises(InputError, match=r"'y' cannot be added: .* gaps, and the next one, 5, is that of 'b'\. Number"):
        tokenizer.add_tokens(["x", "y"])
