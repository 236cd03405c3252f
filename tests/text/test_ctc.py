"""Reading text off what a CTC model emits."""

from __future__ import annotations

import itertools
import random
from itertools import groupby

import numpy as np
import pytest

from dovela.errors import InputError
from dovela.models.wav2vec2.tokenizer import Wav2Vec2CTCTokenizer
from dovela.text.ctc import Wav2Vec2CTCTokenizerOutput

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", *"|ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
VOCAB = {token: index for index, token in enumerate(TOKENS)}
PAD, SPACE = VOCAB["<pad>"], VOCAB["|"]


@pytest.fixture
def tokenizer():
    return Wav2Vec2CTCTokenizer(VOCAB)


def ids(text):
    """Of a text in which `-` is the blank and `_` the space."""
    return [PAD if char == "-" else SPACE if char == "_" else VOCAB[char] for char in text]


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ("HEL-LO", "HELLO"),
        ("HHEELL-LLOO", "HELLO"),
        ("HELLO", "HELO"),
        ("__HI__-_YOU__", "HI  YOU"),
        ("-_-HI_-", "HI"),
        ("----", ""),
        ("", ""),
        ("B", "B"),
    ],
)
def test_repeats_are_grouped_and_blanks_dropped(tokenizer, frames, text):
    assert tokenizer.decode(ids(frames)) == text
    assert tokenizer.batch_decode([ids(frames)] * 3) == [text] * 3


def test_a_batch_of_the_guide(tokenizer):
    rows = [[11, 5, 15, PAD, 15, 8, 98], [24, 22, 5, SPACE, 24, 22, 5, 77]]
    assert [tokenizer.decode(row) for row in rows] == tokenizer.batch_decode(rows) == ["HELLO<unk>", "BYE BYE<unk>"]
    longer = [
        [11, 5, 5, 5, 5, 5, 15, 15, 15, PAD, 15, 8, 98],
        [24, 22, 5, PAD, PAD, PAD, SPACE, 24, 22, 5, 77, 78, PAD],
    ]
    assert tokenizer.batch_decode(longer) == ["HELLO<unk>", "BYE BYE<unk>"]


def test_labels_are_read_back_without_grouping(tokenizer):
    labels = tokenizer("CARRY ON")["input_ids"]
    assert tokenizer.decode(labels, group_tokens=False) == "CARRY ON"
    assert tokenizer.decode(labels) == "CARY ON"
    padded = tokenizer(["CARRY ON", "SEE"], padding=True)["input_ids"]
    assert tokenizer.batch_decode(padded, group_tokens=False) == ["CARRY ON", "SEE"]


def test_a_blank_between_repeats_counts_although_special_tokens_are_skipped(tokenizer):
    frames = [1, *ids("HEL-LO"), 3, 3, VOCAB["O"], 98, 2]
    assert tokenizer.decode(frames) == "<s>HELLO<unk>O<unk></s>"
    assert tokenizer.decode(frames, skip_special_tokens=True) == "HELLOO"
    assert tokenizer.batch_decode([frames], skip_special_tokens=True) == ["HELLOO"]


def test_added_tokens_are_decoded_like_others(tokenizer):
    tokenizer.add_tokens(["!", "?", "<new_tokens>"])
    tokenizer.add_special_tokens({"cls_token": "$$$"})
    frames = [*ids("HEL-LO"), 98, 32, 32, 33, SPACE, 32, 32, 33, 34, 34, 35, 35]
    assert tokenizer.decode(frames) == "HELLO<unk>!? !?<new_tokens>$$$"
    assert tokenizer.decode(frames, skip_special_tokens=True) == "HELLO!? !?<new_tokens>"


def test_the_delimiter_is_never_special(tokenizer):
    assert "|" not in tokenizer.all_special_tokens
    assert SPACE not in tokenizer.added_tokens_decoder
    assert tokenizer.decode(ids("A_B"), skip_special_tokens=True) == "A B"


def test_lower_case_goes_in_and_comes_out():
    tokenizer = Wav2Vec2CTCTokenizer(VOCAB, do_lower_case=True)
    assert tokenizer("hello You")["input_ids"] == Wav2Vec2CTCTokenizer(VOCAB)("HELLO YOU")["input_ids"]
    out = tokenizer.decode(ids("HI_YOU"), output_char_offsets=True, output_word_offsets=True)
    assert out.text == "hi you"
    assert [entry["word"] for entry in out.word_offsets] == ["hi", "you"]
    assert "".join(entry["char"] for entry in out.char_offsets) == "hi you"


def test_another_delimiter_and_what_it_becomes():
    tokenizer = Wav2Vec2CTCTokenizer(
        {"<pad>": 0, "<unk>": 1, "<space>": 2, "A": 3, "B": 4},
        word_delimiter_token="<space>",
        replace_word_delimiter_char="·",
    )
    labels = tokenizer("A B")["input_ids"]
    assert labels == [3, 2, 4]
    assert tokenizer.word_delimiter_token_id == 2
    assert tokenizer.decode(labels) == "A·B"
    out = tokenizer.decode(labels, output_word_offsets=True)
    assert [entry["word"] for entry in out.word_offsets] == ["A", "B"]


def test_settings_of_the_tokenizer_may_change_between_calls(tokenizer):
    frames = ids("A_B")
    assert tokenizer.decode(frames) == "A B"
    tokenizer.replace_word_delimiter_char = "-"
    assert tokenizer.decode(frames) == "A-B"
    tokenizer.pad_token = "B"
    assert tokenizer.decode(frames) == "A-"
    tokenizer.add_tokens("!")
    assert tokenizer.decode([32]) == "!"


def test_spaces_between_tokens_and_clean_up(tokenizer):
    assert tokenizer.decode(ids("HI_A"), spaces_between_special_tokens=True) == "H I   A"
    tokenizer.add_tokens(["."])
    frames = [*ids("HI_"), 32]
    assert tokenizer.decode(frames) == "HI ."
    assert tokenizer.decode(frames, clean_up_tokenization_spaces=True) == "HI."
    tokenizer.clean_up_tokenization_spaces = True
    assert tokenizer.batch_decode([frames]) == ["HI."]
    assert tokenizer.decode(frames, clean_up_tokenization_spaces=False) == "HI ."


# Offsets.


def test_offsets_are_in_frames(tokenizer):
    frames = ids("HHHE-_--LL-LO_")
    out = tokenizer.decode(frames, output_char_offsets=True, output_word_offsets=True)
    assert isinstance(out, Wav2Vec2CTCTokenizerOutput)
    assert out["text"] == out.text == "HE LLO"
    assert [(e["char"], e["start_offset"], e["end_offset"]) for e in out.char_offsets] == [
        ("H", 0, 3), ("E", 3, 4), (" ", 5, 6), ("L", 8, 10), ("L", 11, 12), ("O", 12, 13), (" ", 13, 14),
    ]  # fmt: skip
    assert out.word_offsets == [
        {"word": "HE", "start_offset": 0, "end_offset": 4},
        {"word": "LLO", "start_offset": 8, "end_offset": 13},
    ]
    assert all(type(entry["start_offset"]) is int for entry in out.char_offsets)
    assert [entry["char"] for entry in out.char_offsets] == list("HE LLO ")


def test_only_the_offsets_that_are_asked_for_are_there(tokenizer):
    frames = ids("HI_A")
    assert list(tokenizer.decode(frames, output_char_offsets=True)) == ["text", "char_offsets"]
    words = tokenizer.decode(frames, output_word_offsets=True)
    assert list(words) == ["text", "word_offsets"]
    assert words.char_offsets is None
    assert "char_offsets" not in words


def test_a_batch_with_offsets_is_one_output_of_lists(tokenizer):
    rows = [ids("HI_A"), ids("-"), [], ids("__B_B-B")]
    out = tokenizer.batch_decode(rows, output_word_offsets=True, output_char_offsets=True)
    for row, text, chars, words in zip(rows, out.text, out.char_offsets, out.word_offsets, strict=True):
        alone = tokenizer.decode(row, output_word_offsets=True, output_char_offsets=True)
        assert (alone.text, alone.char_offsets, alone.word_offsets) == (text, chars, words)
    empty = tokenizer.batch_decode([], output_word_offsets=True)
    assert (empty.text, empty.word_offsets) == ([], [])


def test_offsets_in_seconds(tokenizer):
    out = tokenizer.decode(ids("HHHE-_--LL-LO_"), output_word_offsets=True).in_seconds(320, 16000)
    assert [(e["word"], e["start_time"], e["end_time"]) for e in out.word_offsets] == [
        ("HE", 0.0, pytest.approx(0.08)),
        ("LLO", pytest.approx(0.16), pytest.approx(0.26)),
    ]
    assert out.word_offsets[1]["start_offset"] == 8
    batch = tokenizer.batch_decode([ids("HI")], output_char_offsets=True).in_seconds(320, 8000)
    assert batch.char_offsets[0][1] == {
        "char": "I", "start_offset": 1, "end_offset": 2, "start_time": 0.04, "end_time": 0.08
    }  # fmt: skip


def test_seconds_need_offsets_and_a_rate(tokenizer):
    with pytest.raises(InputError, match=r"has no offsets\. Decode with output_word_offsets=True"):
        Wav2Vec2CTCTokenizerOutput(text="A").in_seconds(320, 16000)
    out = tokenizer.decode(ids("HI"), output_char_offsets=True)
    for ratio, rate, name in ((0, 16000, "inputs_to_logits_ratio"), (320, None, "sampling_rate"), (320, True, "sampl")):
        with pytest.raises(InputError, match=f"{name}.* must be a positive number"):
            out.in_seconds(ratio, rate)


# The definition, in ten slow lines.


def by_definition(tokenizer, row, *, group, skip):
    known = {index: token for token, index in tokenizer.get_vocab().items()}
    tokens = [known.get(index, tokenizer.unk_token) for index in row]
    runs, at = [], 0
    for token, run in groupby(tokens) if group else ((token, [token]) for token in tokens):
        length = len(list(run))
        runs.append((token, at, at + length))
        at += length
    drop = set(tokenizer.all_special_tokens) if skip else {tokenizer.pad_token}
    kept = [(" " if token == "|" else token, a, b) for token, a, b in runs if token not in drop]
    words = [list(run) for space, run in groupby(kept, lambda it: it[0] == " ") if not space]
    return (
        "".join(token for token, _, _ in kept).strip(),
        [{"char": token, "start_offset": a, "end_offset": b} for token, a, b in kept],
        [{"word": "".join(t for t, _, _ in w), "start_offset": w[0][1], "end_offset": w[-1][2]} for w in words],
    )


def random_rows(seed, count=60):
    rng = random.Random(seed)
    for _ in range(count):
        pool = [*rng.sample(range(40), rng.randint(1, 8)), PAD, SPACE]
        yield [index for _ in range(rng.randint(0, 30)) for index in [rng.choice(pool)] * rng.choice([1, 1, 2, 5])]


@pytest.mark.parametrize(("group", "skip"), list(itertools.product([True, False], repeat=2)))
def test_random_rows_are_read_as_defined(tokenizer, group, skip):
    rows = list(random_rows(seed=group))
    out = tokenizer.batch_decode(
        rows, skip_special_tokens=skip, group_tokens=group, output_char_offsets=True, output_word_offsets=True
    )
    expected = [by_definition(tokenizer, row, group=group, skip=skip) for row in rows]
    assert list(zip(out.text, out.char_offsets, out.word_offsets, strict=True)) == expected
    assert tokenizer.batch_decode(rows, skip, group_tokens=group) == [text for text, _, _ in expected]


# Where ids come from.


def test_rows_may_be_anything_that_holds_integers(tokenizer):
    torch = pytest.importorskip("torch")
    table = [ids("HEL-LO"), ids("BY-E__")]
    texts = ["HELLO", "BYE"]
    array = np.array(table)
    for given in (
        table,
        tuple(map(tuple, table)),
        array,
        array.astype(np.uint8),
        array.astype(np.int32)[:, ::1],
        np.asfortranarray(array),
        torch.tensor(table),
        list(torch.tensor(table)),
        [torch.tensor(row) for row in table],
        [[torch.tensor(index) for index in row] for row in table],
        [np.array(row) for row in table],
        (iter(row) for row in table),
    ):
        assert tokenizer.batch_decode(given) == texts
    assert tokenizer.decode(torch.tensor(table[0], dtype=torch.int32)) == "HELLO"
    assert tokenizer.decode(5) == tokenizer.decode(np.int64(5)) == tokenizer.decode(torch.tensor(5)) == "E"
    assert tokenizer.batch_decode([5, 6]) == tokenizer.batch_decode(np.array([5, 6])) == ["E", "T"]
    assert tokenizer.batch_decode([]) == []
    assert tokenizer.batch_decode([[], [5]]) == ["", "E"]
    assert tokenizer.batch_decode(np.empty((2, 0), np.int64)) == ["", ""]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((5, 32), np.float32), r"expected ids, got float32 of shape \(5, 32\).*logits.argmax"),
        ([0.5, 1.5], r"expected ids, got float64.*argmax"),
        ([True, False], "expected ids, got bool"),
        (None, "expected ids, which are integers, and None is a NoneType"),
        (["A"], "expected ids, got <U1"),
        ("HELLO", "expected ids, got str 'HELLO'"),
        ({"input_ids": [1]}, "expected ids, got dict"),
        ([1, None], "which are integers, and None is a NoneType"),
        ([2**80], "one is beyond 64 bits"),
        ([[1, 2], [3, 4]], "expected one row of ids, got an array of shape.*batch_decode"),
        ([[1, 2], [3]], "expected one row of ids, got rows. Use batch_decode"),
        ([5, -100], r"-100 is not an id. For labels, put the padding token's id back first"),
        ([-1], "-1 is not an id$"),
    ],
)
def test_what_is_no_row_of_ids(tokenizer, given, message):
    with pytest.raises(InputError, match=rf"Wav2Vec2CTCTokenizer.decode: .*{message}"):
        tokenizer.decode(given)


def test_a_tensor_that_no_array_can_hold(tokenizer):
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"batch_decode: a tensor \(torch.int64, .* cannot be read as an array"):
        tokenizer.batch_decode(torch.empty((2, 3), dtype=torch.int64, device="meta"))


def test_logits_in_any_precision_are_refused(tokenizer):
    torch = pytest.importorskip("torch")
    logits = torch.zeros(2, 5, 32, dtype=torch.bfloat16, requires_grad=True)
    with pytest.raises(InputError, match=r"take the best id of each frame first: logits\.argmax\(-1\)"):
        tokenizer.batch_decode(logits)
    assert tokenizer.batch_decode(logits.argmax(-1)) == ["", ""]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (5, "expected rows of ids, got int 5"),
        ("HELLO", "expected rows of ids, got str"),
        (np.zeros((2, 5, 32), np.float32), "got float32 of shape.*argmax"),
        (np.zeros((2, 5, 3), np.int64), "expected rows of ids, got an array of shape"),
        ([[1], [0.5]], r"row 1: expected ids, got float64"),
        ([[1], [[2]]], r"row 1: expected one row of ids, got an array of shape"),
    ],
)
def test_what_are_no_rows_of_ids(tokenizer, given, message):
    with pytest.raises(InputError, match=f"batch_decode.*{message}"):
        tokenizer.batch_decode(given)


def test_arguments_are_checked(tokenizer):
    with pytest.raises(InputError, match="unknown argument 'group_token'; did you mean 'group_tokens'"):
        tokenizer.decode([5], group_token=True)
    with pytest.raises(InputError, match="batch_decode: unknown argument 'output_offsets'"):
        tokenizer.batch_decode([[5]], output_offsets=True)
    with pytest.raises(InputError, match="group_tokens must be True or False, got 'yes'"):
        tokenizer.decode([5], group_tokens="yes")


def test_without_an_unknown_token_an_id_must_be_known():
    tokenizer = Wav2Vec2CTCTokenizer({"<pad>": 0, "A": 1}, unk_token=None, bos_token=None, eos_token=None)
    assert tokenizer.decode([1, 0, 1]) == "AA"
    with pytest.raises(InputError, match="7 is not an id of this vocabulary, and there is no unk_token for it"):
        tokenizer.decode([1, 7])


def test_without_a_padding_token_there_is_no_blank():
    tokenizer = Wav2Vec2CTCTokenizer({"<unk>": 0, "A": 1}, pad_token=None, bos_token=None, eos_token=None)
    assert tokenizer.decode([1, 1, 0, 1]) == "A<unk>A"


def test_an_id_may_be_large():
    tokenizer = Wav2Vec2CTCTokenizer({"<pad>": 0, "<unk>": 7, "A": 2**31 - 1}, bos_token=None, eos_token=None)
    assert tokenizer.decode([2**31 - 1, 0, 2**31 - 1, 5]) == "AA<unk>"


def test_tokens_to_a_string(tokenizer):
    with pytest.raises(InputError, match="convert_tokens_to_string: expected tokens in a list, got str 'HI'"):
        tokenizer.convert_tokens_to_string("HI")
    out = tokenizer.convert_tokens_to_string(list("THIS|IS|A|TEXT"))
    assert out["text"] == out.text == "THIS IS A TEXT"
    assert isinstance(out["text"], str)
    out = tokenizer.convert_tokens_to_string(["A", "A", "<pad>", "A"], group_tokens=False, output_char_offsets=True)
    assert out.text == "AAA"
    assert [entry["start_offset"] for entry in out.char_offsets] == [0, 1, 3]


def test_ids_to_tokens_know_what_is_beyond_the_vocabulary(tokenizer):
    assert tokenizer.convert_ids_to_tokens([5, 98, 0]) == ["E", "<unk>", "<pad>"]
    assert tokenizer.convert_ids_to_tokens([5, 98, 0], skip_special_tokens=True) == ["E", "<unk>"]
    with pytest.raises(InputError, match="-1 is not an id"):
        tokenizer.convert_ids_to_tokens([-1])
