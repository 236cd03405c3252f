"""Small tokenizer.json files of every kind, trained on the spot with the Rust library."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CORPUS = [
    "the quick brown fox jumps over the lazy dog",
    "The lazy dog sleeps; the quick fox doesn't.",
    "un été à Paris, l'élan du café, 12 345 francs",
    "hello world, hello new world! lower lowest newer newest",
    "naïve ﬁne weather in Zürich: 中文 and 日本 and 中文",
    "low low low lower lower newest newest newest widest widest",
] * 4
TEXTS = [
    "the quick fox",
    "Hello  wörld,\tit's 12 o'clock\n中文字 😀 ﬁne",
    "",
    " lower<mask>newest  <mask> [MASK] </s>",
    "unseen Ωords: ﷺ e\u0301te\u0301 \u200b end ",
]
Made = tuple[Tokenizer, dict[str, Any]]  # and the roles of its tokens


def _trained(tokenizer: Tokenizer, trainer: Any) -> Tokenizer:
    tokenizer.train_from_iterator(CORPUS, trainer=trainer)
    return tokenizer


def _frame(tokenizer: Tokenizer, first: str, last: str, pair: list[str]) -> None:
    ids = [(token, tokenizer.token_to_id(token)) for token in dict.fromkeys((first, last)) if token]
    single = [*([first] if first else []), "$A", last]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=ids)


def word_level() -> Made:
    tokenizer = Tokenizer(models.WordLevel({}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["<unk>", "<pad>", "<s>", "</s>"]
    _trained(tokenizer, trainers.WordLevelTrainer(special_tokens=special, show_progress=False))
    _frame(tokenizer, "<s>", "</s>", ["<s>", "$A", "</s>", "$B:1", "</s>:1"])
    return tokenizer, {"unk_token": "<unk>", "pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}


def word_piece() -> Made:
    tokenizer = Tokenizer(models.WordPiece({}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    _trained(tokenizer, trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    roles = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return tokenizer, dict(zip(roles, special, strict=True))


def bpe() -> Made:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits(individual_digits=True)]
    )
    tokenizer.decoder = decoders.BPEDecoder()
    trainer = trainers.BpeTrainer(
        vocab_size=150, special_tokens=["<unk>", "<pad>"], end_of_word_suffix="</w>", show_progress=False
    )
    return _trained(tokenizer, trainer), {"unk_token": "<unk>", "pad_token": "<pad>"}


def _byte_level(special: list[str], *, prefix: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return _trained(
        tokenizer,
        trainers.BpeTrainer(
            vocab_size=330, special_tokens=special, initial_alphabet=sorted(alphabet), show_progress=False
        ),
    )


def gpt2() -> Made:
    tokenizer = _byte_level(["<|endoftext|>"], prefix=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer, dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), "<|endoftext|>")


def roberta() -> Made:
    tokenizer = _byte_level(["<s>", "<pad>", "</s>", "<unk>"], prefix=False)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    roles = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>"}
    return tokenizer, roles | {"unk_token": "<unk>", "mask_token": AddedTokenLike("<mask>", lstrip=True)}


class AddedTokenLike(dict[str, Any]):
    """The flags of a token, to be made into the class of whichever library takes it."""

    def __init__(self, content: str, **flags: Any) -> None:
        super().__init__(content=content, **flags)


def llama() -> Made:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    _trained(tokenizer, trainer)
    parsed = json.loads(tokenizer.to_str())
    parsed["added_tokens"] = [t for t in parsed["added_tokens"] if not t["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(parsed))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["<s>", "$A"], pair=["<s>", "$A", "<s>:1", "$B:1"], special_tokens=[("<s>", 1)]
    )
    roles = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    return tokenizer, roles


def _unigram(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return _trained(
        tokenizer,
        trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>", show_progress=False),
    )


def charsmap() -> bytes:
    """SentencePiece's compiled table (a double array, then the replacements) for one entry: U+FB01 -> "fi"."""
    units = [0] * 0x500
    units[0] = 0x100 << 10
    base, bases = 0x100, [0x200, 0x300, 0x400]
    for byte, following in zip("\ufb01".encode(), bases, strict=True):
        place = base ^ byte
        units[place] = byte | (place ^ following) << 10 | (following == bases[-1]) << 8
        base = following
    units[base] = 1 << 31
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + b"fi\0"


def t5() -> Made:
    tokenizer = _unigram(["<pad>", "</s>", "<unk>"])
    tokenizer.normalizer = normalizers.Precompiled(charsmap())
    tokenizer.add_special_tokens([f"<extra_id_{n}>" for n in range(2)])
    _frame(tokenizer, "", "</s>", ["$A", "</s>", "$B", "</s>"])
    extra = ["<extra_id_0>", "<extra_id_1>"]
    roles = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    return tokenizer, roles | {"additional_special_tokens": extra}


def xlm_roberta() -> Made:
    tokenizer = _unigram(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Strip(left=False), normalizers.Replace(" {2,}", "▁")]
    )
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    _frame(tokenizer, "<s>", "</s>", ["<s>", "$A", "</s>", "</s>", "$B", "</s>"])
    roles = {"bos_token": "<s>", "cls_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>"}
    return tokenizer, roles | {"unk_token": "<unk>", "mask_token": AddedTokenLike("<mask>", lstrip=True)}


def albert() -> Made:
    tokenizer = _unigram(["<pad>", "<unk>", "[CLS]", "[SEP]"])
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    tokenizer.add_special_tokens(["[MASK]"])
    _frame(tokenizer, "[CLS]", "[SEP]", ["[CLS]", "$A", "[SEP]", "$B:1", "[SEP]:1"])
    roles = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return tokenizer, roles | {"pad_token": "<pad>", "unk_token": "<unk>"}


def odd_tokens() -> Made:
    """Special tokens that templates and regular expressions could trip over."""
    tokenizer = Tokenizer(models.WordLevel({}, unk_token="a:b"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = ["a:b", "$A", "[(*", "\\d+", "two words"]
    _trained(tokenizer, trainers.WordLevelTrainer(special_tokens=special, show_progress=False))
    tokenizer.post_processor = processors.RobertaProcessing(("[(*", 2), ("\\d+", 3), trim_offsets=False)
    tokenizer.add_tokens([AddedToken("x|y", single_word=True), AddedToken("^.*$", lstrip=True, rstrip=True)])
    roles = {"unk_token": "a:b", "pad_token": "$A", "sep_token": "[(*", "cls_token": "\\d+", "mask_token": "two words"}
    return tokenizer, roles


MAKERS: dict[str, Callable[[], Made]] = {
    maker.__name__: maker
    for maker in (word_level, word_piece, bpe, gpt2, roberta, llama, t5, xlm_roberta, albert, odd_tokens)
}


def views(tokenizer: Any, roles: dict[str, Any], texts: list[str], saved: str | None = None) -> dict[str, Any]:
    """What either library's tokenizer says of texts: every column, every way to cut, and back."""
    columns = ("token_type_ids", "special_tokens_mask", "offsets_mapping", "length")
    everything = {f"return_{column}": True for column in columns}
    pairs = [texts[1:] + texts[:1]]
    short = {"truncation": True, "max_length": 8, "return_overflowing_tokens": True, **everything}
    calls = {
        "single": ((texts,), everything),
        "bare": ((texts,), {"add_special_tokens": False, **everything}),
        "pair": ((texts, *pairs), everything),
        "padded": ((texts,), {"padding": True, "pad_to_multiple_of": 4, **everything}),
        "left": ((texts,), {"padding": "max_length", "max_length": 70, "padding_side": "left", **everything}),
        "cut": ((texts,), short),
        "strided": ((texts,), {**short, "stride": 2}),
        "cut pair": ((texts, *pairs), {**short, "stride": 1}),
        "words": (([text.split() or ["a"] for text in texts],), {"is_split_into_words": True, **everything}),
    }
    out: dict[str, Any] = {}
    for name, (args, kwargs) in calls.items():
        batch = tokenizer(*args, **kwargs)
        out[name] = {key: [list(v) if isinstance(v, list) else v for v in column] for key, column in batch.items()}
        rows = range(len(batch["input_ids"]))
        out[f"{name}: words"] = [batch.word_ids(i) for i in rows]
        out[f"{name}: sequences"] = [batch.sequence_ids(i) for i in rows]
        out[f"{name}: at 5"] = [batch.char_to_token(i, 5) for i in rows]
    for skip in (False, True):
        out[f"decoded {skip}"] = [
            tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=skip) for text in texts
        ]
    out["tokens"] = [tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) for text in texts]
    out["special"] = sorted(tokenizer.all_special_tokens)
    out["sizes"] = len(tokenizer), tokenizer.vocab_size, tokenizer.num_special_tokens_to_add(pair=True)
    out["roles"] = {role: str(getattr(tokenizer, role)) for role in roles if role != "additional_special_tokens"}
    out["role ids"] = {role: getattr(tokenizer, f"{role}_id") for role in out["roles"]}
    if saved is not None:
        tokenizer.save_pretrained(saved)
    return out


def peer_views(file: str, roles: dict[str, Any], texts: list[str], saved: str) -> dict[str, Any]:
    """Run in a peer's process: `views` of its own PreTrainedTokenizerFast on a file, which it then saves."""
    from transformers import AddedToken, PreTrainedTokenizerFast

    given = {role: AddedToken(**token) if isinstance(token, dict) else token for role, token in roles.items()}
    return views(PreTrainedTokenizerFast(tokenizer_file=file, **given), roles, texts, saved)


def peer_trained(file: str, roles: dict[str, Any], corpus: list[str], options: dict[str, Any]) -> dict[str, Any]:
    """Run in a peer's process: what its train_new_from_iterator makes of a file and a corpus."""
    from transformers import AddedToken, PreTrainedTokenizerFast

    given = {role: AddedToken(**token) if isinstance(token, dict) else token for role, token in roles.items()}
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=file, **given)
    return about(tokenizer.train_new_from_iterator(corpus, show_progress=False, **options))


def about(tokenizer: Any) -> dict[str, Any]:
    """A trained tokenizer's vocabulary, special tokens and rows."""
    return {
        "vocab": tokenizer.get_vocab(),
        "special": sorted(map(str, tokenizer.all_special_tokens)),
        "rows": [tokenizer(text)["input_ids"] for text in TEXTS],
        "pair": tokenizer("the quick", "fox")["input_ids"],
    }


def written(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """A tokenizer.json of the kind `name` in `folder`, and the roles of its tokens."""
    tokenizer, roles = MAKERS[name]()
    path = folder / "tokenizer.json"
    tokenizer.save(str(path))
    return path, roles
