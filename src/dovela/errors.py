"""Every error that dovela raises on purpose.

    DovelaError
      ConfigError(ValueError)        a configuration that cannot be built, or may not be changed
      InputError(ValueError)         what was handed to a tokenizer, an extractor or a model
      RegistryError(LookupError)     a name that nobody registered, or that two register
      CheckpointError(RuntimeError)  files on disk or on a hub
        MissingWeights, UnexpectedWeights, ShapeMismatch
      MissingBackend(ImportError)    an optional package that is not installed

A message says where, what was expected and what came, and what to do about it. Several problems of one kind are
collected and raised together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class DovelaError(Exception):
    """The root of the tree. `where`, `problems` and `hint` hold the parts of the message."""

    _keras_call_info_injected = True  # or Keras would raise another error in its place, with a message of its own

    def __init__(self, where: str, *problems: str, hint: str = "") -> None:
        self.where, self.problems, self.hint = where, problems, hint
        if len(problems) == 1:
            text = f"{where}: {problems[0]}"
            text += f"{'' if text.endswith('?') else '.'} {hint}" if hint else ""
        else:
            text = "\n  - ".join([f"{where}: {len(problems)} problems", *problems])
            text += f"\n{hint}" if hint else ""
        super().__init__(text)

    def __reduce__(self) -> tuple[Any, ...]:  # Exception's own loses keyword arguments, as across DataLoader workers
        return _rebuild, (type(self), self.where, self.problems, self.hint), self.__dict__


def _rebuild(cls: type[DovelaError], where: str, problems: tuple[str, ...], hint: str) -> DovelaError:
    return cls(where, *problems, hint=hint)


class ConfigError(DovelaError, ValueError):
    """A configuration value that is unknown, mistyped, out of range, contradictory or locked."""


class InputError(DovelaError, ValueError):
    """Input that a tokenizer, an extractor or a model cannot take."""


class RegistryError(DovelaError, LookupError):
    """A name that is not registered, or that is already taken."""


class CheckpointError(DovelaError, RuntimeError):
    """A checkpoint that cannot be found, read, trusted, fitted or written."""

    report: Any = None  # a fitting.LoadReport where names or shapes did not fit


class MissingWeights(CheckpointError):
    """The model needs tensors that the checkpoint does not have."""


class UnexpectedWeights(CheckpointError):
    """The checkpoint has tensors that the model has no place for."""


class ShapeMismatch(CheckpointError):
    """Tensors of the same name but of another shape."""


class MissingBackend(DovelaError, ImportError):
    """An optional package is not installed; the message gives the pip command."""


def suggest(name: object, choices: Iterable[str], cutoff: float = 0.6) -> str:
    """`"; did you mean 'n_heads'?"` for the choice nearest to `name`, or nothing."""
    import difflib  # only on the way to an error

    near = difflib.get_close_matches(str(name), list(choices), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""
