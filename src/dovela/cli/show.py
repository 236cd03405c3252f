"""`dovela show`: an architecture as a table, from its configuration alone and without a framework if that tells all."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ConfigError, InputError, RegistryError, suggest
from ..quantities import counted
from ..quantities import ranges as ranges

if TYPE_CHECKING:
    from ..config import PretrainedConfig
    from ..inventory import Inventory, Measure

OWN = "For a type of your own add --import MODULE, the module that defines it."


@click.command("show")
@click.argument("name", metavar="PATH|NAME")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Inputs of a forward pass.")
@click.option("--length", type=click.IntRange(min=1), help="Tokens of a text, seconds of sound.  [default: 128, 1]")
@click.option("--json", "as_json", is_flag=True, help="Numbers for programs.")
@click.option(
    "--import", "modules", multiple=True, metavar="MODULE", help="Import a module that defines classes of your own."
)
def command(name: str, batch: int, length: int | None, as_json: bool, modules: tuple[str, ...]) -> None:
    """Show an architecture: parts, shapes, parameters, memory, operations.

    PATH is a checkpoint's folder or its config.json; NAME is one on a hub ("org/model"), or a model type ("bert"),
    which stands for its defaults. Only the configuration is read. A model class of your own, or one with parts of your
    own, is built without memory and watched as it runs.
    """
    for module in modules:
        _import(module)
    config = find_config(name)
    stock, length = take_stock(name, config, batch, length)
    from .show_table import as_dict, as_table

    if as_json:
        click.echo(json.dumps(as_dict(stock, batch, length), indent=2))
    else:
        from .terminal import console

        terminal = console()
        terminal.print(as_table(stock, batch, length, terminal.width))


def _import(module: str) -> None:
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` would find it
    try:
        importlib.import_module(module.removesuffix(".py"))
    except ModuleNotFoundError as error:
        raise InputError(f"--import {module}", f"{error} (looked in {Path.cwd()} too)") from error


def find_config(name: str) -> PretrainedConfig:
    """What is at a path; else the defaults of a model type; else what a hub has under the name."""
    from ..auto_model import AutoConfig
    from ..config import CONFIGS

    missing = not Path(name).exists()
    if missing and name in CONFIGS:
        return AutoConfig.for_model(name)
    if missing and re.fullmatch(r"[\w.-]+(?<!\.json)", name):
        _check_on_hub(name, CONFIGS.names())
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(name)
    except (RegistryError, ConfigError) as error:
        noted = [place for place in re.findall(r"`import ([\w.]+)`", error.hint) if place not in sys.modules]
        if noted:  # as the file says
            hint = f"Run `{_with_imports(name, noted)}`."
        elif isinstance(error, RegistryError):
            hint = f"{error.hint}{'' if error.hint.endswith('.') else '.'} Here that is --import MODULE."
        else:
            raise
        raise type(error)(error.where, *error.problems, hint=hint) from error
    return config


def _check_on_hub(word: str, known: list[str]) -> None:
    """Raise if a bare word, most often a type that is misspelt or not imported, is no old name on the hub either.

    One question without retries; without an answer the cache decides, as when loading.
    """
    from huggingface_hub import HfApi, constants, errors, try_to_load_from_cache

    try:
        HfApi().model_info(word, timeout=5)
        return
    except errors.HfHubHTTPError as error:
        reason = f"{constants.ENDPOINT} has no such name"
        if not isinstance(error, errors.RepositoryNotFoundError):
            reason = f"{constants.ENDPOINT} did not say what it is"
    except Exception:  # of whichever HTTP library there is
        reason = f"{constants.ENDPOINT} was not reached"
    if isinstance(try_to_load_from_cache(word, "config.json"), str):
        return
    raise RegistryError(
        f"{word}: model type {word!r}",
        f"is not registered{suggest(word, known)}",
        hint=f"Registered: {', '.join(known)}. {OWN} There is no folder {word!r} in {Path.cwd()} either, and {reason}.",
    )


def _is_module(place: str) -> bool:
    return place != "__main__" and not place.endswith(".py") and bool(re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", place))


def _with_imports(name: str, places: list[str]) -> str:
    """The command that imports these too."""
    context = click.get_current_context(silent=True)
    asked = (*(context.params.get("modules", ()) if context else ()), *places)
    return shlex.join(["dovela", "show", name, *(word for place in asked for word in ("--import", place))])


def take_stock(name: str, config: PretrainedConfig, batch: int, length: int | None) -> tuple[Inventory, int]:
    """The inventory, and the length that it is for: by default the usual one."""
    from ..inventory import inventory, measure_of

    if (model := own_model(config)) is not None:
        from ..torch.measuring import measure_by_class, measured

        length = _length(length, measure_by_class(model, config), config.model_type)
        return measured(model, config, batch, length), length
    _check_imported(name, config)
    stock = inventory(config)
    return stock, _length(length, measure_of(config), config.model_type)


def own_model(config: PretrainedConfig) -> Any:
    """The model class, if it or one of its parts is somebody's own, so that the configuration does not tell what it is.

    By default of what `architectures` names: the model without a head, or else the only one of this type.
    """
    if "dovela.torch.model" not in sys.modules:  # nobody has defined one
        return None
    from ..inventory_parts import guesses
    from ..torch.model_classes import model_classes

    classes = model_classes(type(config))
    named = (config.architectures or [""])[0]
    found = [cls for cls in classes if cls.__name__ == named] if named else []
    if not named:
        found = [cls for cls in classes if cls.task == "base"] or classes[:1] * (len(classes) == 1)
    own = found and (not _is_dovelas(found[0]) or guesses(config))
    return found[0] if own else None


def _is_dovelas(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "dovela"


def _check_imported(name: str, config: PretrainedConfig) -> None:
    """Raise if the file says that the model's class is somebody's own."""
    from ..origins import KEY

    if not Path(name).exists() or not config.architectures:
        return
    data, _ = type(config).get_config_dict(name)
    wanted, noted = config.architectures[0], data.get(KEY)
    place = noted.get(wanted) if isinstance(noted, dict) else None
    if isinstance(place, str):
        run = f"Run `{_with_imports(name, [place])}`."
        raise ConfigError(
            name,
            f"was saved from {wanted}, defined in {place!r}, which is not imported",
            hint=run if _is_module(place) else "Move it from there into a module, and add --import MODULE.",
        )


def _length(length: int | None, measure: Measure, kind: str) -> int:
    if length is not None and measure.longest is not None and length > measure.longest:
        most = counted(measure.longest, measure.unit)
        hint = "--batch counts inputs." if measure.longest == 1 else ""
        raise InputError(f"--length {length}", f"this {kind!r} takes at most {most}", hint=hint)
    return length or measure.usual
