"""A tokenizer's settings, checked whenever they are set: what is assigned acts from the next call on, or is refused."""

from __future__ import annotations

from typing import Any, ClassVar

from ..errors import InputError, suggest
from .arguments import SETTINGS, check_settings

NO_LENGTH = int(1e30)  # what files of this format say when the model's length is not known
NEAR = 0.85  # how alike a name must be to be taken for a slip; a subclass may have attributes of its own


class Settings:
    """Assignments that are checked as the constructor checks its arguments."""

    locked_settings: ClassVar[frozenset[str]] = frozenset()  # what the vocabulary's look-ups were built with
    _built = False

    @classmethod
    def known_arguments(cls) -> frozenset[str]:
        """The names that the constructor takes."""
        raise NotImplementedError

    def _setting_changed(self, name: str) -> None:
        """Called when one of SETTINGS has another value."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in SETTINGS:
            value = self._read_setting(name, value)
        elif self._built and not name.startswith("_"):
            self._check_assignment(name, value)
        super().__setattr__(name, value)
        if name in SETTINGS:
            self._setting_changed(name)

    def _read_setting(self, name: str, value: Any) -> Any:
        where = type(self).__name__
        if name == "added_tokens_decoder":
            hint = "Use add_tokens, or add_special_tokens."
            raise InputError(f"{where}.{name}", "is what the tokenizer has, and is not assigned", hint=hint)
        if name == "model_max_length":
            value = NO_LENGTH if value is None else value
        elif name == "additional_special_tokens":
            value = [] if value is None else value
        check_settings(where, **{name: value})
        if name == "model_max_length":
            return int(min(value, NO_LENGTH))
        return list(value) if name == "model_input_names" else value

    def _check_assignment(self, name: str, value: Any) -> None:
        where, own = type(self).__name__, vars(self)
        if name in self.locked_settings and (name not in own or own[name] is not value):
            raise InputError(
                f"{where}.{name}",
                f"is fixed when a tokenizer is made, and is {own.get(name)!r} here",
                hint=f"Make another: {where}.from_pretrained(…, {name}={value!r}), or {where}(…, {name}={value!r}).",
            )
        if name in own or hasattr(type(self), name) or name in self.known_arguments():
            return
        near = "; use model_max_length" if name.startswith("max_len") else suggest(name, self.known_arguments(), NEAR)
        if near:
            raise InputError(f"{where}.{name}", f"is not a setting of this tokenizer{near}")
