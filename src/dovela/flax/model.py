"""The base class of every Flax model: a linen module with a configuration, loaded, bound, called, saved.

    class FlaxNearForSequenceClassification(FlaxPreTrainedModel, config=NearConfig, task="sequence-classification"):
        def setup(self):
            self.encoder, self.head = Encoder(self.config), nn.Dense(self.config.num_labels)

        def __call__(self, input_ids=None, attention_mask=None, train=False):
            output = self.encoder(input_ids, attention_mask, train=train)
            return SequenceClassifierOutput(logits=self.head(output.last_hidden_state[:, 0]))

The class statement registers the model: `FlaxAutoModelForSequenceClassification` then opens its checkpoints.

    model = FlaxNearForSequenceClassification.from_config(NearConfig(), seed=0)     # bound to its weights
    output = model(input_ids=ids)
    loss = lambda params: model(**batch, params=params, dropout_rng=key, train=True).loss
    gradients = jax.jit(jax.grad(loss))(model.params)
    model = model.bind({"params": optax.apply_updates(model.params, updates)})
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import linen as nn

from ..calling import find_input_names
from ..config import PretrainedConfig
from ..declaring import check_arguments, check_config, register_model
from ..errors import InputError
from ..input_rules import flag
from ..kit_models import KitModels
from ..outputs import each_output
from ..parts import FLAX_MODELS
from ..tasks import BASE
from ..weights import WeightMap
from .binding import KEYWORDS, called, is_called, own_params
from .display import describe
from .trees import register_tree

Array = jax.Array


class FlaxPreTrainedModel(nn.Module):
    """A `flax.linen.Module` with a configuration.

    Class arguments of a subclass: `config`, its configuration class; `task`, what its head does (without one it is the
    base model of its type); `backbone`, in `dovela.flax.heads`.
    """

    config: Any
    dtype: Any = None  # what it computes in; None: what its weights and inputs promote to
    param_dtype: Any = jnp.float32
    gradient_checkpointing: bool = False  # compute activations again in the backward pass instead of keeping them

    config_class: ClassVar[type[PretrainedConfig]] = PretrainedConfig
    task: ClassVar[str] = ""
    weight_map: ClassVar[WeightMap] = WeightMap()
    optional_parts: ClassVar[tuple[str, ...]] = ()
    """Parts (attribute names) that a checkpoint may lack, or have while the model does without."""
    head_parts: ClassVar[Mapping[str, str]] = {}
    """Parts of the head, and what they tell apart; equal names with another meaning are never loaded."""
    main_input_name: ClassVar[str] = "input_ids"
    _input_names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(
        cls, *, config: type[PretrainedConfig] | None = None, task: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls) and not is_called(vars(cls)["__call__"]):
            cls.__call__ = called(vars(cls)["__call__"])  # type: ignore[method-assign]
        cls.__init__ = _told(cls.__init__)  # type: ignore[method-assign]
        cls.__hash__ = _hash  # type: ignore[method-assign]
        cls._input_names = cls._find_input_names()
        if config is not None or task is not None:
            cls.config_class, cls.task = config or cls.config_class, task or BASE
            register_model(cls, FLAX_MODELS)

    def __post_init__(self) -> None:
        check_config(type(self), self.config)
        if not self.config._locked:  # a copy of its own; clones share it
            object.__setattr__(self, "config", self.config.locked())
        for name in ("dtype", "param_dtype"):
            object.__setattr__(self, name, floating(name, getattr(self, name)))
        for field in dataclasses.fields(self):
            if field.type in (bool, "bool"):
                flag(field.name, getattr(self, field.name), False)
        super().__post_init__()

    # ---- calling --------------------------------------------------------------------------------

    @classmethod
    def input_names(cls) -> tuple[str, ...]:
        """The names of `__call__`'s arguments, and of those above it that it passes the rest on to."""
        return cls._input_names

    @classmethod
    def _find_input_names(cls) -> tuple[str, ...]:
        return find_input_names(cls, "__call__", nn.Module, apart=KEYWORDS)

    @nn.nowrap
    def bind(self, variables: Any, *args: Any, rngs: Any = None, mutable: Any = False) -> Any:
        """This model with weights, {"params": …}, so that it can be called. The weights are not copied."""
        if not hasattr(variables, "keys") or "params" not in variables:
            problem = 'expected variables, {"params": weights}'
            raise InputError(f"{type(self).__name__}.bind", problem, hint='Write: model.bind({"params": params})')
        bound = super().bind(variables, *args, rngs=rngs, mutable=mutable)
        bound.__dict__.update(_bound=True, _keys=rngs)
        return bound

    @property
    def is_bound(self) -> bool:
        """Whether it has weights of its own to be called with, outside linen's `init` and `apply`."""
        return bool(self.__dict__.get("_bound"))

    @property
    def params(self) -> Any:
        """The weights that it is bound to; `model.bind({"params": …})` gives the same model with others."""
        return own_params(self)

    @nn.nowrap
    def __setattr__(self, name: str, value: Any) -> None:
        if name == "params":
            where = f"{type(self).__name__}.params"
            hint = 'Write: model = model.bind({"params": params}), or call model(…, params=params).'
            raise InputError(where, "a linen module does not change", hint=hint)
        super().__setattr__(name, value)

    @nn.nowrap
    def check(self, **inputs: Any) -> None:
        """Raise what a call with these inputs would raise, values included, without computing anything.

        Under `jax.jit` values cannot be seen, and what is out of range gives NaN: check batches before, on the host.
        """
        module = self.clone(parent=None, name=None)
        jax.eval_shape(lambda params: module(**inputs, params=params), self.weight_shapes())

    # ---- weights and files ------------------------------------------------------------------------

    @nn.nowrap
    def init_weights(self, rng: Any = 0) -> Any:
        """Fresh weights from a key of jax's, or a seed."""
        from .loading import draw

        return draw(self, rng)

    @nn.nowrap
    def weight_shapes(self) -> Any:
        """The tree of weights, with `jax.ShapeDtypeStruct`s for arrays. Nothing is computed."""
        module = self.clone(parent=None, name=None)
        return jax.eval_shape(lambda: module.init(jax.random.key(0), **self.dummy_inputs()))["params"]

    @nn.nowrap
    def dummy_inputs(self) -> dict[str, Any]:
        """Hook: the smallest inputs that the model can be called with, to find out what weights it has."""
        config: Any = self.config
        if self.main_input_name == "pixel_values":
            return {"pixel_values": jnp.zeros((1, config.num_channels, *config.image_shape))}
        if self.main_input_name == "input_values":
            return {"input_values": jnp.zeros((1, config.receptive_field))}
        return {"input_ids": jnp.zeros((1, 1), jnp.int32)}

    @classmethod
    def ties(cls, config: Any) -> Sequence[Sequence[str]]:
        """Hook: groups of state names that are one weight here, the first, and that files may have under each."""
        return ()

    @classmethod
    def relatives(cls) -> list[Any]:
        """The other Flax classes of its architecture."""
        return KitModels("flax").model_classes(cls.config_class)

    @classmethod
    def from_config(cls, config: PretrainedConfig, *, seed: int = 0, **fields: Any) -> Any:
        """A model with random weights, bound to them. `fields` are the module's: dtype, add_pooling_layer, …"""
        module = cls(config, **fields)
        return module.bind({"params": module.init_weights(seed)})

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path | None, **options: Any) -> Any:
        """Open a checkpoint, from a folder or from a name on the hub: the model, bound to its weights.

        config: use this configuration (or the one in this folder) instead of the checkpoint's
        dtype: what it computes in, by default what its weights and inputs promote to
        param_dtype: what its weights are kept in, by default as they are stored
        seed: of what is drawn because the checkpoint lacks it (a new head)
        new_head: put a fresh head on, whatever the checkpoint has; ignore_mismatched_sizes: only where shapes differ
        output_loading_info: return (model, `LoadReport`)
        state_dict: take these arrays (by their names in files, in torch's layout) instead of the checkpoint's; with
        `config`, the name may then be None
        variant, allow_pickle, and the hub's options: revision, token, subfolder, cache_dir, local_files_only,
        force_download
        Other arguments are fields of the module (add_pooling_layer), or override fields of the configuration.

        Raises MissingWeights, UnexpectedWeights or ShapeMismatch if the checkpoint does not fit.
        """
        from .loading import load

        return load(cls, name_or_path, **options)

    @nn.nowrap
    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Write config.json and safetensors, as torch's models do; killed at any instant, the old or the new is whole.

        params: save these weights instead of its own; max_shard_size: split files above it ("5GB"); variant: "fp16"
        names the file model.fp16.safetensors
        """
        from .saving import save

        save(self, save_directory, **options)

    @nn.nowrap
    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save into a repository on the hub; `options` as in `dovela.hub.push_to_hub`."""
        from ..hub import push_saved

        return push_saved(self, repo_id, **options)

    # ---- parts and numbers ------------------------------------------------------------------------

    @property
    def base_model(self) -> Any:
        """The model without its head, bound if this one is."""
        if not hasattr(type(self), "backbone_class"):
            return self
        own_params(self)
        module, variables = self.backbone.unbind()
        return module.bind(variables)

    @nn.nowrap
    def token_table(self) -> Array:
        """Hook: the matrix of the token embeddings (V, D), which a tied decoder shares."""
        return self.embeddings.tokens.embedding  # type: ignore[no-any-return]

    @nn.nowrap
    def num_parameters(self) -> int:
        return sum(leaf.size for leaf in self._leaves())

    @nn.nowrap
    def get_memory_footprint(self) -> int:
        """Bytes of the weights."""
        return sum(leaf.size * leaf.dtype.itemsize for leaf in self._leaves())

    @nn.nowrap
    def _leaves(self) -> list[Any]:
        return jax.tree.leaves(self.weight_shapes() if self.scope is None else own_params(self))

    def __repr__(self) -> str:
        """Its size and its parts in a few lines; `nn.tabulate` tells every layer."""
        return describe(self)


def _told(init: Callable[..., None]) -> Callable[..., None]:
    """The constructor that linen makes of the fields, with an error of ours for what is none of them."""

    @functools.wraps(init)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except TypeError:
            check_arguments(type(self), kwargs, f"Write: {type(self).__name__}.from_config(config, seed=0)")
            raise

    return __init__


def _hash(self: Any) -> int:
    """Equal for modules that are equal, though their configurations are not hashable."""
    return hash((type(self), self.config.model_type, self.name))


def floating(name: str, dtype: Any) -> Any:
    """A floating dtype from itself or its name; None as it is."""
    if dtype is None:
        return None
    try:
        found = jnp.dtype(dtype)
    except TypeError:
        found = None
    if found is None or not jnp.issubdtype(found, jnp.floating):
        raise InputError(name, f"expected a floating dtype of jax or its name, got {dtype!r}")
    return found


each_output(register_tree, once="jax")
