"""Encodings as they are seen in a notebook and in a terminal."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from rich.console import Console

from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.display import MOST_CUT, MOST_ROWS, MOST_TOKENS
from dovela.text.encoding import BatchEncoding
from dovela.text.tokenizer import PreTrainedTokenizer
from small_vocab import small_vocab
from tokenizer_jsons import written

NASTY = '<b>"quick"</b> & fox\n\thello  wörld'


class Page(HTMLParser):
    """The rows of a page, each a list of (class, hover text, text); None is the class of what is bare."""

    VOID = frozenset({"br", "img", "meta"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows, self.open, self.style, self.tags = [], [], "", set()
        self.feed(html)
        self.close()
        assert self.open == [], f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append((tag, dict(attrs)))
        if tag == "div" and dict(attrs).get("class") == "dovela-row":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        tag, attrs = self.open[-1]
        if tag == "style":
            self.style += data
        else:
            self.rows[-1].append((attrs.get("class") if tag == "span" else None, attrs.get("title"), data))


def page(batch) -> Page:
    made = Page(batch._repr_html_())
    assert made.tags <= {"div", "span", "style"}
    assert "http" not in made.style
    assert "url(" not in made.style
    return made


def shown(row) -> str:
    """A row's text, without its special tokens."""
    return "".join(text for kind, _, text in row if kind != "special")


def terminal(value, **options) -> str:
    console = Console(file=io.StringIO(), width=200, **options)
    console.print(value)
    return console.file.getvalue()


@pytest.fixture(params=[BertTokenizer, BertTokenizerFast], ids=["slow", "fast"])
def tokenizer(request):
    return request.param(small_vocab())


def test_the_text_is_shown_as_it_came_with_every_token_in_it(tokenizer):
    batch = tokenizer([NASTY, "the fox"])
    first, second = page(batch).rows
    assert shown(first) == NASTY
    ids = [int(title.split()[0]) for kind, title, _ in first if kind is not None]
    assert ids == batch["input_ids"][0]
    row = tokenizer(NASTY, return_offsets_mapping=True, add_special_tokens=False)
    parts = [NASTY[a:b] for a, b in row["offset_mapping"]]
    assert [text for kind, _, text in first if kind and kind.startswith("t")] == parts
    assert [kind for kind, _, _ in second] == ["special", "t0", None, "t1", "special"]
    assert second[3][1].endswith("fox · word 1 · characters 4–7")


def test_neighbours_have_different_colours(tokenizer):
    (row,) = page(tokenizer("hello world " * 9)).rows
    kinds = [kind for kind, _, _ in row if kind and kind.startswith("t")]
    assert all(a != b for a, b in pairwise(kinds))


def test_padding_is_one_piece_and_pairs_follow_each_other(tokenizer):
    batch = tokenizer(["the quick fox", "fox"], ["hello", "world"], padding=True, padding_side="left")
    rows = page(batch).rows
    assert shown(rows[0]) == "the quick foxhello"
    assert [text for kind, _, text in rows[1] if kind == "special"] == ["[PAD] ×2", "[CLS]", "[SEP]", "[SEP]"]
    assert rows[1][0][1] == "0 [PAD]\n0 [PAD]"


def test_what_was_cut_is_grey(tokenizer):
    text = "the quick brown fox"
    batch = tokenizer(text, truncation=True, max_length=4, return_overflowing_tokens=True)
    first, second = page(batch).rows
    assert shown(first) == shown(second) == text
    assert [part for kind, _, part in first if kind == "cut"] == [" brown fox"]
    assert [part for kind, _, part in second if kind == "cut"] == ["the quick "]
    long = page(tokenizer("the fox " * 100, truncation=True, max_length=4)).rows[0]
    assert [len(part) for kind, _, part in long if kind == "cut"] == [MOST_CUT + 1]


def test_words(tokenizer):
    batch = tokenizer([["hello", "fox"], ["the", "(fox)"]], is_split_into_words=True)
    assert [shown(row) for row in page(batch).rows] == ["hello fox", "the (fox)"]


def test_much_is_told_in_short(tokenizer):
    rows = page(tokenizer(["fox"] * (MOST_ROWS + 7))).rows
    assert (len(rows), rows[-1]) == (MOST_ROWS + 1, [("more", None, "… 7 more rows")])
    (row,) = page(tokenizer("fox " * 1000)).rows
    assert row[-1] == ("more", None, f" … {1002 - MOST_TOKENS} more tokens")
    assert "… 7 more rows" in terminal(tokenizer(["fox"] * (MOST_ROWS + 7)))


def test_tensors_change_nothing(tokenizer):
    texts = ["the quick fox", "fox"]
    with_arrays = tokenizer(texts, padding=True, return_tensors="np")
    assert with_arrays._repr_html_() == tokenizer(texts, padding=True)._repr_html_()


def test_without_rows_there_are_the_columns():
    batch = BatchEncoding({"input_ids": [[1, 2], [3]], "labels": [0, 1], "<x>": 3})
    assert batch._repr_html_() == "<pre>BatchEncoding: input_ids (2, 1–2), labels (2), &lt;x&gt; ()</pre>"
    assert terminal(batch) == "BatchEncoding: input_ids (2, 1–2), labels (2), <x> ()\n"
    batch = BatchEncoding({"input_ids": [[1, 2], [3, 4]]}, tensor_type="np")
    assert terminal(batch) == "BatchEncoding: input_ids (2, 2)\n"
    assert terminal(BatchEncoding()) == "BatchEncoding: no columns\n"


def test_without_the_text_there_are_the_tokens(tokenizer):
    rows = tokenizer(["fox jump##"]).encodings
    (row,) = page(BatchEncoding({}, rows)).rows
    assert [(kind, text) for kind, _, text in row][1:4] == [("t0", "fox"), (None, " "), ("t1", "jump")]


def test_a_row_by_itself_shows_its_tokens():
    (row,) = page(BertTokenizer(small_vocab())("<the> fox")[0]).rows
    assert "".join(text for _, _, text in row) == "[CLS]<the> fox[SEP]"


def test_a_tokenizer_that_knows_no_offsets_shows_its_tokens():
    class Backwards(PreTrainedTokenizer, register=False):
        def _tokenize(self, text):
            return [word[::-1] for word in text.split()]

    batch = Backwards({"?": 0, "xof": 1, "eht": 2}, unk_token="?")("the fox")
    (row,) = page(batch).rows
    assert [(kind, title, text) for kind, title, text in row if kind] == [
        ("t0", "2 eht", "eht"),
        ("t1", "1 xof", "xof"),
    ]


def test_tokens_that_share_a_character_share_a_piece(tmp_path):
    from dovela.text.fast import PreTrainedTokenizerFast

    path, _ = written("gpt2", tmp_path)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=path)
    text = "a 😀 b"
    (row,) = page(tokenizer(text)).rows
    assert shown(row) == text
    titles = [title for _, title, part in row if "😀" in part]
    assert len(titles) == 1
    assert len(titles[0].split("\n")) >= 3


def test_in_a_terminal(tokenizer):
    batch = tokenizer(["the [bold]fox[/]", "fox"], padding=True)
    plain = terminal(batch)
    assert plain.splitlines()[0] == "⟨[CLS]⟩the [bold]fox[/]⟨[SEP]⟩"
    assert "⟨[PAD] ×" in plain.splitlines()[1]
    assert "\x1b[" in terminal(batch, force_terminal=True, color_system="truecolor")
