"""Every head and variant of Wav2Vec2 computes what transformers 4.57.6 computes, in evaluation and in training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
import peer_models
import peer_wav2vec2
import sounds
from peers import peer4, peer5
from sounds import WAV2VEC2

pytestmark = pytest.mark.peer
TOLERANCE = 2e-5  # of 1 + the largest value

STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
RANDOM = ["hidden_dropout", "activation_dropout", "attention_dropout", "feat_proj_dropout", "feat_quantizer_dropout"]
QUIET = dict.fromkeys([*RANDOM, "final_dropout", "layerdrop"], 0.0)
VARIANTS = {"group": {}, "stable": STABLE}


def assert_close(ours: Any, theirs: Any, what: str, real: Any = None) -> None:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} and {theirs.shape}"
    if real is not None:
        ours, theirs = ours[real], theirs[real]
    worst = np.abs(ours - theirs).max(initial=0)
    assert worst <= TOLERANCE * (1 + np.abs(theirs).max(initial=0)), f"{what}: differs by {worst}"


def compare(ours: dict[str, Any], theirs: dict[str, Any], real: np.ndarray) -> None:
    """Everything there is, at every frame (B, S) that is not padding."""
    for key in theirs:
        if key in ("hidden_states", "attentions"):
            assert len(ours[key]) == len(theirs[key]), key
            for index, (a, b) in enumerate(zip(ours[key], theirs[key], strict=True)):
                if key == "attentions":
                    a, b = a.swapaxes(1, 2), b.swapaxes(1, 2)  # (B, S, H, S): rows of real queries
                assert_close(a, b, f"{key}[{index}]", real)
        elif key == "gradients":
            assert set(ours[key]) == set(theirs[key])
            for name, gradient in theirs[key].items():
                assert_close(ours[key][name], gradient, f"gradient of {name}")
        else:
            by_frame = theirs[key].shape[:2] == real.shape
            assert_close(ours[key], theirs[key], key, real if by_frame else None)


def run(
    name: str,
    folder: Path,
    inputs: dict[str, np.ndarray],
    attention: str = "sdpa",
    seed: int = 0,
    training: bool = False,
) -> dict[str, Any]:
    model = getattr(dovela, name).from_pretrained(folder, attn_implementation=attention).train(training)
    if training and hasattr(model, "quantizer"):
        model.quantizer.register_forward_pre_hook(lambda *_: torch.manual_seed(seed) and None)
    tensors = {key: torch.from_numpy(value) for key, value in inputs.items()}
    output = model(**tensors, output_hidden_states=True, output_attentions=attention == "eager")
    result = peer_models.flatten(output)
    peer_wav2vec2.objective(output, torch.from_numpy(sounds.real_frames(inputs)), seed).backward()
    result["gradients"] = {
        model.weight_names.write(n, headed=model.headed): p.grad.numpy()
        for n, p in model.named_parameters()
        if p.grad is not None
    }
    return result


def check(
    name: str,
    changes: dict[str, Any],
    folder: Path,
    inputs: dict[str, np.ndarray] | None = None,
    attention: str = "sdpa",
    seed: int = 0,
    training: bool = False,
) -> None:
    """Save a random peer with the changes, and run both on `inputs`, by default on a ragged batch."""
    if not (folder / "config.json").exists():
        peer4(peer_wav2vec2.build_and_save, name, WAV2VEC2 | changes, str(folder), seed)
    if inputs is None:
        inputs = sounds.sounds(name, np.random.default_rng(seed))
    real = sounds.real_frames(inputs)
    theirs = peer4(peer_wav2vec2.run, name, str(folder), inputs, real, attention, seed, training)
    compare(run(name, folder, inputs, attention, seed, training), theirs, real)


def whole(name: str, seed: int = 0) -> dict[str, np.ndarray]:
    return sounds.sounds(name, np.random.default_rng(seed), ragged=False)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("head", sounds.HEADS)
def test_outputs_losses_and_gradients(head: str, variant: str, attention: str, tmp_path: Path) -> None:
    name, seed = "Wav2Vec2" + head, sounds.HEADS.index(head)
    check(name, VARIANTS[variant], tmp_path, whole(name, seed), attention, seed)
    if head != "ForXVector":  # whose statistics take in padding there
        check(name, VARIANTS[variant], tmp_path, None, attention, seed)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("head", ["Model", "ForPreTraining", "ForCTC"])
def test_training(head: str, variant: str, tmp_path: Path) -> None:
    """With the same frames masked and the same draws of the quantizer; other randomness is off."""
    name = "Wav2Vec2" + head
    inputs = sounds.sounds(name, np.random.default_rng(4))
    if head == "Model":
        inputs["mask_time_indices"] = np.random.default_rng(5).random(sounds.real_frames(inputs).shape) < 0.3
    augment = {"apply_spec_augment": head != "ForCTC"}
    check(name, VARIANTS[variant] | QUIET | augment, tmp_path, inputs, training=True, seed=4)


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("Model", {"feat_extract_norm": "layer"}),
    ("Model", {"do_stable_layer_norm": True}),
    ("Model", {"num_conv_pos_embeddings": 7}),
    ("Model", {"hidden_act": "relu", "feat_extract_activation": "gelu_new", "layer_norm_eps": 1e-2}),
    ("Model", {"conv_bias": True}),
    ("Model", {"conv_dim": [12], "conv_kernel": [40], "conv_stride": [20]}),
    ("ForCTC", {"add_adapter": True}),
    ("ForCTC", {"add_adapter": True, "output_hidden_size": 36, "num_adapter_layers": 1, **STABLE}),
    ("Model", {"add_adapter": True, "num_adapter_layers": 2, "adapter_stride": 3}),
    ("ForCTC", {"adapter_attn_dim": 10, **STABLE}),
    ("ForCTC", {"ctc_zero_infinity": True, "pad_token_id": 31}),
    ("ForPreTraining", {"num_codevector_groups": 4, "contrastive_logits_temperature": 0.5}),
    ("ForPreTraining", {"diversity_loss_weight": 2.0, "proj_codevector_dim": 8}),
    ("ForSequenceClassification", {"use_weighted_layer_sum": True, **STABLE}),
    ("ForAudioFrameClassification", {"use_weighted_layer_sum": True}),
]


@pytest.mark.parametrize(("head", "options"), OPTIONS, ids=[f"{h}-{'-'.join(o)}" for h, o in OPTIONS])
def test_options_act_as_the_peers_do(head: str, options: dict[str, Any], tmp_path: Path) -> None:
    check("Wav2Vec2" + head, options, tmp_path, seed=3)


def test_the_gradients_of_a_sum_of_ctc_losses(tmp_path: Path) -> None:
    """They are large enough for float32 to round; those here are about as near to float64's as the peer's are."""
    name, inputs = "Wav2Vec2ForCTC", sounds.sounds("Wav2Vec2ForCTC", np.random.default_rng(6))
    real = sounds.real_frames(inputs)
    peer4(peer_wav2vec2.build_and_save, name, WAV2VEC2 | {"ctc_loss_reduction": "sum"}, str(tmp_path), 6)
    exact = peer4(peer_wav2vec2.exact_ctc_gradients, name, str(tmp_path), inputs, real)
    theirs = peer4(peer_wav2vec2.run, name, str(tmp_path), inputs, real, "sdpa", 0)["gradients"]
    ours = run(name, tmp_path, inputs)["gradients"]
    assert set(ours) == set(theirs) == set(exact)

    def error(gradients: dict[str, np.ndarray]) -> float:
        """The mean over all tensors, each in parts of its largest value."""
        worst = [np.abs(gradients[k] - exact[k]).max() / (1e-3 + np.abs(exact[k]).max()) for k in exact]
        return float(np.mean(worst))

    assert error(theirs) < 1e-3
    assert error(ours) < 2 * error(theirs)  # a millionth or two, by how many threads add


def test_the_sum_of_ctc_losses(tmp_path: Path) -> None:
    name, inputs = "Wav2Vec2ForCTC", sounds.sounds("Wav2Vec2ForCTC", np.random.default_rng(6))
    peer4(peer_wav2vec2.build_and_save, name, WAV2VEC2 | {"ctc_loss_reduction": "sum"}, str(tmp_path), 6)
    theirs = peer4(peer_wav2vec2.forward, name, str(tmp_path), inputs)["loss"]
    with torch.no_grad():
        model = dovela.Wav2Vec2ForCTC.from_pretrained(tmp_path)
        assert_close(model(**{k: torch.from_numpy(v) for k, v in inputs.items()}).loss, theirs, "loss")


def test_a_mixture_of_layers_for_voices(tmp_path: Path) -> None:
    check("Wav2Vec2ForXVector", {"use_weighted_layer_sum": True}, tmp_path, whole("Wav2Vec2ForXVector"))


@pytest.mark.parametrize("head", ["ForSequenceClassification", "ForCTC", "ForPreTraining"])
def test_without_a_mask(head: str, tmp_path: Path) -> None:
    name = "Wav2Vec2" + head
    inputs = whole(name)
    check(name, {}, tmp_path, inputs)
    bare = {key: value for key, value in inputs.items() if key != "attention_mask"}
    with torch.no_grad():
        model = getattr(dovela, name).from_pretrained(tmp_path)
        with_mask, without = (
            model(**{k: torch.from_numpy(v) for k, v in given.items()}).loss for given in (inputs, bare)
        )
    assert torch.allclose(with_mask, without, rtol=1e-6)


def test_the_perplexity_of_all_frames_where_none_are_chosen(tmp_path: Path) -> None:
    name = "Wav2Vec2ForPreTraining"
    inputs = sounds.sounds("Wav2Vec2Model", np.random.default_rng(2))
    peer4(peer_wav2vec2.build_and_save, name, WAV2VEC2, str(tmp_path), 2)
    model = dovela.Wav2Vec2ForPreTraining.from_pretrained(tmp_path)
    with torch.no_grad():
        ours = model(**{k: torch.from_numpy(v) for k, v in inputs.items()})
    theirs = peer4(peer_wav2vec2.forward, name, str(tmp_path), inputs)
    assert_close(ours.codevector_perplexity, theirs["codevector_perplexity"], "perplexity")


CHECKPOINTS = [(head, "stable" if index % 2 else "group") for index, head in enumerate(sounds.HEADS)]


@pytest.mark.slow
@pytest.mark.parametrize(("head", "variant"), [*CHECKPOINTS, ("ForCTC", "adapters")])
def test_checkpoints_go_both_ways(head: str, variant: str, tmp_path: Path) -> None:
    """What a peer writes opens here bit for bit, and what is written here opens in both peers with nothing amiss."""
    name, options = "Wav2Vec2" + head, VARIANTS.get(variant, {})
    if variant == "adapters":
        options = {"add_adapter": True, "output_hidden_size": 36, "adapter_attn_dim": 6, **STABLE}
    if head in ("ForSequenceClassification", "ForXVector"):
        options = options | {"use_weighted_layer_sum": variant == "group"}
    inputs = whole(name)
    real = sounds.real_frames(inputs)
    for peer in (peer4, peer5):
        theirs, back = tmp_path / f"theirs-{peer.__name__}", tmp_path / f"ours-{peer.__name__}"
        peer(peer_wav2vec2.build_and_save, name, WAV2VEC2 | options, str(theirs), 1)
        model, report = getattr(dovela, name).from_pretrained(theirs, output_loading_info=True)
        assert [*report.missing, *report.unexpected, *report.mismatched, *report.fresh] == []
        model.save_pretrained(back)
        for other in (peer4, peer5):
            info = other(peer_models.loading_info, name, str(back))
            assert info["missing"] == info["unexpected"] == info["mismatched"] == []
            original = other(peer_models.loading_info, name, str(theirs))
            assert set(info["state"]) == set(original["state"])
            assert all(np.array_equal(info["state"][key], value) for key, value in original["state"].items())
        again = getattr(dovela, name).from_pretrained(back)
        assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())
    last = peer5(peer_wav2vec2.run, name, str(back), inputs, real, "sdpa", 0)
    last.pop("hidden_states")  # the last of which 5.x takes before the last norm
    compare(run(name, back, inputs), last, real)


def test_the_older_names_of_weight_norm(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    peer4(peer_wav2vec2.build_and_save, "Wav2Vec2ForCTC", WAV2VEC2, str(tmp_path), 1)
    model = dovela.Wav2Vec2ForCTC.from_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    tensors = load_file(file)
    for new, name in old.items():
        tensors = {key.replace(new, name): value for key, value in tensors.items()}
    assert sum(key.endswith(("weight_g", "weight_v")) for key in tensors) == 2
    save_file(tensors, file, metadata={"format": "pt"})
    again, report = dovela.Wav2Vec2ForCTC.from_pretrained(tmp_path, output_loading_info=True)
    assert [*report.missing, *report.fresh, *report.unexpected] == []
    assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())


def test_adapters_of_another_language(tmp_path: Path) -> None:
    config = WAV2VEC2 | STABLE | {"adapter_attn_dim": 10}
    name = "Wav2Vec2ForCTC"
    peer4(peer_wav2vec2.save_adapter, name, config, str(tmp_path), "fra", 40)
    samples = whole(name)["input_values"]
    theirs = peer4(peer_wav2vec2.run_language, name, str(tmp_path), "fra", samples)
    first = dovela.Wav2Vec2ForCTC.from_pretrained(tmp_path)
    first.load_adapter("fra")
    second = dovela.Wav2Vec2ForCTC.from_pretrained(tmp_path, target_lang="fra")
    for model in (first, second):
        assert model.config.vocab_size == 40
        with torch.no_grad():
            assert_close(model(torch.from_numpy(samples)).logits, theirs, "logits")
    first.save_pretrained(tmp_path / "again")
    again = dovela.Wav2Vec2ForCTC.from_pretrained(tmp_path / "again")
    assert torch.equal(again.lm_head.weight, second.lm_head.weight)


def test_frame_counts_are_the_peers(tmp_path: Path) -> None:
    samples = [*range(40, 300), 1000, 1650]
    for options in ({}, {"add_adapter": True}):
        folder = tmp_path / str(len(options))
        peer4(peer_wav2vec2.build_and_save, "Wav2Vec2Model", WAV2VEC2 | options, str(folder), 1)
        model = dovela.Wav2Vec2Model.from_pretrained(folder)
        theirs = peer4(peer_wav2vec2.lengths, "Wav2Vec2Model", str(folder), samples)
        assert model.get_feat_extract_output_lengths(torch.tensor(samples)).tolist() == theirs
        assert [model.get_feat_extract_output_lengths(n) for n in samples] == theirs
