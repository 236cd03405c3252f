"""The same tokenizer with a vocabulary learnt from other texts, for whatever model a tokenizer.json holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Self

from ..errors import InputError, suggest
from .arguments import refuse_unknown
from .base import PreTrainedTokenizerBase
from .special_tokens import ROLES, AddedToken
from .training import check_count
from .training_texts import read_texts

_MERGING = (
    "min_frequency",
    "show_progress",
    "limit_alphabet",
    "initial_alphabet",
    "continuing_subword_prefix",
    "end_of_word_suffix",
)
_UNIGRAM = (
    "show_progress",
    "initial_alphabet",
    "shrinking_factor",
    "unk_token",
    "max_piece_length",
    "n_sub_iterations",
)
TRAINERS = {  # a model's type in tokenizer.json -> the library's trainer, and the options it knows
    "BPE": ("BpeTrainer", (*_MERGING, "max_token_length")),
    "WordPiece": ("WordPieceTrainer", _MERGING),
    "WordLevel": ("WordLevelTrainer", ("min_frequency", "show_progress")),
    "Unigram": ("UnigramTrainer", _UNIGRAM),
}
# Arguments of a constructor that the trained backend takes the place of.
_REPLACED = {"vocab_file", "tokenizer_file", "tokenizer_object", "added_tokens_decoder", "additional_special_tokens"}


class Retraining(PreTrainedTokenizerBase, register=False):
    """`train_new_from_iterator`, for tokenizers on the Rust library."""

    _backend: Any

    def train_new_from_iterator(
        self,
        text_iterator: Iterable[str | list[str]],
        vocab_size: int,
        length: int | None = None,
        new_special_tokens: list[str | AddedToken] | None = None,
        special_tokens_map: Mapping[str, str] | None = None,
        **trainer_options: Any,
    ) -> Self:
        """A tokenizer like this one with at most `vocab_size` tokens learnt from texts, or from lists of them.

        It normalises, cuts and frames as this one does, and has its special tokens (renamed as `special_tokens_map`
        says) and `new_special_tokens`; other added tokens are left behind. `length`, the number of texts, is for the
        bar of `show_progress=True`. `trainer_options` go to the library's trainer of this kind of model.

        Raises InputError for texts without a word, and for a vocab_size that they do not fit.
        """
        from tokenizers import Tokenizer, trainers

        where = f"{type(self).__name__}.train_new_from_iterator"
        check_count(where, "vocab_size", vocab_size)
        if isinstance(text_iterator, str):
            raise InputError(where, "expected texts one by one or in lists, got one string", hint="Give [text].")
        if isinstance(text_iterator, (bytes, Mapping)) or not isinstance(text_iterator, Iterable):
            raise InputError(where, f"expected texts one by one or in lists, got {type(text_iterator).__name__}")
        whole = json.loads(self._backend.to_str())
        kind = whole["model"]["type"]
        trainer, known = TRAINERS[kind]
        refuse_unknown(where, trainer_options, known)
        renamed = self._renaming(where, special_tokens_map or {}, whole)
        special = [
            _renamed(AddedToken.of(token), renamed)
            for token in whole.pop("added_tokens")
            if token["special"] or kind == "Unigram"
        ]
        special += [AddedToken.of(token, special=True) for token in new_special_tokens or ()]
        frame = whole.pop("post_processor", None)  # it holds ids, which are not known yet
        options = {"show_progress": False, **_model_options(whole, renamed), **trainer_options}
        trainee = Tokenizer.from_str(json.dumps(whole))
        texts = _counted(where, read_texts(where, iter(text_iterator)))
        made = getattr(trainers, trainer)(
            vocab_size=vocab_size, special_tokens=[_rust(token) for token in special], **options
        )
        try:
            trainee.train_from_iterator(texts, trainer=made, length=length)
        except InputError:
            raise
        except BaseException as error:  # the library raises Exception itself, and panics with one of its own
            if isinstance(error, Exception) or type(error).__name__ == "PanicException":
                raise InputError(
                    where, f"the tokenizers library cannot train {kind} on these texts: {error}"
                ) from error
            raise
        size = trainee.get_vocab_size(with_added_tokens=False)
        if size > vocab_size:
            raise InputError(
                where,
                f"vocab_size={vocab_size} is less than the {size} tokens that these texts need at least, special "
                "tokens and characters",
                hint=f"Give {size} or more, or limit_alphabet=… to leave rare characters out."
                if "limit_alphabet" in known
                else f"Give {size} or more.",
            )
        if frame is not None:
            _frame(where, frame, renamed, trainee)
            trainee = Tokenizer.from_str(json.dumps(json.loads(trainee.to_str()) | {"post_processor": frame}))
        make: Any = type(self)
        return make(tokenizer_object=trainee, **self._options_for_training(renamed, special))  # type: ignore[no-any-return]

    def _renaming(self, where: str, asked: Mapping[str, str], whole: dict[str, Any]) -> Mapping[str, str]:
        known = {token["content"] for token in whole["added_tokens"]} | set(self.all_special_tokens)
        wrong = [f"special_tokens_map: {t!r} is no special token{suggest(t, known)}" for t in asked if t not in known]
        if wrong:
            raise InputError(where, *wrong, hint=f"Special tokens: {', '.join(sorted(known)) or 'none'}.")
        return asked

    def _options_for_training(self, renamed: Mapping[str, str], special: list[AddedToken]) -> dict[str, Any]:
        """The constructor's arguments of the new tokenizer: this one's own, and the roles under their new names."""
        names = self.known_arguments() - _REPLACED - set(ROLES) - {"name_or_path"}
        options = {name: value for name, value in vars(self).items() if name in names}
        by_content = {token.content: token for token in special}
        for role in ROLES:
            token = getattr(self, role)
            name = renamed.get(token, token)
            options[role] = by_content.get(name, name)
        roles = {str(options[role]) for role in ROLES}
        kept = [renamed.get(token, token) for token in self.additional_special_tokens]
        fresh = [token.content for token in special if token.special and token.content not in kept]
        more = [name for name in kept + fresh if name not in roles]
        return options | {"additional_special_tokens": [by_content.get(name, name) for name in more]}


def _model_options(whole: dict[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Take the vocabulary out of a tokenizer.json; what its trainer has to be told to learn another of the kind."""
    model, options = whole["model"], {}
    if isinstance(model.get("unk_token"), str):
        model["unk_token"] = renamed.get(model["unk_token"], model["unk_token"])
    if model["type"] == "Unigram":
        if model["unk_id"] is not None:
            unk = model["vocab"][model["unk_id"]][0]
            options["unk_token"] = unk = renamed.get(unk, unk)
            model |= {"unk_id": 0, "vocab": [[unk, 0.0]]}
    else:
        model["vocab"] = {}
    if model["type"] == "BPE":
        model["merges"] = []
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        if model["type"] in ("BPE", "WordPiece") and model.get(name) is not None:
            options[name] = model[name]
    if model["type"] != "WordLevel" and any(part.get("type") == "ByteLevel" for part in _parts(whole["pre_tokenizer"])):
        from tokenizers import pre_tokenizers

        options["initial_alphabet"] = pre_tokenizers.ByteLevel.alphabet()
    return options


def _parts(component: Any) -> list[dict[str, Any]]:
    """A pre-tokenizer or post-processor and, if it is a sequence, all in it."""
    if component is None:
        return []
    inner = component.get("pretokenizers") or component.get("processors") or []
    return [component, *(part for item in inner for part in _parts(item))]


def _frame(where: str, frame: dict[str, Any], renamed: Mapping[str, str], trainee: Any) -> None:
    """Give the tokens of a post-processor their new names and ids."""

    def index(token: str) -> int:
        found = trainee.token_to_id(token)
        if found is None:
            raise InputError(
                where,
                f"the rows of this tokenizer have {token!r} in them, which is not among the special tokens",
                hint=f"Add it: new_special_tokens=[{token!r}].",
            )
        return int(found)

    for part in _parts(frame):
        if part["type"] == "TemplateProcessing":
            names = {name: renamed.get(name, name) for name in part["special_tokens"]}
            table = {}
            for name, entry in part["special_tokens"].items():
                tokens = [renamed.get(token, token) for token in entry["tokens"]]
                table[names[name]] = {"id": names[name], "ids": [index(t) for t in tokens], "tokens": tokens}
            part["special_tokens"] = table
            for piece in [*part["single"], *part["pair"]]:
                if "SpecialToken" in piece:
                    piece["SpecialToken"]["id"] = names[piece["SpecialToken"]["id"]]
        for role in ("cls", "sep"):  # BERT's and RoBERTa's own processors
            if role in part:
                token = renamed.get(part[role][0], part[role][0])
                part[role] = [token, index(token)]


def _counted(where: str, texts: Iterable[str]) -> Iterable[list[str]]:
    """The texts, handed on in lists; an error at their end if there was nothing in them."""
    batch: list[str] = []
    empty = True
    for text in texts:
        empty = empty and not text.strip()
        batch.append(text)
        if len(batch) == 1000:
            yield batch
            batch = []
    if empty:
        raise InputError(where, "there is no word to learn from in these texts")
    yield batch


def _renamed(token: AddedToken, renamed: Mapping[str, str]) -> AddedToken:
    return AddedToken.of(token.to_dict() | {"content": renamed.get(token.content, token.content)})


def _rust(token: AddedToken) -> Any:
    from tokenizers import AddedToken as Rust

    return Rust(**token.to_dict())
