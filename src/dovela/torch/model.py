"""The base class of every torch model: built from a configuration, loaded, saved, resized, pruned.

    class NearForSequenceClassification(PreTrainedModel, config=NearConfig, task="sequence-classification"):
        def __init__(self, config):
            super().__init__(config)
            self.encoder, self.head = Encoder(config), nn.Linear(config.hidden_size, config.num_labels)

The class statement registers the model: `AutoModelForSequenceClassification` then opens its checkpoints.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..config import PretrainedConfig
from ..errors import ConfigError, InputError, suggest
from ..outputs import ModelOutput, each_output
from ..parts import KERNELS, MODELS
from ..weights import WeightMap
from . import surgery
from .blocks import Encoder, Layers
from .embeddings import TextEmbeddings
from .patches import ImageEmbeddings

BASE = "base"  # the task of a model without a head

_building = threading.local()


class _Building(type):
    """Hands every model a copy of the configuration of its own; models inside a model share it."""

    def __call__(cls, config: Any, *args: Any, **kwargs: Any) -> Any:
        expected = cls.config_class  # type: ignore[attr-defined]
        if expected is PretrainedConfig:
            hint = f"Write: class {cls.__name__}(…, config=YourConfig)"
            raise ConfigError(cls.__name__, "names no configuration class", hint=hint)
        if not isinstance(config, expected):
            hint = f"{cls.__name__}.from_pretrained opens a checkpoint." if isinstance(config, (str, Path)) else ""
            if type(config).__name__ == expected.__name__:
                hint = f"{expected.__name__} was defined again since: define {cls.__name__} again too."
            problem = f"expected a {expected.__name__}, got {type(config).__name__}"
            raise ConfigError(f"{cls.__name__}(config)", problem, hint=hint)
        outer = getattr(_building, "config", None)
        if config is outer:  # a model inside another
            with torch.device("meta") if getattr(_building, "hollow", False) else nullcontext():
                return super().__call__(config, *args, **kwargs)
        _building.config = config = config.locked()
        try:
            return super().__call__(config, *args, **kwargs)
        finally:
            _building.config = outer


@contextmanager
def hollow() -> Iterator[None]:
    """Within it the models inside a model get no memory: to have the values of what is around them cheaply."""
    _building.hollow = True
    try:
        yield
    finally:
        _building.hollow = False


class PreTrainedModel(nn.Module, metaclass=_Building):
    """A `torch.nn.Module` with a configuration.

    Class arguments of a subclass: `config`, its configuration class; `task`, what its head does (without one it is the
    base model of its type); `backbone`, in `dovela.torch.heads`.
    """

    config_class: ClassVar[type[PretrainedConfig]] = PretrainedConfig
    task: ClassVar[str] = ""
    weight_map: ClassVar[WeightMap] = WeightMap()
    optional_parts: ClassVar[tuple[str, ...]] = ()
    """Parts (attribute names) that a checkpoint may lack, or have while the model does without."""
    head_parts: ClassVar[Mapping[str, str]] = {}
    """Parts of the head, and what they tell apart; equal names with another meaning are never loaded."""
    main_input_name: ClassVar[str] = "input_ids"

    config: Any

    def __init_subclass__(
        cls, *, config: type[PretrainedConfig] | None = None, task: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if config is not None:
            cls.config_class, cls.task = config, task or BASE
            MODELS.register(f"{config.model_type}/{cls.task}", cls)
        # Here, not at the first call: a class that changes while it is traced is a side effect to torch.export.
        cls._input_names = cls._find_input_names()

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__()
        self.config = config

    # ---- calling --------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for name in kwargs:
            if name not in self.input_names():
                known = self.input_names()
                raise InputError(
                    f"{type(self).__name__}(…)",
                    f"there is no input {name!r}{suggest(name, known)}",
                    hint=f"It takes {', '.join(known)}.",
                )
        return super().__call__(*args, **kwargs)

    @classmethod
    def input_names(cls) -> tuple[str, ...]:
        """The names of `forward`'s arguments, and of those above it that it passes the rest on to."""
        return cls._input_names

    @classmethod
    def _find_input_names(cls) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for owner in cls.__mro__:
            if owner is nn.Module:
                return _Anything(names)
            if "forward" in vars(owner):
                parameters = list(inspect.signature(vars(owner)["forward"]).parameters.values())[1:]
                names |= {p.name: None for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
                if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                    break
        return tuple(names)

    _input_names: ClassVar[tuple[str, ...]]

    # ---- files --------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path | None, **options: Any) -> Any:
        """Open a checkpoint, from a folder or from a name on the hub, in evaluation mode.

        config: use this configuration (or the one in this folder) instead of the checkpoint's
        dtype (torch_dtype): a floating torch dtype or its name; by default as the weights are stored
        new_head: put a fresh head on, whatever the checkpoint has; ignore_mismatched_sizes: only where shapes differ
        output_loading_info: return (model, `LoadReport`)
        state_dict: take these tensors (by their names in files) instead of the checkpoint's; with `config`, the name
        may then be None
        attn_implementation, variant, allow_pickle (then with weights_only), and the hub's options: revision, token,
        subfolder, cache_dir, local_files_only, force_download
        Every other argument overrides a field of the configuration.

        Raises MissingWeights, UnexpectedWeights or ShapeMismatch if the checkpoint does not fit.
        """
        from .loading import load

        return load(cls, name_or_path, **options)

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Write config.json and safetensors into a folder; killed at any instant, the old or the new is whole.

        max_shard_size: split files above it ("5GB"); state_dict: save these tensors instead; variant: "fp16" names the
        file model.fp16.safetensors; safe_serialization is True, and pickles are never written
        """
        from .saving import save

        save(self, save_directory, **options)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Save into a repository on the hub; `options` as in `dovela.hub.push_to_hub`."""
        from ..hub import push_saved

        return push_saved(self, repo_id, **options)

    # ---- parts --------------------------------------------------------------------------------

    @property
    def table(self) -> WeightMap:
        """How files name the weights: as the class says, or as the backbone's class does."""
        backbone = getattr(self, "backbone", None)
        own = self.weight_map.rules or not isinstance(backbone, PreTrainedModel)
        return self.weight_map if own else backbone.weight_map  # type: ignore[union-attr]

    @property
    def headed(self) -> bool:
        """Whether it keeps a model without a head as its `backbone`."""
        return isinstance(getattr(self, "backbone", None), nn.Module)

    def head_names(self) -> set[str]:
        """First words of the head's weights: what is not the backbone, an encoder or another model."""
        bodies = (PreTrainedModel, Encoder, Layers, TextEmbeddings, ImageEmbeddings)
        body = {name for name, child in self.named_children() if isinstance(child, bodies)}
        names = {name.partition(".")[0] for name in self.state_dict(keep_vars=True)}
        return set() if self.task in ("", BASE) else names - body - {"backbone"}

    @property
    def base_model(self) -> nn.Module:
        """The model without its head."""
        return getattr(self, "backbone", self)

    def get_input_embeddings(self) -> nn.Embedding:
        for module in self.modules():
            if isinstance(module, TextEmbeddings):
                return module.tokens
        raise InputError(type(self).__name__, "has no token embeddings", hint="Override get_input_embeddings().")

    def set_input_embeddings(self, embedding: nn.Embedding) -> None:
        for module in self.modules():
            if isinstance(module, TextEmbeddings):
                surgery.check_embedding(self, embedding)
                module.tokens = embedding  # type: ignore[assignment]
                self.tie_weights()
                return
        raise InputError(type(self).__name__, "has no token embeddings", hint="Override set_input_embeddings().")

    def get_output_embeddings(self) -> nn.Linear | None:
        """The layer that turns hidden states into scores of tokens, if there is one."""
        return None

    def set_output_embeddings(self, layer: nn.Linear) -> None:
        raise InputError(type(self).__name__, "has no output embeddings")

    def tie_weights(self) -> None:
        """Let the output embeddings share the matrix of the input embeddings, if the configuration says so."""
        output = self.get_output_embeddings()
        if output is not None and self.config.tie_word_embeddings:
            output.weight = self.get_input_embeddings().weight

    def resize_token_embeddings(
        self, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None
    ) -> nn.Embedding:
        """Change the vocabulary's size everywhere at once; rows that stay keep their values, new ones are drawn."""
        return surgery.resize_vocabulary(self, new_num_tokens, pad_to_multiple_of)

    def prune_heads(self, heads_to_prune: Mapping[int, Any]) -> None:
        """Cut attention heads, {layer: heads}, numbered as before any was cut. Saved with the model."""
        surgery.prune_heads(self, heads_to_prune)

    def _stacks(self) -> Iterator[Layers]:
        return (module for module in self.modules() if isinstance(module, Layers))

    def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs: dict[str, Any] | None = None) -> None:
        """Compute activations again in the backward pass instead of keeping them: less memory, about a third slower.

        The argument is for `torch.utils.checkpoint.checkpoint`; by default {"use_reentrant": False}.
        """
        stacks = list(self._stacks())
        if not stacks:
            raise InputError(type(self).__name__, "has no stack of blocks (dovela.torch.Layers) to checkpoint")
        for stack in stacks:
            stack.checkpointing = {"use_reentrant": False, **(gradient_checkpointing_kwargs or {})}

    def gradient_checkpointing_disable(self) -> None:
        for stack in self._stacks():
            stack.checkpointing = None

    @property
    def is_gradient_checkpointing(self) -> bool:
        return any(stack.checkpointing is not None for stack in self._stacks())

    def set_attn_implementation(self, name: str) -> None:
        """Choose the attention kernel: "sdpa", "eager", "flex" or a registered one."""
        KERNELS.get(name)
        self.config.attn_implementation = name

    # ---- numbers --------------------------------------------------------------------------------

    def num_parameters(self, only_trainable: bool = False) -> int:
        """Shared parameters count once."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not only_trainable)

    def get_memory_footprint(self) -> int:
        """Bytes of parameters and buffers."""
        tensors: list[Tensor] = [*self.parameters(), *self.buffers()]
        return sum(t.numel() * t.element_size() for t in tensors)

    @property
    def device(self) -> torch.device:
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    @property
    def dtype(self) -> torch.dtype:
        """Of the floating parameters."""
        return next((p.dtype for p in self.parameters() if p.is_floating_point()), torch.get_default_dtype())


class _Anything(tuple[str, ...]):
    """The inputs of a forward that takes any keyword."""

    def __contains__(self, name: object) -> bool:
        return True


def _register_tree(cls: type[ModelOutput]) -> None:
    """Let torch (compile, export, FSDP) see the tensors inside an output."""
    if cls.__dict__.get("_is_tree"):
        return
    cls._is_tree = True  # type: ignore[attr-defined]

    def flatten(output: ModelOutput) -> tuple[list[Any], list[str]]:
        return output.values(), output.keys()

    def unflatten(values: Any, keys: Any) -> ModelOutput:
        return cls(**dict(zip(keys, values, strict=True)))

    def flatten_with_keys(output: ModelOutput) -> tuple[list[Any], list[str]]:
        return [(torch.utils._pytree.MappingKey(k), v) for k, v in output.items()], output.keys()

    torch.utils._pytree.register_pytree_node(
        cls,
        flatten,
        unflatten,
        serialized_type_name=f"{cls.__module__}.{cls.__qualname__}",
        flatten_with_keys_fn=flatten_with_keys,
    )


each_output(_register_tree)
