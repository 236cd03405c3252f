"""The base class of every torch model: built from a configuration, loaded, saved, resized, pruned.

    class NearForSequenceClassification(PreTrainedModel, config=NearConfig, task="sequence-classification"):
        def __init__(self, config):
            super().__init__(config)
            self.encoder, self.head = Encoder(config), nn.Linear(config.hidden_size, config.num_labels)

The class statement registers the model: `AutoModelForSequenceClassification` then opens its checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..calling import check_names, find_input_names
from ..config import PretrainedConfig
from ..declaring import register_model
from ..errors import ConfigError, InputError
from ..outputs import each_output
from ..parts import KERNELS, MODELS
from ..weights import WeightMap
from . import surgery, vocabulary
from .blocks import Encoder, Layers
from .building import Building
from .display import describe
from .embeddings import TextEmbeddings
from .model_classes import BASE
from .patches import ImageEmbeddings
from .trees import register_tree


class PreTrainedModel(nn.Module, metaclass=Building):
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
    supports_gradient_checkpointing: ClassVar[bool] = False
    """Whether `forward` calls its own blocks by `self.checkpoint(block, x)`; the blocks of `Layers` need no help."""

    config: Any
    checkpointing: dict[str, Any] | None = None  # in training: compute activations again, with these options

    def __init_subclass__(
        cls, *, config: type[PretrainedConfig] | None = None, task: str | None = None, **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        if config is not None or task is not None:
            cls.config_class, cls.task = config or cls.config_class, task or BASE
            register_model(cls, MODELS)
        # Here, not at the first call: a class that changes while it is traced is a side effect to torch.export.
        cls._input_names = cls._find_input_names()

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__()
        self.config = config

    # ---- calling --------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if type(self).forward is nn.Module.forward:
            first, mask = (
                self.main_input_name,
                "" if self.main_input_name == "pixel_values" else ", attention_mask=None",
            )
            rest = f"=None{mask}, *, labels=None, **inputs" if self.headed else mask
            hint = f"Write: def forward(self, {first}{rest})"
            raise ConfigError(type(self).__name__, "defines no forward, so it cannot be called", hint=hint)
        check_names(self, kwargs, self.input_names(), training="Call model.train() or model.eval() before.")
        return super().__call__(*args, **kwargs)

    @classmethod
    def input_names(cls) -> tuple[str, ...]:
        """The names of `forward`'s arguments, and of those above it that it passes the rest on to."""
        return cls._input_names

    @classmethod
    def _find_input_names(cls) -> tuple[str, ...]:
        return find_input_names(cls, "forward", nn.Module)

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

    def with_head(self, head: str | type[Any], **config_changes: Any) -> Any:
        """A new model with another head on the same backbone, which is shared and not copied.

        head: a task ("sequence-classification"), a model class, or a class of heads, as of `dovela.torch`
        config_changes: fields of the new model's configuration that concern the head (num_labels=3)

        The head is fresh; what it needs in the backbone and is not there (BERT's pooler) is made, and a notice names
        it. Dtype, device and mode are the backbone's. The other fields are the same in both configurations from now
        on, so `output_attentions` and `attn_implementation` act wherever they are set. Resize a vocabulary before.

        Raises RegistryError for a task that there is no head for, ConfigError for a change of the backbone's shape.
        """
        from .head_exchange import with_head

        return with_head(self, head, config_changes)

    @property
    def weight_names(self) -> WeightMap:
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
        """The table of token vectors: of `TextEmbeddings`, or else the only one with a row for each token."""
        return vocabulary.find_input(self)  # type: ignore[no-any-return]

    def set_input_embeddings(self, embedding: nn.Embedding) -> None:
        """Exchange it for another of the same shape; what shared the old one's matrix shares the new one's."""
        vocabulary.exchange_input(self, embedding)
        self.tie_weights()

    def get_output_embeddings(self) -> nn.Linear | None:
        """The layer that turns hidden states into scores of tokens: by default the one that is tied to the input's.

        Override it where one is not tied, so that it is resized too.
        """
        return vocabulary.find_tied_output(self)

    def set_output_embeddings(self, layer: nn.Linear) -> None:
        raise InputError(type(self).__name__, "has no output embeddings")

    def tie_weights(self) -> None:
        """Let the output embeddings share the matrix of the input embeddings, if the configuration says so.

        A constructor calls it where it wants that; nothing else ties what a constructor left apart.
        """
        output = self.get_output_embeddings()
        if output is not None and self.config.tie_word_embeddings:
            output.weight = self.get_input_embeddings().weight

    def resize_token_embeddings(
        self, new_num_tokens: int | None = None, pad_to_multiple_of: int | None = None
    ) -> nn.Embedding:
        """Change the vocabulary's size everywhere at once; rows that stay keep their values, new ones are drawn."""
        vocabulary.check_resizable(self)
        return surgery.resize_vocabulary(self, new_num_tokens, pad_to_multiple_of)

    def prune_heads(self, heads_to_prune: Mapping[int, Any]) -> None:
        """Cut attention heads, {layer: heads}, numbered as before any was cut. Saved with the model."""
        surgery.prune_heads(self, heads_to_prune)

    def _stacks(self) -> Iterator[Any]:
        for module in self.modules():
            if isinstance(module, Layers) or getattr(module, "supports_gradient_checkpointing", False) is True:
                yield module

    def checkpoint(self, block: Any, *args: Any) -> Any:
        """`block(*args)`, whose activations are computed again in the backward pass if that is enabled."""
        if self.checkpointing is None or not self.training or not torch.is_grad_enabled():
            return block(*args)
        return checkpoint(block, *args, **self.checkpointing)

    def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs: dict[str, Any] | None = None) -> None:
        """Compute activations again in the backward pass instead of keeping them: less memory, about a third slower.

        The argument is for `torch.utils.checkpoint.checkpoint`; by default {"use_reentrant": False}.
        """
        stacks = list(self._stacks())
        if not stacks:
            raise InputError(
                type(self).__name__,
                "has no stack of blocks (dovela.torch.Layers) to checkpoint",
                hint="For blocks of its own, call them as self.checkpoint(block, x) in forward, and write "
                "supports_gradient_checkpointing = True in the class.",
            )
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
        configs = [self.config, *(vars(module).get("config") for module in self.modules())]
        for config in {id(config): config for config in configs if isinstance(config, PretrainedConfig)}.values():
            config.attn_implementation = name  # of models inside this one too

    # ---- numbers --------------------------------------------------------------------------------

    def __repr__(self) -> str:
        """Its size and its parts in a few lines; `torch.nn.Module.__repr__(model.base_model)` lists every module."""
        return describe(self)

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


each_output(register_tree)
