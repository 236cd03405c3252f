"""The base class of every Keras model: built from a configuration, loaded, saved, trained by `fit`.

    class TFNearForSequenceClassification(TFPreTrainedModel, config=NearConfig, task="sequence-classification"):
        def __init__(self, config):
            super().__init__(config)
            self.encoder, self.head = Encoder(config), keras.layers.Dense(config.num_labels)

The class statement registers the model: `TFAutoModelForSequenceClassification` then opens its checkpoints.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import keras

from ..calling import check_names, find_input_names
from ..config import PretrainedConfig
from ..declaring import register_model
from ..errors import InputError
from ..input_rules import expect_array, flag
from ..kit_models import KitModels
from ..parts import KERAS_MODELS
from ..tasks import BASE
from ..weights import BACKBONE, WeightMap
from . import trees  # noqa: F401  (outputs are trees from here on)
from .blocks import Encoder, Layers
from .building import Building
from .embeddings import TextEmbeddings
from .init import build_children, unbuilt
from .inputs import ARRAYS
from .on_tensorflow import as_written, export_saved_model
from .training import Training

TRAINING = "training"  # the one keyword of `call` that is no input


class TFPreTrainedModel(Training, keras.Model, metaclass=Building):
    """A `keras.Model` with a configuration. All its weights are there as soon as it is made.

    Class arguments of a subclass: `config`, its configuration class; `task`, what its head does (without one it is the
    base model of its type); `backbone`, in `dovela.keras.heads`. Every constructor also takes `dtype`, a dtype policy
    of Keras, and `name`.
    """

    config_class: ClassVar[type[PretrainedConfig]] = PretrainedConfig
    task: ClassVar[str] = ""
    weight_map: ClassVar[WeightMap] = WeightMap()
    optional_parts: ClassVar[tuple[str, ...]] = ()
    """Parts (first words of names) that a checkpoint may lack, or have while the model does without."""
    head_parts: ClassVar[Mapping[str, str]] = {}
    """Parts of the head, and what they tell apart; equal names with another meaning are never loaded."""
    main_input_name: ClassVar[str] = "input_ids"

    config: Any
    arguments: Mapping[str, Any]  # of the constructor, beside the configuration

    def __init_subclass__(
        cls, *, config: type[PretrainedConfig] | None = None, task: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if config is not None or task is not None:
            cls.config_class, cls.task = config or cls.config_class, task or BASE
            register_model(cls, KERAS_MODELS)
        if "call" in vars(cls):
            cls.call = _by_name(vars(cls)["call"])
        if hasattr(cls, "backbone_class") and _takes_any(cls.call):
            cls.call = _spelt_out(cls.call, cls.input_names())
        package = cls.__module__.partition(".")[0]
        keras.saving.register_keras_serializable(package=package)(cls)  # so that a `.keras` file can name it

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__(autocast=False)  # the layers cast what they are given; labels stay as exact as they are
        self.config = config
        self.arguments = {}

    # ---- calling --------------------------------------------------------------------------------

    @as_written
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Inputs by name, by position, or all of them in one dict; arrays of numpy or of Keras's backend."""
        inputs = self._named(args, kwargs)
        if inputs.get(TRAINING) is not None:
            flag(TRAINING, inputs[TRAINING], False)
        for name, value in inputs.items():
            if not (value is None or isinstance(value, bool | int | float | str)):
                hint = f'Tokenise with return_tensors="{ARRAYS.code}".' if name in _TEXTS else "Make it an array first."
                expect_array(ARRAYS, name, value, hint)
        return super().__call__(**inputs)

    def _named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call by their names."""
        known, where = self.input_names(), f"{type(self).__name__}(…)"
        inputs = dict(kwargs)
        if args and isinstance(args[0], Mapping):
            first, args = args[0], args[1:]
            if twice := [name for name in first if name in inputs]:
                raise InputError(where, f"{twice[0]!r} is given in the dict and beside it")
            inputs = {**first, **inputs}
        if len(args) > len(known):
            raise InputError(where, f"expected at most {len(known)} inputs, got {len(args)}")
        for name, value in zip(known, args, strict=False):
            if name in inputs:
                raise InputError(where, f"{name!r} is given by position and by name")
            inputs[name] = value
        check_names(self, [name for name in inputs if name != TRAINING], known, training="Write training=True.")
        return inputs

    @classmethod
    def input_names(cls) -> tuple[str, ...]:
        """The names of `call`'s arguments, and of those above it that it passes the rest on to."""
        return find_input_names(cls, "call", TFPreTrainedModel, apart=(TRAINING,))

    def build(self, input_shape: Any = None) -> None:
        """Make the weights of all parts, each under the name of the attribute that holds it."""
        build_children(self)
        if unbuilt(self):  # layers of somebody's own, which learn their input's width from a call
            given = self.signature().items()
            inputs = {name: keras.KerasTensor((2, *shape[1:]), dtype) for name, (shape, dtype) in given}
            self.compute_output_spec(**inputs)

    def signature(self) -> dict[str, tuple[tuple[int | None, ...], str]]:
        """The main inputs, {name: (shape, dtype)}; None for sizes that are free. What an exported model takes."""
        names = ["input_ids", "attention_mask"]
        names += ["token_type_ids"] if getattr(self.config, "type_vocab_size", 0) else []
        return {name: ((None, None), "int32") for name in names if name in self.input_names()}

    # ---- files --------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path | None, **options: Any) -> Any:
        """Open a checkpoint, from a folder or from a name on the hub: the one that torch and Flax open too.

        config: use this configuration (or the one in this folder) instead of the checkpoint's
        dtype: the model's dtype policy, as "mixed_bfloat16"; by default the one that is set for all of Keras
        new_head: put a fresh head on, whatever the checkpoint has; ignore_mismatched_sizes: only where shapes differ
        output_loading_info: return (model, `LoadReport`)
        state_dict: take these arrays (by their names in files) instead of the checkpoint's; with `config`, the name
        may then be None
        variant, and the hub's options: revision, token, subfolder, cache_dir, local_files_only, force_download
        Every other argument overrides a field of the configuration.

        Raises MissingWeights, UnexpectedWeights or ShapeMismatch if the checkpoint does not fit.
        """
        from .loading import load

        return load(cls, name_or_path, **options)

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Write config.json and safetensors, which torch and Flax open; killed at any instant, old or new is whole.

        max_shard_size: split files above it ("5GB"); variant: "fp16" names the file model.fp16.safetensors
        """
        from .saving import save

        save(self, save_directory, **options)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save into a repository on the hub; `options` as in `dovela.hub.push_to_hub`."""
        from ..hub import push_saved

        return push_saved(self, repo_id, **options)

    def get_config(self) -> dict[str, Any]:
        """What a `.keras` file keeps beside the weights."""
        policy = keras.dtype_policies.serialize(self.dtype_policy)
        return {"config": self.config.to_dict(), "name": self.name, "dtype": policy, **self.arguments}

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None, **arguments: Any) -> Any:
        """A model with random weights from a configuration, or from what `get_config` gave."""
        if isinstance(config, PretrainedConfig):
            return cls(config, **arguments)
        made: Any = cls
        rest = {name: value for name, value in config.items() if name not in ("config", "dtype")}
        policy = keras.dtype_policies.deserialize(config["dtype"]) if config.get("dtype") else None
        return made(cls.config_class.from_dict(config["config"]), dtype=policy, **rest)

    def export(
        self, filepath: str | Path, format: str = "tf_saved_model", verbose: bool | None = None, **options: Any
    ) -> None:
        """Write a SavedModel (or what Keras has besides) whose `serve` takes a dict and returns a dict.

        input_signature: {name: tf.TensorSpec or (shape, dtype)}; by default `signature()`.
        """
        if format != "tf_saved_model":
            super().export(filepath, format=format, verbose=verbose, **options)
            return
        given = options.pop("input_signature", None) or self.signature()
        if options:
            raise InputError(f"{type(self).__name__}.export", f"there is no option {next(iter(options))!r}")
        export_saved_model(self, filepath, given, lambda inputs: _flat(self(inputs, training=False)), verbose)

    # ---- parts --------------------------------------------------------------------------------

    @property
    def weight_names(self) -> WeightMap:
        """How files name the weights: as the class says, or as the backbone's class does."""
        backbone = vars(self).get("backbone")
        own = self.weight_map.rules or not isinstance(backbone, TFPreTrainedModel)
        return self.weight_map if own else backbone.weight_map  # type: ignore[union-attr]

    @property
    def headed(self) -> bool:
        """Whether it keeps a model without a head as its `backbone`."""
        return isinstance(vars(self).get("backbone"), keras.layers.Layer)

    @property
    def base_model(self) -> Any:
        """The model without its head."""
        return vars(self).get("backbone", self)

    def __dir__(self) -> list[str]:
        """Without `base_model`, which may be the model itself: Keras walks over what is here when it loads a file."""
        return [name for name in super().__dir__() if name != "base_model"]

    def head_names(self) -> set[str]:
        """First words of the head's weights: what is not the backbone, an encoder or another model."""
        bodies = (TFPreTrainedModel, Encoder, Layers, TextEmbeddings)
        body = {layer.name for layer in self.layers if isinstance(layer, bodies)}
        names = {weight.path.split("/")[1].partition(".")[0] for weight in self.weights}
        return set() if self.task in ("", BASE) else names - body - {BACKBONE.rstrip(".")}

    def tied_names(self) -> list[list[str]]:
        """Groups of state names that are one weight here, the one that it has first."""
        return []

    @classmethod
    def relatives(cls) -> list[Any]:
        """The other model classes of its type."""
        return KitModels("keras").model_classes(cls.config_class)

    def get_input_embeddings(self) -> Any:
        """The layer with a vector for each token."""
        return self.base_model.embeddings.tokens

    def num_parameters(self, only_trainable: bool = False) -> int:
        weights = self.trainable_weights if only_trainable else self.weights
        return sum(math.prod(weight.shape) for weight in weights)

    def __repr__(self) -> str:
        """Its class and size in a line; `summary()` has a table of its layers."""
        return f"<{type(self).__name__} name={self.name}, {self.num_parameters():,} parameters>"


_TEXTS = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


def _by_name(call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, which Keras may hand a dict of inputs (JAX trains without `__call__`)."""

    @functools.wraps(call)
    def by_name(self: Any, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], Mapping):
            return call(self, **self._named(args, kwargs))
        return call(self, *args, **kwargs)

    return by_name


def _takes_any(call: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(call).parameters.values())


def _spelt_out(call: Callable[..., Any], names: Iterable[str]) -> Callable[..., Any]:
    """`call`, whose signature names what it passes on: Keras wants no tensors and flags in one `**inputs`."""

    @functools.wraps(call)
    def spelt_out(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call(self, *args, **kwargs)

    kinds = inspect.Parameter
    me = kinds("self", kinds.POSITIONAL_OR_KEYWORD)
    given = [kinds(name, kinds.KEYWORD_ONLY, default=None) for name in (*names, TRAINING)]
    given[0] = given[0].replace(kind=kinds.POSITIONAL_OR_KEYWORD)
    spelt_out.__signature__ = inspect.Signature([me, *given])  # type: ignore[attr-defined]
    return spelt_out


def _flat(output: Any) -> dict[str, Any]:
    """An output as a dict without tuples inside: {"hidden_states_0": …}."""
    found = {}
    for key, value in output.items():
        parts = {f"{key}_{i}": part for i, part in enumerate(value)} if isinstance(value, tuple) else {key: value}
        found.update(parts)
    return found
