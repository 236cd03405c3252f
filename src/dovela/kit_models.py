"""The model class for a task in Flax or Keras: one that is registered, built in or defined by its import.

(Torch's are found by `dovela.torch.model_classes`, which also puts heads on base models.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .config import PretrainedConfig
from .errors import RegistryError, suggest
from .parts import KITS, MODELS, MODELS_OF
from .registry import Registry

_CALLED = {"flax": "Flax", "keras": "Keras"}


@dataclass(frozen=True)
class KitModels:
    """The models of one framework, "flax" or "keras"."""

    kit: str

    @property
    def registry(self) -> Registry[Any]:
        return MODELS_OF[self.kit]

    def model_class(self, config: type[PretrainedConfig], task: str) -> Any:
        """The class that does `task` for the models of a configuration's type, or None.

        A configuration of one's own needs no class: those of the type that it is derived from take it.
        """
        for kind in _kinds(config):
            if self._has(kind):
                name = f"{kind}/{task}"
                return self.registry.get(name) if name in self.registry else None
        return None

    def model_classes(self, config: type[PretrainedConfig]) -> list[Any]:
        """Every class that `model_class` may give."""
        for kind in _kinds(config):
            if self._has(kind):
                return [self.registry.get(name) for name in self.registry.names() if name.startswith(f"{kind}/")]
        return []

    def no_model(self, where: str, config: type[PretrainedConfig], task: str, *, advice: str = "") -> RegistryError:
        """The error for a task that no class does; `advice`: what else to do about it."""
        tasks = self._tasks(config, self.registry)
        in_torch, called = self._tasks(config, MODELS), _CALLED[self.kit]
        where = f"{where} for {config.model_type!r}"
        if not tasks and in_torch:
            return RegistryError(
                where,
                "the type has torch models only",
                hint=f"Use {where.partition(' ')[0].removeprefix(KITS[self.kit])}, or derive a class of your own from "
                f"{KITS[self.kit]}PreTrainedModel and import it.",
            )
        problem = f"it has no {called} model for the task {task!r}{', but a torch model' if task in in_torch else ''}"
        hint = f"It has: {', '.join(tasks) or 'none that is imported'}{suggest(task, tasks)}"
        hint += "" if hint.endswith("?") else "."
        return RegistryError(where, problem, hint=f"{hint} {advice or 'A class of your own must be imported first.'}")

    def _has(self, kind: str) -> bool:
        return any(name.startswith(f"{kind}/") for name in self.registry.names())

    def _tasks(self, config: type[PretrainedConfig], registry: Registry[Any]) -> list[str]:
        for kind in _kinds(config):
            tasks = [name.partition("/")[2] for name in registry.names() if name.startswith(f"{kind}/")]
            if tasks:
                return tasks
        return []


def _kinds(config: type[PretrainedConfig]) -> list[str]:
    """The configuration's type, and those of the classes that it is derived from."""
    return [kind for cls in config.__mro__ if (kind := vars(cls).get("model_type"))]
