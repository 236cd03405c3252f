"""The CTC tokenizer beside `transformers`: labels, texts, offsets, and folders both ways."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from data import data_path
from dovela.auto import AutoTokenizer
from dovela.models.wav2vec2.tokenizer import Wav2Vec2CTCTokenizer
from peer_ctc_jobs import ctc, ctc_opened, ctc_saved
from peers import peer4, peer5

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", *"|ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
VOCABS = {
    "full": {token: index for index, token in enumerate(TOKENS)},
    "without roles": {token: index for index, token in enumerate(TOKENS[4:])},
    "long entries": {token: index for index, token in enumerate([*TOKENS, "NG", "SH", "Ä"])},
}
OPTIONS = [
    {},
    {"do_lower_case": True},
    {"replace_word_delimiter_char": "_", "pad_token": "Z"},
    {"word_delimiter_token": "X", "bos_token": None},
]
ADDED = ["!", "<new>", "HEY"]


@pytest.fixture
def vocab_file(tmp_path, request):
    path = tmp_path / "vocab.json"
    path.write_text(json.dumps(VOCABS[request.param], ensure_ascii=False), encoding="utf-8")
    return str(path)


def rows(seed, most, count=40):
    rng = random.Random(seed)
    for _ in range(count):
        pool = [rng.randrange(most) for _ in range(rng.randint(1, 6))]
        yield [
            index for _ in range(rng.randint(1, 25)) for index in [rng.choice([*pool, 0, 4])] * rng.choice([1, 2, 4])
        ]


def texts(seed, options, vocab_file, count=60):
    """Of what both read alike: the peer's long entries are lost where it lowers texts, and a token that it had to add
    stands for nothing."""
    parts = [*"ETAONIHSRD", " ", " ", "  ", " </s> ", "|", "'", "ß"]
    if "<unk>" in json.loads(Path(vocab_file).read_text("utf-8")):
        parts += ["<unk>", "é", "5", "Ä"]
    else:
        parts.remove("ß")
    parts += ["t", "a"] if options.get("do_lower_case") else ["NG", "SH", "HEY", "!", "<new>"]
    rng = random.Random(seed)
    for _ in range(count):
        yield "".join(rng.choice(parts) for _ in range(rng.randint(0, 15)))


def compared(tokenizer, asks, expected):
    for (method, args, kwargs), theirs in zip(asks, expected, strict=True):
        asked = getattr(tokenizer, method)
        ours = asked(*args, **kwargs) if callable(asked) else asked
        if hasattr(ours, "keys"):
            ours = {name: ours[name] for name in ours.keys()}  # noqa: SIM118
        assert ours == theirs, (method, args, kwargs)


@pytest.mark.peer
@pytest.mark.parametrize(
    ("vocab_file", "options"),
    [(name, options) for name in VOCABS for options in OPTIONS if (name, options) != ("long entries", OPTIONS[1])],
    indirect=["vocab_file"],
    ids=str,
)
def test_what_the_peer_gives(vocab_file, options):
    offsets = {"output_char_offsets": True, "output_word_offsets": not options.get("do_lower_case")}
    if options.get("do_lower_case"):
        offsets = {}  # the peer leaves the offsets' characters in upper case, unlike its text
    asks = [
        ("vocab_size", (), {}),
        ("get_vocab", (), {}),
        ("add_tokens", (ADDED,), {}),
        ("get_vocab", (), {}),
        ("all_special_tokens", (), {}),
        ("word_delimiter_token_id", (), {}),
        *(("decode", (row,), offsets) for row in rows(0, 45)),
        *(("decode", (row,), {"group_tokens": False, **offsets}) for row in rows(1, 45, 20)),
        *(("decode", (row,), {"spaces_between_special_tokens": True}) for row in rows(2, 45, 10)),
        ("batch_decode", (list(rows(3, 45)),), {}),
        ("batch_decode", (list(rows(4, 45)),), offsets),
        *(("__call__", (text,), {}) for text in texts(5, options, vocab_file)),
        ("__call__", (list(texts(6, options, vocab_file)),), {"padding": True}),
        ("convert_ids_to_tokens", ([5, 40, 3],), {}),
    ]
    compared(Wav2Vec2CTCTokenizer(vocab_file, **options), asks, peer4(ctc, vocab_file, options, asks))


@pytest.mark.peer
def test_real_transcripts():
    vocab_file = str(data_path("vocab/wav2vec2-base-960h/vocab.json"))
    lines = data_path("audio/transcripts.tsv").read_text("utf-8").splitlines()[1:]
    transcripts = [line.split("\t")[1] for line in lines]
    asks = [("__call__", (transcripts,), {"padding": True})]
    labels = peer4(ctc, vocab_file, {}, asks)
    tokenizer = Wav2Vec2CTCTokenizer(vocab_file)
    compared(tokenizer, asks, labels)
    assert tokenizer.batch_decode(labels[0]["input_ids"], group_tokens=False) == transcripts
    framed = [[i for label in row for i in (label, label, 0)] for row in tokenizer(transcripts)["input_ids"]]
    asks = [("batch_decode", (framed,), {"output_word_offsets": True})]
    compared(tokenizer, asks, peer4(ctc, vocab_file, {}, asks))
    assert tokenizer.batch_decode(framed) == transcripts


@pytest.mark.peer
@pytest.mark.parametrize("peer", [peer4, peer5], ids=["4", "5"])
@pytest.mark.parametrize("options", OPTIONS[:3], ids=str)
@pytest.mark.parametrize("vocab_file", ["full", "without roles"], indirect=True)
def test_folders_go_both_ways(vocab_file, options, peer, tmp_path):
    ours = Wav2Vec2CTCTokenizer(vocab_file, **options)
    ours.add_tokens(ADDED)
    ours.save_pretrained(tmp_path / "ours")
    peer(ctc_saved, vocab_file, options, ADDED, str(tmp_path / "theirs"))
    opened = AutoTokenizer.from_pretrained(tmp_path / "theirs")
    assert type(opened) is Wav2Vec2CTCTokenizer
    asks = [
        *(("decode", (row,), {}) for row in rows(7, 40, 20)),
        *(("__call__", (text,), {}) for text in texts(8, options, vocab_file, 30)),
    ]
    compared(ours, asks, peer(ctc_opened, str(tmp_path / "ours"), asks))
    compared(opened, asks, peer4(ctc_opened, str(tmp_path / "ours"), asks))
    assert len(opened) == len(ours)
    frames = [[5, 4, 5, 4, 6]]
    assert opened.batch_decode(frames, skip_special_tokens=True) == ours.batch_decode(frames)
