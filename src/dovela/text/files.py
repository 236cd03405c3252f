"""A tokenizer's folder: read as transformers 4.x and 5.x write it, written as 4.x does, which both read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..errors import CheckpointError, InputError
from .deferred import read_but
from .special_tokens import ROLES, AddedToken, read_tokens
from .vocabulary import read_json

if TYPE_CHECKING:
    from ..hub import Source

CONFIG, ROLE_MAP, ADDED, WHOLE = (
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.json",
)
_PLAIN = {"content": "", "single_word": False, "lstrip": False, "rstrip": False, "normalized": None, "special": False}
NOT_SAVED = {"name_or_path", "added_tokens_decoder", *ROLES, "additional_special_tokens"}  # each has a place of its own


class TokenizerFiles:
    """from_pretrained and save_pretrained."""

    vocab_files_names: ClassVar[Mapping[str, str]] = {"vocab_file": "vocab.txt"}
    # A file's settings that are not ours, and the values under which that makes no difference.
    inert_settings: ClassVar[Mapping[str, Sequence[Any]]] = {}
    extra: dict[str, Any]

    @classmethod
    def from_pretrained(cls, name_or_path: str | PathLike[str], **arguments: Any) -> Self:
        """The tokenizer in a folder, or of a name on the hub.

        `subfolder`, `revision`, `token`, `cache_dir`, `local_files_only` and `force_download` say where the files come
        from, as in `dovela.hub.source`. All other `arguments` are the constructor's, and override the files' settings.
        """
        from ..hub import source, split_options

        options, overrides = split_options(arguments)
        src = source(name_or_path, **options)
        return cls._from_source(src, overrides)

    @classmethod
    def _from_source(cls, src: Source, overrides: Mapping[str, Any]) -> Self:
        from ..hub import OPTIONS
        from .arguments import SETTINGS, refuse_unknown

        known = cls.known_arguments()  # type: ignore[attr-defined]
        unknown = [name for name in overrides if name not in known]
        refuse_unknown(f"{cls.__name__}.from_pretrained", unknown, known | OPTIONS)
        settings = read_settings(src)
        acting = [
            name for name, inert in cls.inert_settings.items() if name in settings and settings[name] not in inert
        ]
        if acting:
            problems = [f"{name}={settings[name]!r} is not implemented" for name in acting]
            raise CheckpointError(
                f"{src.label}: {CONFIG}", *problems, hint=f"Take {' and '.join(acting)} out of the file."
            )
        # null for one of these is what leaving it out is
        arguments = {
            n: value for n, value in settings.items() if n in known and (value is not None or n not in SETTINGS)
        }
        arguments |= cls._vocabulary_arguments(src, arguments)
        tokenizer = cls(**(arguments | {"name_or_path": src.label} | dict(overrides)))
        tokenizer.extra = {name: value for name, value in settings.items() if name not in known}
        return tokenizer

    @classmethod
    def _vocabulary_arguments(cls, src: Source, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The constructor's arguments that say where the vocabulary is, and what else its file tells."""
        return {name: src.require(filename) for name, filename in cls.vocab_files_names.items()}

    def _vocabulary_files(self) -> dict[str, bytes]:
        """File name -> content, of what holds the vocabulary."""
        raise NotImplementedError

    def save_pretrained(self, save_directory: str | PathLike[str]) -> tuple[str, ...]:
        """Write the tokenizer's files into `save_directory`, all or none; returns their paths."""
        from ..folder import save_files

        _check_folder(f"{type(self).__name__}.save_pretrained", save_directory)
        files = self._vocabulary_files() | {CONFIG: _json(self._settings()), ROLE_MAP: _json(self._role_map())}
        vocab_size = self.vocab_size  # type: ignore[attr-defined]
        added = {t: i for t, i in self.get_added_vocab().items() if i >= vocab_size}  # type: ignore[attr-defined]
        if added:
            files[ADDED] = _json(added)
        save_files(Path(save_directory), files, remove=[name for name in (ADDED, WHOLE) if name not in files])
        return tuple(str(Path(save_directory) / name) for name in files)

    def save_vocabulary(
        self, save_directory: str | PathLike[str], filename_prefix: str | None = None
    ) -> tuple[str, ...]:
        """Write the vocabulary alone, without added tokens."""
        from ..folder import save_files

        where = f"{type(self).__name__}.save_vocabulary"
        _check_folder(where, save_directory)
        if filename_prefix is not None and not isinstance(filename_prefix, str):
            raise InputError(where, f"filename_prefix must be a string, got {filename_prefix!r}")
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        files = {prefix + name: content for name, content in self._vocabulary_files().items() if name != WHOLE}
        save_files(Path(save_directory), files)
        return tuple(str(Path(save_directory) / name) for name in files)

    def _settings(self) -> dict[str, Any]:
        names = self.known_arguments() - NOT_SAVED - self.vocab_files_names.keys()  # type: ignore[attr-defined]
        values = {name: value for name, value in vars(self).items() if name in names}
        added = {str(i): t.to_dict() for i, t in self.added_tokens_decoder.items()}  # type: ignore[attr-defined]
        name = type(self).__name__
        name = name if name == "PreTrainedTokenizerFast" else name.removesuffix("Fast")
        roles = dict.fromkeys(ROLES) | self._role_map()  # null: does without, whatever its class has by default
        return {**self.extra, **values, **roles, "added_tokens_decoder": added, "tokenizer_class": name}

    def _role_map(self) -> dict[str, Any]:
        return self.special_tokens_map  # type: ignore[attr-defined, no-any-return]


def read_settings(src: Source) -> dict[str, Any]:
    """What the JSON files of a tokenizer's folder say, as constructor arguments (and whatever else is in them)."""
    path = src.find(CONFIG)
    settings: dict[str, Any] = {}
    added: Mapping[int, AddedToken] | None = None
    if path is not None:
        settings, added = read_but(path, "added_tokens_decoder", "{}")
    roles = {
        name: value
        for name, value in read_json(src.find(ROLE_MAP)).items()
        if name in (*ROLES, "additional_special_tokens")
    }
    settings = roles | {name: value for name, value in settings.items() if value is not None or name not in roles}
    settings.pop("tokenizer_class", None)
    more = settings.get("extra_special_tokens")
    if more and not settings.get("additional_special_tokens"):  # 5.x: a list, or a mapping from names of its own
        settings["additional_special_tokens"] = list(more.values() if isinstance(more, Mapping) else more)
    try:
        for role in ROLES:
            if isinstance(settings.get(role), Mapping):
                settings[role] = AddedToken.of(settings[role], special=True)
        if isinstance(settings.get("additional_special_tokens"), str):
            raise InputError("additional_special_tokens", "expected a list of tokens, got a string")
        if settings.get("additional_special_tokens"):
            settings["additional_special_tokens"] = [_plain(t) for t in settings["additional_special_tokens"]]
        if added is None:
            added = read_tokens((settings.get("added_tokens_decoder") or {}).items())
    except (InputError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(str(path or src.label), f"holds a token that cannot be read: {error}") from error
    if not added:
        special = _special(settings)
        listed = {index: token for token, index in read_json(src.find(ADDED)).items() if token not in special}
        added = read_tokens((index, _PLAIN | {"content": token}) for index, token in listed.items())
    settings["added_tokens_decoder"] = added
    return settings


def _plain(token: Any) -> Any:
    return AddedToken.of(token, special=True) if isinstance(token, Mapping) else token


def _special(settings: Mapping[str, Any]) -> set[str]:
    roles = [settings.get(role) for role in ROLES]
    return set(map(str, [*roles, *(settings.get("additional_special_tokens") or ())]))


def _check_folder(where: str, folder: Any) -> None:
    if not isinstance(folder, (str, PathLike)) or not folder:
        raise InputError(where, f"expected the path of a folder, got {folder!r}")


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
