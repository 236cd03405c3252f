"""Opening a checkpoint for a model of any framework: its configuration, what of it fits the model, and its arrays.

    with opening(cls, name_or_path, config=config, rest=rest) as opened:
        model = cls(opened.config, **opened.build)
        sources, report = opened.fit(Wanted(shapes, …), cls.weight_map)
        arrays = opened.arrays(sources)

No framework is imported here. `cls` is a model class of one: it has `config_class`, `head_parts` and `optional_parts`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .arrays import is_floating, read_arrays, same, to_array
from .checkpoint import WeightFiles, open_weights, read_json
from .config import CONFIG_NAME, CONFIGS, PretrainedConfig
from .errors import CheckpointError, ConfigError, InputError
from .fitting import LoadReport, Wanted, fit
from .hub import Source, source, split_options
from .notices import notice
from .origins import KEY as DEFINED_IN
from .parts import MODELS_OF, class_names
from .pickles import unpickle
from .weights import BACKBONE, WeightMap
from .writing import plain_name

STRUCTURE = (
    "num_attention_heads",
    "attention",
    "positions",
    "feed_forward",
    "norm_order",
    "do_stable_layer_norm",
    "conv_stride",
)  # what a configuration must share with weights that do not show it


@dataclass
class Opened:
    """A checkpoint whose files are found and checked, while no other process saves over them."""

    cls: Any
    config: Any
    build: dict[str, Any]
    "Keywords of the model's constructor that were among the options."
    label: str
    data: Mapping[str, Any]
    "The checkpoint's own config.json, which says what it was saved from."
    files: WeightFiles
    given: Mapping[str, Any] | None
    "Tensors by name, where they do not lie in safetensors files: a state_dict, or what another format held."
    relatives: Callable[[], Iterable[Any]] | None = None
    _ties: Sequence[Sequence[str]] = field(default=(), init=False)

    @property
    def where(self) -> str:
        return f"{self.cls.__name__} from {self.label!r}"

    def fit(
        self, wanted: Wanted, weight_map: WeightMap, *, new_head: bool = False, keep_going: bool = False
    ) -> tuple[dict[str, str], LoadReport]:
        """State name -> file name for what is to be read, and the report; raises if the checkpoint does not fit."""
        if self.given is not None and self.given.keys() <= wanted.shapes.keys():  # named as in the model, not in files
            write = weight_map.write
            self.given = {write(name, headed=wanted.headed): tensor for name, tensor in self.given.items()}
        shapes = self.files.shapes() if self.given is None else shapes_of(self.given)
        self._ties = [list(group) for group in wanted.ties]
        if not wanted.foreign_heads:
            wanted = replace(wanted, foreign_heads=self._foreign_heads())
        try:
            return fit(self.where, shapes, wanted, weight_map, new_head=new_head, keep_going=keep_going)
        except CheckpointError as error:
            raise self._told_of_its_class(error) from None

    def arrays(self, sources: Mapping[str, str]) -> dict[str, Any]:
        """NumPy arrays in torch's layout, by state name. Of names that are one tensor the first of the group has it.

        Files are mapped: pages are read when they are first used.
        """
        if self.given is None:
            found = read_arrays(self.files.entries, sources)
        else:
            found = {name: to_array(file, self.given[file]) for name, file in sources.items()}
        refuse_integers(self.label, [file for name, file in sources.items() if not is_floating(found[name])])
        for group in self._ties:
            have = [name for name in group if name in found]
            for name in have[1:]:
                if not same(found[name], found[have[0]]):
                    raise untied(name, have[0])
            tensors = [found.pop(name) for name in have]
            found.update(dict.fromkeys(group[:1], tensors[0]) if tensors else {})
        return found

    def tell(self, report: LoadReport) -> None:
        """One notice about what was drawn at random, by part."""
        if report.fresh:
            parts = sorted({name.removeprefix(BACKBONE).partition(".")[0] for name in report.fresh})
            are, count = "is" if len(parts) == 1 else "are", len(report.fresh)
            notice(f"{self.where}: {', '.join(parts)} {are} new and untrained ({count} of its tensors were drawn)")

    def _foreign_heads(self) -> set[str]:
        """Parts of the head whose name may mean something else in the class that the checkpoint was saved from."""
        own: Mapping[str, str] = self.cls.head_parts
        saved_from = self.data.get("architectures") or []
        if not own or not saved_from:
            return set()
        heads = [(plain_name(self.cls), own), *self._other_heads()]
        known = [parts for name, parts in heads if name in saved_from]
        others = known or [parts for _, parts in heads]
        other_meanings = {part for part, means in own.items() if any(p.get(part, means) != means for p in others)}
        return other_meanings - {part for parts in known for part in own if parts.get(part) == own[part]}

    def _other_heads(self) -> list[tuple[str, Mapping[str, str]]]:
        """Names of the architecture's classes and their `head_parts`: the built-in ones, and what is defined."""
        if self.relatives is not None:
            return [(plain_name(other), other.head_parts) for other in self.relatives()]
        kinds = [kind for cls in self.cls.config_class.__mro__ if (kind := vars(cls).get("model_type"))]
        heads: list[tuple[str, Mapping[str, str]]] = [
            (name, task.parts if task else {}) for kind in kinds for name, task in class_names(kind).items()
        ]
        for models in MODELS_OF.values():
            names = (name for name in models.names() if name.startswith(tuple(f"{kind}/" for kind in kinds)))
            defined = (models.loaded(name) for name in names)
            heads += [(plain_name(other), other.head_parts) for other in defined if other is not None]
        return heads

    def _told_of_its_class(self, error: CheckpointError) -> CheckpointError:
        """The misfit, with the class that the checkpoint was saved from, where that is another and somebody's own."""
        noted, saved_from = self.data.get(DEFINED_IN), (self.data.get("architectures") or [""])[0]
        place = noted.get(saved_from) if isinstance(noted, Mapping) else None
        if not isinstance(place, str) or saved_from == plain_name(self.cls):
            return error
        hint = f"{error.hint} The checkpoint was saved from {saved_from}, which {place} defines.".lstrip()
        told = type(error)(error.where, *error.problems, hint=hint)
        told.report = error.report
        return told


@contextmanager
def opening(
    cls: Any,
    name_or_path: str | Path | None,
    *,
    config: PretrainedConfig | str | Path | None = None,
    state_dict: Mapping[str, Any] | None = None,
    variant: str | None = None,
    allow_pickle: bool = False,
    rest: Mapping[str, Any],
    relatives: Callable[[], Iterable[Any]] | None = None,
) -> Iterator[Opened]:
    """A checkpoint, while no other process saves over it.

    `rest` are the hub's options, keywords of the class's constructor, and fields of the configuration to override.
    `relatives` gives the other model classes of the same architecture, which know what the parts of their heads mean;
    without it the built-in tasks tell.
    """
    options, overrides = split_options(rest)
    if told := [name for name in ("from_pt", "from_tf", "from_flax") if name in overrides]:
        hint = "Leave it out: the file itself says which framework wrote it."
        raise InputError(f"{cls.__name__}.from_pretrained({told[0]}=…)", "is not needed", hint=hint)
    build = {k: overrides.pop(k) for k in list(overrides) if k in inspect.signature(cls.__init__).parameters}
    if name_or_path is None and (state_dict is None or config is None):
        raise InputError(f"{cls.__name__}.from_pretrained", "without a name, both config and state_dict are needed")
    src = None if name_or_path is None else source(name_or_path, **options)
    with src.reading() if src else nullcontext():  # files of one save, though another process may be saving
        config, data = _configuration(cls, src, config, overrides)
        config.update({"name_or_path": "" if name_or_path is None else str(name_or_path)})
        files = WeightFiles()
        if state_dict is None and src is not None:
            files = open_weights(src, variant=variant, allow_pickle=allow_pickle)
            state_dict = unpickle(files.pickles) if files.pickles else files.arrays
        label = "state_dict" if src is None else src.label
        yield Opened(cls, config, build, label, data, files, state_dict, relatives)


def _configuration(
    cls: Any, src: Source | None, config: Any, overrides: dict[str, Any]
) -> tuple[PretrainedConfig, Mapping[str, Any]]:
    """The configuration to build with, and the checkpoint's file, which says what it was saved from."""
    path = src.find(CONFIG_NAME) if src else None
    if config is None and src is not None:
        path = path or src.require(CONFIG_NAME)
    data = read_json(path, "configuration") if path else {}
    if config is None:
        config = _class_of(data, cls.config_class).from_dict(data, source=str(path), **overrides)
    else:
        if not isinstance(config, PretrainedConfig):
            config = cls.config_class.from_pretrained(config)
        config = config.replace(**overrides)
    if path is None:
        return config, {"architectures": config.architectures}
    if data.get("model_type", config.model_type) != config.model_type:
        raise ConfigError(str(path), f"this is a checkpoint of type {data['model_type']!r}, not {config.model_type!r}")
    aliases = config.aliases()
    for word in STRUCTURE:
        name = aliases.get(word, word)
        stored = data.get(name, data.get(word))
        if stored is not None and stored != getattr(config, name, stored):
            raise ConfigError(
                f"{type(config).__name__}.{name}",
                f"is {getattr(config, name)!r}, and the weights of {path} were trained with {stored!r}",
                hint="They have the same shapes and would mean nothing.",
            )
    _same_grid(config, data, path)
    return config, data


def _same_grid(config: PretrainedConfig, data: dict[str, Any], path: Path) -> None:
    """Positions on a grid of patches mean nothing on another, even where there are as many."""
    if "image_size" not in data or not hasattr(config, "grid"):
        return
    written: Any = type(config).from_dict(data, source=str(path))
    if config.grid != written.grid:
        wanted, trained = (f"{rows} × {columns}" for rows, columns in (config.grid, written.grid))
        raise ConfigError(
            f"{type(config).__name__}.image_size",
            f"gives {wanted} patches, and the weights of {path} were trained with {trained}",
            hint="Leave it as it is, and call the model with interpolate_pos_encoding=True on images of another size.",
        )


def _class_of(data: Mapping[str, Any], expected: type[PretrainedConfig]) -> type[PretrainedConfig]:
    """The configuration class of a file, if a model that takes `expected` takes it too."""
    kind = data.get("model_type")
    found = CONFIGS.get(kind) if isinstance(kind, str) and kind in CONFIGS else expected
    return found if issubclass(found, expected) else expected


def shapes_of(tensors: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of tensors of any framework; an InputError for what is none."""
    for name, tensor in tensors.items():
        if not hasattr(tensor, "shape"):
            problem = f"expected arrays by their names in files or in the model, got {type(tensor).__name__}"
            raise InputError(f"state_dict[{name!r}]", problem)
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def refuse_integers(where: str, bad: Sequence[str]) -> None:
    """Weights that a model computes with must be floating-point numbers; `bad` names those that are not."""
    if bad:
        problem = f"{len(bad)} weights are not floating-point numbers, as {bad[0]!r}"
        raise CheckpointError(where, problem, hint="Is it quantised?")


def untied(name: str, other: str) -> CheckpointError:
    """The error about two names of one tensor that have different values."""
    tokens = {name, other} & {f"{BACKBONE}embeddings.tokens.weight", "embeddings.tokens.weight"}
    hint = "Pass tie_word_embeddings=False." if tokens else "Open it with the configuration that it was saved with."
    return CheckpointError(name, f"differs from {other}, and the model shares one tensor for both", hint=hint)
