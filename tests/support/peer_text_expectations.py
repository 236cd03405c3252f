"""What is expected of any tokenizer, as functions that run on ours here and on the peer's in its process.

Each takes a new tokenizer and the library's AddedToken class, and returns plain data. A failure of a call is the string
"refused", since only whether it is refused is compared, not by which exception.
"""

from __future__ import annotations

import copy
import pickle
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

Behaviour = Callable[[Any, Any], Any]
BEHAVIOURS: dict[str, Behaviour] = {}
SLOW_ONLY: set[str] = set()  # the peer's fast tokenizer does not have it
ONE, TWO = "The quick brown fox, unaffable!", "hello world it isn't new york"
SPLIT = (["The", "unaffable", "fox!"], ["hello", "new york"])


def behaviour(function: Behaviour) -> Behaviour:
    BEHAVIOURS[function.__name__] = function
    return function


def slow_only(function: Behaviour) -> Behaviour:
    SLOW_ONLY.add(function.__name__)
    return behaviour(function)


def plain(value: Any) -> Any:
    """Lists, dictionaries and scalars of whatever a tokenizer returns."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "items"):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def tried(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return plain(function(*args, **kwargs))
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return "refused"
        raise


def within(length: int, made: Any) -> Any:
    """Where there is no room the peer leaves a row as it is, longer than was asked for: that counts as refused."""
    rows = [] if made == "refused" else made["input_ids"]
    rows = rows if rows and isinstance(rows[0], list) else [rows]
    return "refused" if any(len(row) > length for row in rows) else made


def asked(function: Callable[..., Any], *args: Any) -> Any:
    """The answer, or None also where the peer fails to say that there is none."""
    answer = tried(function, *args)
    return None if answer == "refused" else answer


def all_of(tokenizer: Any, added_token: Any, names: list[str]) -> dict[str, Any]:
    """Each behaviour on a copy of its own."""
    return {name: BEHAVIOURS[name](copy.deepcopy(tokenizer), added_token) for name in names}


def in_peer(name: str, vocab_file: str, options: dict[str, Any], names: list[str]) -> dict[str, Any]:
    import transformers

    return all_of(getattr(transformers, name)(vocab_file, **options), transformers.AddedToken, names)


def reloaded(tokenizer: Any, **overrides: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        return type(tokenizer).from_pretrained(folder, **overrides)


# Special tokens


@behaviour
def properties_of_the_roles(t: Any, _: Any) -> Any:
    roles = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
    return (
        [(getattr(t, f"{role}_token"), getattr(t, f"{role}_token_id")) for role in roles],
        plain(t.special_tokens_map),
        t.all_special_tokens,
        t.all_special_ids,
        t.additional_special_tokens,
        t.additional_special_tokens_ids,
        t.pad_token_type_id,
    )


@behaviour
def roles_are_set_by_token_and_by_id(t: Any, _: Any) -> Any:
    out = []
    for role in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"):
        setattr(t, f"{role}_token", "fox")
        out.append((getattr(t, f"{role}_token"), getattr(t, f"{role}_token_id")))
        setattr(t, f"{role}_token_id", t.convert_tokens_to_ids("dog"))
        out.append((getattr(t, f"{role}_token"), getattr(t, f"{role}_token_id")))
        if role != "unk":
            setattr(t, f"{role}_token_id", None)
            out.append((getattr(t, f"{role}_token"), getattr(t, f"{role}_token_id")))
    t.additional_special_tokens = ["fox", "dog"]
    return [*out, t.additional_special_tokens, t.additional_special_tokens_ids]


@behaviour
def special_tokens_are_added_replaced_and_extended(t: Any, added_token: Any) -> Any:
    out: list[Any] = [t.add_special_tokens({"additional_special_tokens": ["<a>", "<b>"]})]
    out.append((t.additional_special_tokens, len(t)))
    out.append(t.add_special_tokens({"additional_special_tokens": ["<c>"]}, replace_additional_special_tokens=False))
    out.append((t.additional_special_tokens, len(t)))
    out.append(t.add_special_tokens({"additional_special_tokens": [added_token("<d>", lstrip=True), "<a>"]}))
    out.append((t.additional_special_tokens, len(t)))
    out.append(t.add_special_tokens({"bos_token": "<s>", "eos_token": added_token("</s>", rstrip=True)}))
    out.append((t.bos_token, t.eos_token_id, t.all_special_tokens))
    out.append(t.encode("<s>the <a> <b><c> <d></s> fox"))
    out.append(t.decode(t("<s>the <a> <b><c> <d></s> fox")["input_ids"], skip_special_tokens=True))
    return out


@behaviour
def special_tokens_within_text_stay_whole(t: Any, _: Any) -> Any:
    texts = ["A, <mask> AllenNLP [MASK] sentence.", "[CLS][SEP]", "x[MASK]y", "[mask] [Mask]", "[PAD] [UNK][ MASK ]"]
    return [plain(t(text, return_special_tokens_mask=True, return_offsets_mapping=True)) for text in texts]


@slow_only
def masks_of_special_tokens(t: Any, _: Any) -> Any:
    one, two = t.encode(ONE, add_special_tokens=False), t.encode(TWO, add_special_tokens=False)
    whole = t.encode(ONE, TWO)
    return (
        t.get_special_tokens_mask(one),
        t.get_special_tokens_mask(one, two),
        t.get_special_tokens_mask(whole, already_has_special_tokens=True),
        tried(t.get_special_tokens_mask, one, two, already_has_special_tokens=True),
    )


@behaviour
def rows_are_built_from_ids(t: Any, _: Any) -> Any:
    one, two = t.encode(ONE, add_special_tokens=False), t.encode(TWO, add_special_tokens=False)
    return (
        t.build_inputs_with_special_tokens(one) == t.encode(ONE),
        t.build_inputs_with_special_tokens(one, two) == t.encode(ONE, TWO),
        t.create_token_type_ids_from_sequences(one),
        t.create_token_type_ids_from_sequences(one, two),
        t.num_special_tokens_to_add(),
        t.num_special_tokens_to_add(pair=True),
        t.num_special_tokens_to_add(True),
    )


# Added tokens

AROUND = ["the{}fox", "the {} fox", "  {}  ", "{}", "{0}{0}", "{0} {0}", "\t{}\n", "x{}", "{}x", "({})", "_{}_", "1{}1"]
CONTENTS = ["<x>", "new", "a.b*", "[tok]", "two words", "É", "中", "##er", "(", "ABC", "\\d+"]


@behaviour
def added_tokens_of_each_kind(t: Any, added_token: Any) -> Any:
    out = []
    flags = ("lstrip", "rstrip", "single_word", "normalized", "special")
    for number, values in enumerate(product((False, True), repeat=5)):
        content = CONTENTS[number % len(CONTENTS)]
        made = copy.deepcopy(t)
        made.add_tokens([added_token(content, **dict(zip(flags, values, strict=True)))])
        out.append(len(made))
        texts = [form.format(text) for form in AROUND for text in (content, content.lower(), content.upper())]
        out.append(plain(made(texts, return_offsets_mapping=True)))
        out.append(made.decode(made(texts[3])["input_ids"]))
    return out


@behaviour
def added_tokens_outlive_their_folder(t: Any, added_token: Any) -> Any:
    t.add_tokens(["foo-bar", added_token("<l>", lstrip=True), added_token("new", single_word=True, normalized=False)])
    t.add_tokens([added_token("<r>", rstrip=True, special=True)])
    t.add_special_tokens({"additional_special_tokens": [added_token("<both>", lstrip=True, rstrip=True), "<plain>"]})
    texts = ["the foo-bar fox  <l> renew new <r> x", "a <both> b <plain> c FOO-BAR"]
    again = reloaded(t)
    twice = reloaded(again)
    out = [plain(which(texts, return_offsets_mapping=True)) for which in (t, again, twice)]
    return out, twice.get_added_vocab(), len(twice), twice.additional_special_tokens


@behaviour
def added_tokens_overlap(t: Any, _: Any) -> Any:
    t.add_tokens(["ab", "abc", "bcd", "a", "fox jump", "x jumps"])
    return [t.tokenize(text) for text in ("abcd", "ab cd", "aab abcbcd", "the fox jumps", "fox jumpx jumps")]


@behaviour
def added_tokens_are_counted(t: Any, added_token: Any) -> Any:
    before = len(t)
    counts = [
        t.add_tokens("one-token"),
        t.add_tokens(["one-token"]),
        t.add_tokens(["a-b", "c-d", "a-b"]),
        t.add_tokens([added_token("e-f"), "e-f"]),
        t.add_tokens(["g-h"], special_tokens=True),
        t.add_tokens([]),
        t.add_special_tokens({}),
    ]
    new = t.get_added_vocab()
    return counts, len(t) - before, t.vocab_size, {k: v for k, v in new.items() if v >= before}, len(t.get_vocab())


@behaviour
def added_tokens_and_case(t: Any, added_token: Any) -> Any:
    t.add_tokens(["aaaaa BbBb", added_token("CcCc", normalized=False), added_token("DdDd", special=True)])
    return [
        t.convert_ids_to_tokens(t.encode(text))
        for text in ("AAAAA bbbb low cccc CcCc dddd DdDd", "aaaaa bbbblow CcCccccc")
    ]


# Text


@behaviour
def the_words_of_bert(t: Any, _: Any) -> Any:
    texts = [
        "ah\u535a\u63a8zz", " \tHeLLo!how  \n Are yoU?  ", "H\u00e4LLo", "HaLLo\u0308", "\xad", "Test", "", " ", "\n\n",
        "A, na\u00efve [MASK] AllenNLP sentence.", "unaffableX newer", "I\u2019m \u00bfqu\u00e9? \u20ac5 10% a_b c/d",
        "\u7684\u4eba\u6709", "x" * 100, "x" * 101, "\U0001f600\u200d\U0001f467", "\u0130stanbul",
        "\uac00\uac01 \u1100\u1161",
    ]  # fmt: skip
    return [(t.tokenize(text), plain(t(text, return_offsets_mapping=True))) for text in texts]


@behaviour
def text_and_tokens_convert(t: Any, _: Any) -> Any:
    tokens = t.tokenize(ONE)
    ids = t.convert_tokens_to_ids(tokens)
    return (
        tokens,
        ids,
        t.convert_ids_to_tokens(ids) == tokens,
        t.convert_ids_to_tokens(ids[0]),
        t.convert_tokens_to_ids(tokens[0]),
        t.convert_tokens_to_ids("no such token"),
        t.convert_ids_to_tokens(t.encode(ONE), skip_special_tokens=True),
        t.tokenize(ONE, TWO),
        t.tokenize(ONE, add_special_tokens=True),
        t.tokenize(ONE, pair=TWO, add_special_tokens=True),
    )


@slow_only
def tokens_are_joined_to_words(t: Any, _: Any) -> Any:
    return [t.convert_tokens_to_string(tokens) for tokens in (t.tokenize(ONE), ["un", "##aff", "##able"], ["##a"], [])]


@slow_only
def decoding(t: Any, _: Any) -> Any:
    import numpy as np

    ids = t.encode("Hello , it isn 't the [MASK] [MASK] fox [SEP] . unaffable ?", TWO)
    array = np.array([ids, ids[::-1]])
    out = [
        t.decode(ids, skip_special_tokens=skip, clean_up_tokenization_spaces=clean)
        for skip, clean in product((True, False), (True, False, None))
    ]
    return [
        *out,
        t.decode(np.array(ids)),
        t.decode(list(np.array(ids))),
        t.decode(ids[1]),
        t.decode(np.int64(ids[1])),
        t.decode([]),
        t.decode(tuple(ids)),
        t.batch_decode(array),
        t.batch_decode(array.tolist(), skip_special_tokens=True),
        t.batch_decode(list(array), clean_up_tokenization_spaces=False),
        t.batch_decode([]),
        t.convert_ids_to_tokens(np.array(ids)),
        t.convert_ids_to_tokens(list(np.array(ids))),
    ]


@behaviour
def decoding_of_torch_tensors(t: Any, _: Any) -> Any:
    import torch

    ids = torch.tensor([t.encode(ONE), t.encode(ONE)[::-1]])
    return t.batch_decode(ids), t.decode(ids[0]), t.decode(list(ids[0])), t.decode(ids[0, 1]), t.batch_decode(list(ids))


# Lengths


@behaviour
def every_way_to_cut(t: Any, _: Any) -> Any:
    out = []
    grid = product(("longest_first", "only_first", "only_second", True), range(2, 19, 2), (0, 1, 3), (True, False))
    for strategy, length, stride, special in grid:
        if stride and stride >= length - 3:  # ours never takes it; the peer only where something is cut
            continue
        options = {"truncation": strategy, "max_length": length, "stride": stride, "add_special_tokens": special}
        for args in ((ONE,), (ONE, TWO), (TWO, "hello"), ([ONE, "a"], [TWO, ""]), ([""], [""])):
            overflowing = within(length, tried(t, *args, **options, return_overflowing_tokens=True))
            out.append(((*args, options), overflowing))
            out.append(((*args, options), within(length, tried(t, *args, **options, return_special_tokens_mask=True))))
    return out


@behaviour
def cutting_and_padding_by_the_models_length(t: Any, _: Any) -> Any:
    t.model_max_length = 6
    return [
        tried(t, [ONE, "a"], truncation=True),
        tried(t, [ONE, "a"], truncation=True, padding="max_length"),
        tried(t, ["a"], padding="max_length"),
        tried(t, [ONE, "a"], padding=True),
        tried(t, [ONE, "a"], truncation=True, max_length=4),
        tried(t, ONE, truncation="do_not_truncate"),
        tried(t, ONE, padding="do_not_pad"),
    ]


@behaviour
def overflowing_rows_know_their_sample(t: Any, _: Any) -> Any:
    options = {"truncation": True, "max_length": 7, "return_overflowing_tokens": True, "return_length": True}
    texts = [ONE, "a", TWO, ""]
    return [
        plain(t(texts, **options, stride=2, padding="max_length", return_offsets_mapping=True)),
        plain(t(texts, **options)),
        plain(t(ONE, **options)),
        plain(t(texts, **options, padding=True, return_tensors="np")),
        plain(t([list(SPLIT[0])], **options, is_split_into_words=True)),
        plain(t(texts, texts[::-1], **options | {"max_length": 9}, stride=1)),
    ]


@behaviour
def every_way_to_pad(t: Any, _: Any) -> Any:
    out = []
    for side, padding, multiple in product(("left", "right"), (True, False, "longest", "max_length"), (None, 1, 4)):
        options = {"padding": padding, "padding_side": side, "pad_to_multiple_of": multiple, "max_length": 11}
        if padding != "max_length":
            del options["max_length"]
        for args in ((ONE,), ([ONE, "a", ""],), ([ONE, "a"], ["b", TWO])):
            out.append(tried(t, *args, **options, return_special_tokens_mask=True, return_offsets_mapping=True))
        t.padding_side = side
        out.append(tried(t, [ONE, "a"], padding=padding, max_length=options.get("max_length")))
    return out


@behaviour
def padding_afterwards(t: Any, _: Any) -> Any:
    import numpy as np
    import torch

    rows = [t(text, return_special_tokens_mask=True) for text in (ONE, "a", "")]
    batch = t([ONE, "a", ""])
    out = []
    for given in (
        rows, [dict(row) for row in rows], batch, dict(batch), rows[0], {"input_ids": [5, 6]},
        [{"input_ids": np.array(row["input_ids"])} for row in rows],
        [{"input_ids": []}, {"input_ids": [5]}],
    ):  # fmt: skip
        for options in (
            {}, {"padding": "max_length", "max_length": 14}, {"padding": False}, {"pad_to_multiple_of": 8},
            {"padding_side": "left"},
        ):  # fmt: skip
            out.append(tried(t.pad, copy.deepcopy(given), **options))
    out.append(tried(t.pad, rows, return_tensors="np"))
    out.append(tried(t.pad, {"input_ids": [[5], [6, 7]]}, return_attention_mask=False))
    with_labels = [{"input_ids": torch.tensor(row["input_ids"]), "labels": torch.tensor(1)} for row in rows]
    out += [plain(t.pad(with_labels, padding="max_length", max_length=16)), plain(t.pad(with_labels))]
    made = t.pad([{"input_ids": torch.tensor(row["input_ids"])} for row in rows], return_tensors="pt")
    return [*out, type(made["input_ids"]).__name__, str(made["input_ids"].dtype), plain(made)]


# What is returned


@behaviour
def columns_on_request(t: Any, _: Any) -> Any:
    names = ("token_type_ids", "attention_mask", "special_tokens_mask", "offsets_mapping", "length")
    out = []
    for values in product((True, False), repeat=len(names)):
        options = {f"return_{name}": value for name, value in zip(names, values, strict=True)}
        out += [plain(t(ONE, **options)), plain(t([ONE, TWO], **options))]
    return [*out, t.model_input_names]


@behaviour
def tensors(t: Any, _: Any) -> Any:
    out = []
    for kind in ("np", "pt"):
        for args in (("a",), (["a", "b"],), ([ONE, "a"], [TWO, "b"])):
            made = t(*args, padding=True, return_tensors=kind, return_offsets_mapping=True)
            out.append([(k, type(v).__name__, list(v.shape), str(v.dtype), v.tolist()) for k, v in made.items()])
        out.append(plain(t.encode(ONE, return_tensors=kind)))
    return [*out, tried(t, [ONE, "a"], return_tensors="pt")]


@behaviour
def words_instead_of_texts(t: Any, _: Any) -> Any:
    one, two = SPLIT
    words = {"is_split_into_words": True, "return_offsets_mapping": True}
    return [
        plain(t(one, **words)),
        plain(t(one, two, **words)),
        plain(t([one, two], **words)),
        plain(t([one, two], [two, one], **words)),
        plain(t([["", "a", " "], [""]], **words)),
        tried(t, one, two, **words, truncation="only_second", max_length=9),
        plain(t(one, two, **words, truncation="only_second", max_length=14)),
        t.encode(one, two, is_split_into_words=True),
        t(one, two, **words).word_ids(),
        t([one, two], [two, one], **words).sequence_ids(1),
    ]


@behaviour
def characters_words_and_tokens(t: Any, _: Any) -> Any:
    out = []
    calls = [((ONE,), {}), ((ONE, TWO), {}), (([ONE, "a"], [TWO, "é x"]), {"padding": True}), ((["", "a"],), {})]
    calls += [((list(SPLIT[0]),), {"is_split_into_words": True}), (SPLIT, {"is_split_into_words": True})]
    for args, options in calls:
        batch = t(*args, **options)
        for row in range(2 if isinstance(args[0], list) and not options.get("is_split_into_words") else 1):
            out.append((batch.tokens(row), batch.word_ids(row), batch.sequence_ids(row), batch.n_sequences))
            for k in range(len(batch.tokens(row))):
                out.append((batch.token_to_sequence(row, k), batch.token_to_word(row, k)))
                out.append(plain(batch.token_to_chars(row, k)))
            for sequence, k in product(range(2 if len(args) == 2 else 1), range(34)):
                out.append((batch.char_to_token(row, k, sequence), asked(batch.char_to_word, row, k, sequence)))
                out.append(asked(batch.word_to_tokens, row, k, sequence))
                out.append(asked(batch.word_to_chars, row, k, sequence))
        if not isinstance(args[0], list):
            out.append((batch.char_to_token(5), batch.token_to_word(1), plain(batch.token_to_chars(2))))
            out.append((plain(batch.word_to_tokens(1)), plain(batch.word_to_chars(1)), batch.char_to_word(4)))
            out.append((batch.token_to_sequence(1), asked(batch.char_to_token, 0)))
    return out


@behaviour
def a_batch_is_a_mapping(t: Any, _: Any) -> Any:
    batch = t([ONE, "a"], padding=True)
    twin, pickled = batch.copy(), pickle.loads(pickle.dumps(batch))
    twin["labels"] = [0, 1]
    twin.update({"more": [5]})
    out: list[Any] = [list(batch), list(batch.keys()), plain(dict(batch.items())), plain(batch.data), len(batch)]
    out += ["input_ids" in batch, "labels" in batch, list(twin), twin.pop("labels"), sorted(twin)]
    out += [plain(dict(**batch)), batch.input_ids == batch["input_ids"], plain(pickled.data), pickled.tokens(1)]
    out += [twin.word_ids(0), batch[0].ids, batch[1].tokens, batch[0].offsets, batch.get("nothing")]
    out += [tried(lambda: batch["nothing"]), tried(lambda: batch.nothing), plain(list(batch.values()))]
    tensors = batch.convert_to_tensors("pt")
    out += [tensors is batch, type(batch["input_ids"]).__name__, batch.to("cpu") is batch, plain(batch)]
    single = t("a")
    single.convert_to_tensors("np", prepend_batch_axis=True)
    return [*out, plain(single), single["input_ids"].shape, len(batch.encodings), copy.deepcopy(batch).tokens(1)]


# A tokenizer as a whole


@behaviour
def it_survives_pickle_and_its_folder(t: Any, _: Any) -> Any:
    t.add_tokens(["foo-bar"])
    t.model_max_length = 9
    t.add_special_tokens({"additional_special_tokens": ["<a>"]})
    out = []
    for again in (pickle.loads(pickle.dumps(t)), copy.deepcopy(t), copy.copy(t), reloaded(t)):
        out.append(plain(again([ONE + "<a>", "a foo-bar"], truncation=True, padding=True)))
        out.append((again.padding_side, again.truncation_side, again.model_max_length, len(again)))
        out.append((again.get_vocab() == t.get_vocab(), plain(again.special_tokens_map), again.all_special_ids))
    changed = reloaded(t, model_max_length=43, padding_side="right", additional_special_tokens=["<b>"])
    return [*out, changed.model_max_length, changed.padding_side, changed.additional_special_tokens, len(changed)]


@behaviour
def special_tokens_given_on_opening(t: Any, added_token: Any) -> Any:
    more = [added_token("<special>", lstrip=True), "<other>"]
    made = reloaded(t, additional_special_tokens=more, pad_token=added_token("<p>", rstrip=True))
    out = [made.additional_special_tokens, made.pad_token, made.encode("hey <special> x <p>  y")]
    return [*out, len(made), made.pad_token_id, plain(made.special_tokens_map)]


@behaviour
def the_vocabulary(t: Any, _: Any) -> Any:
    vocab = t.get_vocab()
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(path).name for path in t.save_vocabulary(folder, filename_prefix="my")]
        lines = (Path(folder) / names[0]).read_text("utf-8").split("\n")
    t.add_tokens(["foo-bar"])
    with_more = t.get_vocab()["foo-bar"]
    return vocab, len(t), t.vocab_size, names, lines, with_more, t.padding_side, t.truncation_side
