"""The tokens that have a role of their own: `[CLS]`, `[PAD]`, …, and those a person adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from operator import itemgetter
from typing import Any, overload

from ..errors import InputError, suggest
from .arguments import check_flags

ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True)
class AddedToken:
    """A token that is found in the text before anything else happens to it, and is never cut.

    `single_word`: only where no letter or digit touches it. `lstrip`, `rstrip`: takes the whitespace on its left or
    right with it. `normalized`: looked for in the normalised text (default: unless special). `special`: left out by
    `decode(skip_special_tokens=True)`.
    """

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool | None = None
    special: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.content, str) or not self.content:
            raise InputError("AddedToken.content", f"expected a string of at least one character, got {self.content!r}")
        if not self.content.isascii() and any("\ud800" <= char <= "\udfff" for char in self.content):
            raise InputError("AddedToken.content", f"{self.content!r} has a lone surrogate, which is no text")
        for name in ("single_word", "lstrip", "rstrip", "normalized", "special"):
            value = getattr(self, name)
            if not isinstance(value, bool) and (value is not None or name != "normalized"):
                raise InputError(f"AddedToken.{name}", f"expected True or False, got {value!r}")
        if self.normalized is None:
            object.__setattr__(self, "normalized", not self.special)

    def __str__(self) -> str:
        return self.content

    def to_dict(self) -> dict[str, Any]:
        """The fields as `tokenizer_config.json` has them, in its order."""
        return dict(sorted(asdict(self).items()))

    @classmethod
    def of(cls, token: Any, *, special: bool | None = None) -> AddedToken:
        """An AddedToken from one of ours, one of the Rust library's, a string or a file's dictionary."""
        if isinstance(token, cls) and special in (None, token.special):
            return token
        if isinstance(token, str):
            return cls(token, special=bool(special))
        if isinstance(token, (dict, Mapping)):
            get = token.get
            if "content" not in token:
                raise InputError("AddedToken", f"expected a mapping with 'content', got {dict(token)!r}")
            fields = token["content"], get("single_word", False), get("lstrip", False), get("rstrip", False)
            normalized, own = get("normalized"), get("special", False)
        elif hasattr(token, "content"):
            fields = token.content, token.single_word, token.lstrip, token.rstrip
            normalized, own = token.normalized, token.special
        else:
            raise InputError("AddedToken", f"expected a string or an AddedToken, got {type(token).__name__} {token!r}")
        return cls(*fields, normalized, own if special is None else special)


_flags = itemgetter("single_word", "lstrip", "rstrip", "normalized", "special")


def read_tokens(entries: Iterable[tuple[Any, Any]]) -> dict[int, AddedToken]:
    """Tokens by id, from ids and what a file has for each. Of 50,000 tokens most are as the one before but for their
    content, and those are made as copies."""
    tokens: dict[int, AddedToken] = {}
    kinds: dict[Any, dict[str, Any]] = {}
    new, kind_of = AddedToken.__new__, _flags
    for index, entry in entries:
        if type(entry) is dict and len(entry) >= 6:
            try:
                content, flags = entry["content"], kind_of(entry)
                kind = kinds.get(flags)
            except (KeyError, TypeError):
                kind = None
            else:
                if kind is None:
                    kind = kinds[flags] = vars(AddedToken.of(entry | {"content": "?"}))
                if type(content) is str and content and content.isascii():
                    tokens[int(index)] = token = new(AddedToken)
                    vars(token).update(kind, content=content)
                    continue
        tokens[int(index)] = AddedToken.of(entry)
    return tokens


class _Role:
    """The property of one role: `tokenizer.pad_token` is a string or None; setting needs a token of the vocabulary."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, tokenizer: None, owner: type) -> _Role: ...
    @overload
    def __get__(self, tokenizer: SpecialTokens, owner: type) -> str | None: ...
    def __get__(self, tokenizer: SpecialTokens | None, owner: type) -> _Role | str | None:
        return self if tokenizer is None else tokenizer._roles.get(self.name)

    def __set__(self, tokenizer: SpecialTokens, value: Any) -> None:
        if value is None:
            tokenizer._check_role(self.name, None)
            tokenizer._roles.pop(self.name, None)
            tokenizer._skipped = None
            tokenizer._roles_changed()
            return
        where, token = f"{type(tokenizer).__name__}.{self.name}", AddedToken.of(value, special=True)
        tokenizer._check_role(self.name, token.content)
        if tokenizer._token_to_id(token.content) is None:
            raise InputError(
                where,
                f"{token.content!r} is not in the vocabulary",
                hint=f"Add it first: tokenizer.add_special_tokens({{{self.name!r}: {token.content!r}}})",
            )
        tokenizer.add_special_tokens({self.name: value})


class _RoleId:
    """The property of one role's id: `tokenizer.pad_token_id` is an int, or None where there is no such token."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.role = name.removesuffix("_id")

    @overload
    def __get__(self, tokenizer: None, owner: type) -> _RoleId: ...
    @overload
    def __get__(self, tokenizer: SpecialTokens, owner: type) -> int | None: ...
    def __get__(self, tokenizer: SpecialTokens | None, owner: type) -> _RoleId | int | None:
        if tokenizer is None:
            return self
        token = tokenizer._roles.get(self.role)
        return None if token is None else tokenizer._token_to_id(token)

    def __set__(self, tokenizer: SpecialTokens, value: int | None) -> None:
        token = None
        if value is not None and hasattr(value, "__index__") and not isinstance(value, bool) and value >= 0:
            token = tokenizer._id_to_token(int(value))
        if value is not None and token is None:
            raise InputError(f"{type(tokenizer).__name__}.{self.role}_id", f"{value!r} is not an id of the vocabulary")
        setattr(tokenizer, self.role, token)


class SpecialTokens:
    """What a tokenizer knows about its special tokens: a property for each role and its id, and the lists of all."""

    _roles: dict[str, str]
    _additional: list[str]
    _skipped: frozenset[int] | None = None  # the ids that decoding leaves out on request, once they were asked for

    bos_token, bos_token_id = _Role(), _RoleId()
    eos_token, eos_token_id = _Role(), _RoleId()
    unk_token, unk_token_id = _Role(), _RoleId()
    sep_token, sep_token_id = _Role(), _RoleId()
    pad_token, pad_token_id = _Role(), _RoleId()
    cls_token, cls_token_id = _Role(), _RoleId()
    mask_token, mask_token_id = _Role(), _RoleId()

    def _token_to_id(self, token: str) -> int | None:
        raise NotImplementedError

    def _id_to_token(self, index: int) -> str | None:
        raise NotImplementedError

    def _add(self, tokens: list[AddedToken]) -> int:
        """Put `tokens` into the vocabulary where they are not in it yet; how many were new."""
        raise NotImplementedError

    def _check_role(self, role: str, token: str | None) -> None:
        """Refuse what the engine cannot work with; called before a role gets another token, or none."""

    def _roles_changed(self) -> None:
        """Called when a role has another token, or none."""

    @property
    def additional_special_tokens(self) -> list[str]:
        return list(self._additional)

    @additional_special_tokens.setter
    def additional_special_tokens(self, tokens: Any) -> None:
        self.add_special_tokens({"additional_special_tokens": list(tokens or ())})

    @property
    def additional_special_tokens_ids(self) -> list[int]:
        return self._ids_of(self._additional)

    @property
    def special_tokens_map(self) -> dict[str, str | list[str]]:
        """Role -> token, for the roles that are filled."""
        roles: dict[str, str | list[str]] = {role: self._roles[role] for role in ROLES if role in self._roles}
        return roles | ({"additional_special_tokens": list(self._additional)} if self._additional else {})

    @property
    def all_special_tokens(self) -> list[str]:
        """Every special token once, in the order of the roles."""
        return list(dict.fromkeys([*(self._roles[role] for role in ROLES if role in self._roles), *self._additional]))

    @property
    def all_special_ids(self) -> list[int]:
        return self._ids_of(self.all_special_tokens)

    def add_special_tokens(
        self, special_tokens: Mapping[str, Any], replace_additional_special_tokens: bool = True
    ) -> int:
        """Give tokens their roles, adding to the vocabulary what is not in it; returns how many ids are new.

        Keys are the roles ("pad_token", …) and "additional_special_tokens", whose list replaces the present one unless
        `replace_additional_special_tokens=False`.
        """
        where, names = f"{type(self).__name__}.add_special_tokens", (*ROLES, "additional_special_tokens")
        check_flags(where, {}, replace_additional_special_tokens=replace_additional_special_tokens)
        if not isinstance(special_tokens, Mapping):
            raise InputError(where, f"expected a mapping from roles to tokens, got {type(special_tokens).__name__}")
        unknown = [name for name in special_tokens if name not in names]
        if unknown:
            raise InputError(
                where,
                *(f"unknown role {n!r}{suggest(str(n), names)}" for n in unknown),
                hint=f"Roles: {', '.join(names)}.",
            )
        roles = {name: AddedToken.of(token, special=True) for name, token in special_tokens.items() if name in ROLES}
        more = special_tokens.get("additional_special_tokens", [])
        if isinstance(more, str) or not isinstance(more, (list, tuple)):
            raise InputError(where, f"additional_special_tokens: expected a list of tokens, got {more!r}")
        additional = [AddedToken.of(token, special=True) for token in more]
        for name, token in roles.items():
            self._check_role(name, token.content)
        in_order = [additional if name not in roles else [roles[name]] for name in special_tokens]
        new = self._add([token for tokens in in_order for token in tokens])
        self._skipped = None
        self._roles.update({name: token.content for name, token in roles.items()})
        self._roles_changed()
        if "additional_special_tokens" in special_tokens:
            kept = [] if replace_additional_special_tokens else self._additional
            self._additional = list(dict.fromkeys([*kept, *(token.content for token in additional)]))
        return new

    def add_tokens(self, new_tokens: Any, special_tokens: bool = False) -> int:
        """Add one token or a list of them to the vocabulary; returns how many ids are new.

        A model's embeddings need `resize_token_embeddings(len(tokenizer))` afterwards.
        """
        check_flags(f"{type(self).__name__}.add_tokens", {}, special_tokens=special_tokens)
        tokens = list(new_tokens) if isinstance(new_tokens, (list, tuple)) else [new_tokens]
        added = [AddedToken.of(token, special=True if special_tokens else None) for token in tokens]
        new = self._add(added)
        self._skipped = None
        extra = [t.content for t in added if t.special and t.content not in self._roles.values()]
        self._additional = list(dict.fromkeys([*self._additional, *extra]))
        return new

    def _ids_of(self, tokens: list[str]) -> list[int]:
        return [index for token in tokens if (index := self._token_to_id(token)) is not None]
