"""What is wrong with a tokenizer.json that the Rust library does not read, or reads and then fails on.

The library says little more than a column. Here each part is tried by itself in a tokenizer otherwise sound, and
a part of parts likewise, until the one is found that cannot be read: `pre_tokenizer.pretokenizers[1]`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..errors import InputError, suggest

if TYPE_CHECKING:
    from .special_tokens import AddedToken

PARTS = ("truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model")
KEYS = ("version", *PARTS)
MODELS = ("BPE", "Unigram", "WordLevel", "WordPiece")
LISTS = ("normalizers", "pretokenizers", "processors", "decoders")  # in which a sequence keeps its parts
SOUND = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"?": 0}, "unk_token": "?"}}
_MOST = 5  # problems of one kind that are told


def unreadable(whole: dict[str, Any], error: object) -> list[str]:
    """Why the library does not read it: problems, each with its path in the file."""
    found = [f"{key}: unknown{suggest(key, KEYS)}" for key in whole if key not in KEYS]
    if whole.get("version", "1.0") != "1.0":
        found.append(f'version: expected "1.0", got {_short(whole["version"])}')
    if "model" not in whole:
        found.append("model: is missing")
    for key in PARTS:
        if key == "model" and key in whole:
            found += _model(whole[key]) or _tried(key, whole[key])
        elif whole.get(key) is not None:
            found += _tried(key, whole[key])
    return found or [_clean(error)]


def inconsistent(backend: Any) -> list[str]:
    """What the library reads and then stumbles over, or gets wrong: special tokens of a row that are not there."""
    found: list[str] = []
    processor = backend.post_processor
    for path, part in _walk("post_processor", None if processor is None else json.loads(processor.__getstate__())):
        if part.get("type") == "TemplateProcessing":
            for name in ("single", "pair"):
                for number, piece in enumerate(part[name]):
                    token = piece.get("SpecialToken", {}).get("id")
                    if token is not None and token not in part["special_tokens"]:
                        found.append(f"{path}.{name}[{number}]: {token!r} is not in {path}.special_tokens")
            places = [(f"special_tokens[{t!r}]", i) for t, e in part["special_tokens"].items() for i in e["ids"]]
        else:
            places = [(role, part[role][1]) for role in ("cls", "sep") if role in part]
        found += [f"{path}.{place}: {i} is no id of this vocabulary" for place, i in places if not _known(backend, i)]
    return found


def check_ids(where: str, backend: Any, added: Iterable[AddedToken]) -> None:
    """Refuse added tokens whose ids were taken: the library counts tokens, and does not see where ids have gaps."""
    model = backend.model
    for token in added:
        index = backend.token_to_id(token.content)
        owner = None if index is None else model.id_to_token(index)
        if owner is not None and owner != token.content:
            raise InputError(
                where,
                f"{token.content!r} cannot be added: the ids of this vocabulary have gaps, and the next one, {index}, "
                f"is that of {owner!r}",
                hint="Number its tokens from 0 without a gap.",
            )


def _known(backend: Any, index: int) -> bool:
    return backend.id_to_token(index) is not None


def _model(model: Any) -> list[str]:
    """What is wrong with the vocabulary and the merges, which may be long; the rest is tried."""
    if not isinstance(model, dict):
        return [f"model: expected an object, got {_kind(model)}"]
    kind, vocab, found = model.get("type"), model.get("vocab"), []
    if kind is not None and kind not in MODELS:
        return [f"model.type: {kind!r} is not one of {', '.join(MODELS)}{suggest(kind, MODELS)}"]
    if vocab is None:
        return ["model.vocab: is missing"]
    if kind == "Unigram":
        if not isinstance(vocab, list):
            return [f"model.vocab: expected a list of pieces with their scores, got {_kind(vocab)}"]
        for number, entry in enumerate(vocab):
            if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) and _number(entry[1])):
                found.append(f"model.vocab[{number}]: expected [piece, score], got {_short(entry)}")
        unk = model.get("unk_id")
        if unk is not None and not (_id(unk) and unk < len(vocab)):
            found.append(f"model.unk_id: expected the index of one of {len(vocab)} pieces, got {_short(unk)}")
        return _few(found)
    if not isinstance(vocab, dict):
        return [f"model.vocab: expected an object from token to id, got {_kind(vocab)}"]
    found = [f"model.vocab[{t!r}]: expected an id, got {_short(i)}" for t, i in vocab.items() if not _id(i)]
    return _few(found) or _few(list(_merges(model, vocab)))


def _merges(model: dict[str, Any], vocab: dict[str, int]) -> Iterator[str]:
    merges = model.get("merges")
    if model.get("type", "BPE") != "BPE" or ("type" not in model and merges is None):
        return
    if not isinstance(merges, list):
        yield f"model.merges: expected a list of pairs, got {_kind(merges)}"
        return
    prefix = model.get("continuing_subword_prefix") or ""
    for number, merge in enumerate(merges):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            yield f"model.merges[{number}]: expected two tokens, got {_short(merge)}"
            continue
        for token in (*pair, pair[0] + pair[1].removeprefix(prefix)):
            if token not in vocab:
                yield f"model.merges[{number}]: {token!r} is not in model.vocab"


def _tried(path: str, part: Any) -> list[str]:
    """The smallest parts of `part` that the library does not read by themselves."""
    top = path.partition(".")[0].partition("[")[0]
    error = _error(SOUND | {top: part})
    if error is None:
        return []
    if isinstance(part, dict):
        for name in LISTS:
            if isinstance(part.get(name), list):
                inner = [p for i, item in enumerate(part[name]) for p in _tried(f"{path}.{name}[{i}]", item)]
                if inner:
                    return inner
        if top == "post_processor":
            pieces = [p for name in ("single", "pair") for p in _template(path, part, name)] or _table(path, part)
            if pieces:
                return pieces
    if isinstance(part, list) and top == "added_tokens":
        tokens = [
            f"{path}[{i}]: {_clean(e)}"
            for i, item in enumerate(part)
            if (e := _error(SOUND | {top: [item]})) is not None
        ]
        if tokens:
            return _few(tokens)
    kind = f"{_short(part.get('type'))}: " if isinstance(part, dict) and "type" in part else ""
    return [f"{path}: {kind}{_clean(error)}"]


def _template(path: str, part: dict[str, Any], name: str) -> Iterator[str]:
    """The places of a template that are neither a special token nor a sequence."""
    pieces = part.get(name)
    for number, piece in enumerate(pieces if isinstance(pieces, list) else []):
        body = next(iter(piece.values())) if isinstance(piece, dict) and len(piece) == 1 else None
        sound = isinstance(body, dict) and _id(body.get("type_id")) and isinstance(body.get("id"), str)
        if not sound or next(iter(piece)) not in ("SpecialToken", "Sequence"):
            wanted = "a SpecialToken or a Sequence with id and type_id"
            yield f"{path}.{name}[{number}]: expected {wanted}, got {_short(piece)}"


def _table(path: str, part: dict[str, Any]) -> list[str]:
    """The entries of a template's special tokens that do not say which tokens they are."""
    table = part.get("special_tokens")
    fields = {"ids": _id, "tokens": lambda item: isinstance(item, str)}
    return [
        f"{path}.special_tokens[{name!r}]: expected id, ids and tokens, got {_short(entry)}"
        for name, entry in (table.items() if isinstance(table, dict) else ())
        if not isinstance(entry, dict)
        or not all(isinstance(entry.get(key), list) and all(map(test, entry[key])) for key, test in fields.items())
    ]


def _walk(path: str, part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """A component and, if it is a sequence, all in it, with their paths."""
    if isinstance(part, dict):
        yield path, part
        for name in LISTS:
            for number, item in enumerate(part.get(name) or []):
                yield from _walk(f"{path}.{name}[{number}]", item)


def _error(whole: dict[str, Any]) -> BaseException | None:
    from tokenizers import Tokenizer

    try:
        Tokenizer.from_str(json.dumps(whole))
    except BaseException as error:  # the library raises Exception itself, and panics with one of its own
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            return error
        raise
    return None


def _clean(error: object) -> str:
    """The library's message without the column in a text that nobody sees, and without its own types' names."""
    text = re.sub(r" at line \d+ column \d+", "", str(error))
    return re.sub(r"data did not match any variant of untagged enum \w+", "is not of a kind that is known", text)


def _id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 32


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", type(None): "nothing", str: "a string"}.get(type(value), repr(value))


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def _few(problems: list[str]) -> list[str]:
    more = len(problems) - _MOST
    return problems[:_MOST] + ([f"and {more} more"] if more > 0 else [])
