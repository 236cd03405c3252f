"""Jobs for the processes of `peers`: Wav2Vec2 of transformers, run and trained."""

from __future__ import annotations

from typing import Any

import peer_models


def build_and_save(name: str, config: dict[str, Any], folder: str, seed: int = 0) -> None:
    """Save a random model whose weights, biases and norms are all a little away from their defaults.

    (Only a little: float32's own rounding comes near the tolerance in the gradients of wilder weights.)
    """
    import torch
    import transformers

    cls = getattr(transformers, name)
    model = cls(cls.config_class(**config))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.04 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)


def run(
    name: str, folder: str, inputs: dict[str, Any], real: Any, attention: str, seed: int, training: bool = False
) -> dict[str, Any]:
    """Outputs, loss and gradients (by name in the file) of a saved model, as numpy arrays."""
    import torch
    import transformers

    model = getattr(transformers, name).from_pretrained(folder, attn_implementation=attention).train(training)
    if training and hasattr(model, "quantizer"):
        model.quantizer.register_forward_pre_hook(lambda *_: torch.manual_seed(seed) and None)
    tensors = {key: torch.from_numpy(value) for key, value in inputs.items()}
    output = model(**tensors, output_hidden_states=True, output_attentions=attention == "eager")
    result = peer_models.flatten(output)
    objective(output, torch.from_numpy(real), seed).backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    result["gradients"] = {n: g.numpy() for n, g in peer_models._as_in_files(model, gradients).items()}
    return result


def exact_ctc_gradients(name: str, folder: str, inputs: dict[str, Any], real: Any) -> dict[str, Any]:
    """Of the sum of CTC losses by name in the file, in float64 throughout (the peer's own softmax is in float32)."""
    import torch
    import transformers

    model = getattr(transformers, name).from_pretrained(folder).double().eval()
    tensors = {key: torch.from_numpy(value) for key, value in inputs.items()}
    logits = model(tensors["input_values"].double(), attention_mask=tensors["attention_mask"]).logits
    labels, lengths = tensors["labels"], torch.from_numpy(real).sum(1)
    characters, counts = labels[labels >= 0], (labels >= 0).sum(1)
    scores = logits.log_softmax(-1).transpose(0, 1)
    blank = model.config.pad_token_id
    torch.nn.functional.ctc_loss(scores, characters, lengths, counts, blank, "sum").backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    return {n: g.numpy() for n, g in peer_models._as_in_files(model, gradients).items()}


def objective(output: Any, real: Any, seed: int) -> Any:
    """The loss, or for a model without one a random weighting of its states and features where they are real."""
    import torch

    if "loss" in output:
        return output["loss"].sum()
    generator = torch.Generator().manual_seed(seed)
    total = 0.0
    for key in ("last_hidden_state", "extract_features"):
        states = output[key]
        if states.shape[1] == real.shape[1]:
            weight = torch.randn(states.shape, generator=generator)
            total = total + (states * weight * real[..., None]).sum() / states.shape[-1]
        else:  # after an adapter
            weight = torch.randn(states.shape[2:], generator=generator)
            total = total + (states[:1] * weight).sum() / states.shape[-1]
    return total


def forward(name: str, folder: str, inputs: dict[str, Any]) -> dict[str, Any]:
    import torch
    import transformers

    model = getattr(transformers, name).from_pretrained(folder).eval()
    return peer_models.flatten(model(**{key: torch.from_numpy(value) for key, value in inputs.items()}))


def lengths(name: str, folder: str, samples: list[int]) -> list[int]:
    import torch
    import transformers

    model = getattr(transformers, name).from_pretrained(folder)
    return model._get_feat_extract_output_lengths(torch.tensor(samples)).tolist()


def spans(shape: tuple[int, int], prob: float, length: int, mask: Any, least: int, trials: int) -> Any:
    """How often each frame is masked."""
    import numpy as np
    import torch
    from transformers.models.wav2vec2.modeling_wav2vec2 import _compute_mask_indices

    np.random.seed(0)
    mask = None if mask is None else torch.from_numpy(mask)
    drawn = np.stack([_compute_mask_indices(shape, prob, length, mask, least) for _ in range(trials)])
    return drawn.mean(0)


def save_adapter(name: str, config: dict[str, Any], folder: str, language: str, characters: int) -> None:
    """A checkpoint with language adapters, and a file with those of another language."""
    import safetensors.torch
    import torch
    import transformers

    torch.manual_seed(5)
    cls = getattr(transformers, name)
    cls(cls.config_class(**config)).save_pretrained(folder)
    other = cls(cls.config_class(**config | {"vocab_size": characters}))
    weights = {key: value.detach().clone() + 0.1 for key, value in other._get_adapters().items()}
    safetensors.torch.save_file(weights, f"{folder}/adapter.{language}.safetensors", metadata={"format": "pt"})


def run_language(name: str, folder: str, language: str, samples: Any) -> Any:
    import torch
    import transformers

    model = getattr(transformers, name).from_pretrained(folder).eval()
    model.load_adapter(language)
    with torch.no_grad():
        return model(torch.from_numpy(samples)).logits.numpy()
