"""Learning a WordPiece vocabulary from texts (Schuster and Nakajima 2012; Sennrich et al. 2016 for the merges).

The Rust library does the merging. It numbers the pieces in the order of a hash table, so that two runs over one text
give two vocabularies; here words are counted and pieces numbered first, and the same text gives the same vocabulary.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, Self

from ..errors import InputError
from . import unicode_tables as tables
from .base import PreTrainedTokenizerBase
from .normalize import character_class
from .training_texts import Progress, Texts, read_texts
from .wordpiece import LONGEST_WORD

PREFIX = "##"
ORDER = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")  # ids from 0, as BERT's own files have it
REPEATS = 512  # of one word in a text that is handed to the library
BATCH = 256  # texts handed over at once


class Normalizer(Protocol):
    """What a word is learnt from: a text's normal form."""

    def normalize(self, text: str) -> str: ...


class WordPieceTraining(PreTrainedTokenizerBase, register=False):
    """`train` for tokenizers whose vocabulary is WordPiece's."""

    def _normalizer_of_words(self) -> Normalizer:
        raise NotImplementedError

    @classmethod
    def train(
        cls,
        texts: Texts,
        vocab_size: int = 30_000,
        *,
        min_frequency: int = 2,
        limit_alphabet: int | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Self:
        """A tokenizer with a vocabulary learnt from `texts`: a file, a list of files, or an iterable of texts.

        vocab_size: the most tokens, special ones included. A text with little in it gives fewer.
        min_frequency: how often two pieces must stand side by side to become one.
        limit_alphabet: keep only so many characters, the most frequent; by default every one.
        progress: called with the stage ("reading", "learning"), how much is done, and of how much (None: not known).
        options: the constructor's (do_lower_case, strip_accents, …); the text is normalised as they say.

        Raises InputError for a file that is missing or not UTF-8, for texts without a word, and for a vocab_size that
        is less than the special tokens and characters need.
        """
        where = f"{cls.__name__}.train"
        for name, value in (("vocab_size", vocab_size), ("min_frequency", min_frequency)):
            check_count(where, name, value)
        if limit_alphabet is not None:
            check_count(where, "limit_alphabet", limit_alphabet)
        if "vocab_file" in options:
            raise InputError(where, "makes the vocabulary, so vocab_file cannot be given")
        special = cls._special_for_training(options)
        make: Any = cls  # whose first argument is a vocabulary
        probe: Self = make({token: index for index, token in enumerate(special)}, **options)  # refuses early
        words = count_words(read_texts(where, texts, progress), probe._normalizer_of_words())
        vocab = learn_pieces(
            where,
            words,
            vocab_size,
            special=special,
            min_frequency=min_frequency,
            limit_alphabet=limit_alphabet,
            progress=progress,
        )
        return make(vocab, **options)  # type: ignore[no-any-return]

    @classmethod
    def _special_for_training(cls, options: Mapping[str, Any]) -> list[str]:
        tokens = {**cls._default_roles(), **options}
        roles = [str(tokens[role]) for role in ORDER if tokens.get(role) is not None]
        more = options.get("additional_special_tokens") or ()
        return list(dict.fromkeys([*roles, *(str(getattr(token, "content", token)) for token in more)]))

    @classmethod
    def _default_roles(cls) -> Mapping[str, str]:
        raise NotImplementedError


def count_words(texts: Iterable[str], normalizer: Normalizer) -> Counter[str]:
    """How often each word comes, after normalising and cutting as BERT does."""
    chunks: Counter[str] = Counter()
    for text in texts:
        chunks.update(text.split(" "))  # normalising acts between spaces, and each chunk need be seen once
    space, punctuation = character_class(tables.WHITESPACE), character_class(tables.PUNCTUATION)
    cut = re.compile(f"[{punctuation}]|[^{space}{punctuation}]+").findall
    words: Counter[str] = Counter()
    for chunk, count in chunks.items():
        for word in cut(normalizer.normalize(chunk)):
            words[word] += count
    return words


def learn_pieces(
    where: str,
    words: Mapping[str, int],
    vocab_size: int,
    *,
    special: list[str],
    min_frequency: int = 2,
    limit_alphabet: int | None = None,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Token -> id: the special tokens, each character alone and as a later piece, then what merging gives, in turn.

    Words that are longer than WordPiece takes, or have a character beyond `limit_alphabet`, would be unknown to it
    whatever is learnt, and teach nothing.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    words = {word: count for word, count in words.items() if len(word) <= LONGEST_WORD}
    if limit_alphabet is not None:
        kept = set(_most_frequent(words, limit_alphabet))
        words = {word: count for word, count in words.items() if kept.issuperset(word)}
    if not words:
        raise InputError(where, "there is no word to learn from in these texts")
    first = sorted({char for word in words for char in word})
    later = sorted({PREFIX + char for word in words for char in word[1:]})
    least = len(dict.fromkeys([*special, *first, *later]))
    if vocab_size < least:
        raise InputError(
            where,
            f"vocab_size={vocab_size} is less than the {least} tokens that these texts need at least: {len(special)} "
            f"special tokens, {len(first)} characters, and {len(later)} of them inside of words",
            hint=f"Give {least} or more (30000 is usual), or limit_alphabet=… to leave rare characters out.",
        )
    trainee = Tokenizer(models.WordPiece({}, unk_token=special[0] if special else ""))
    trainee.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=list(dict.fromkeys([*special, *first, *later])),
        continuing_subword_prefix=PREFIX,
        show_progress=False,
    )
    trainee.train_from_iterator(_repeated(words, progress), trainer=trainer)
    vocab: dict[str, int] = trainee.get_vocab(with_added_tokens=False)
    return dict(sorted(vocab.items(), key=lambda item: item[1]))


def _repeated(words: Mapping[str, int], progress: Progress | None) -> Iterator[list[str]]:
    """Each word as often as it was counted, which is how the library takes counts."""
    done, total, batch = 0, sum(words.values()), []
    for word in sorted(words):
        count = words[word]
        while count:
            part = min(count, REPEATS)
            batch.append(" ".join([word] * part))
            count, done = count - part, done + part
            if len(batch) == BATCH:
                yield batch
                batch = []
                if progress is not None:
                    progress("learning", done, total)
    yield batch
    if progress is not None:
        progress("learning", total, total)


def _most_frequent(words: Mapping[str, int], number: int) -> list[str]:
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for char in word:
            counts[char] += count
    return sorted(counts, key=lambda char: (-counts[char], char))[:number]


def check_count(where: str, name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(where, f"{name} must be an integer of at least 1, got {value!r}")
