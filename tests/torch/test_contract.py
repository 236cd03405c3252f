"""What holds for every model: it compiles, exports, copies, shards, trains, saves and reloads."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
from architectures import MODELS, TEXT_MODELS, auto_of, config_of, inputs_for, real_places
from dovela import ConfigError, InputError


def tensors(name: str, seed: int = 0, **options: Any) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in inputs_for(name, seed, **options).items()}


def same(a: Any, b: Any, name: str, inputs: dict[str, torch.Tensor], tolerance: float = 0.0) -> None:
    """Equal outputs, at every place that is not padding."""
    assert a.keys() == b.keys()
    real = real_places(name, {key: value.numpy() for key, value in inputs.items()})
    for key in a.keys():  # noqa: SIM118
        x, y = a[key], b[key]
        if real is not None and x.dim() > 1 and x.shape[:2] == real.shape:
            x, y = x[real], y[real]
        assert (x - y).abs().max() <= tolerance * (1 + y.abs().max()), key


@pytest.mark.parametrize("name", MODELS)
def test_compiles_as_one_graph(name: str, small: Any) -> None:
    torch._dynamo.reset()
    model, inputs = small(name), tensors(name)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        same(compiled(**inputs), model(**inputs), name, inputs, 1e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # by torch, in its own compiler
@pytest.mark.parametrize("name", ["DistilBertForMaskedLM", "BertForSequenceClassification"])
def test_compiles_to_machine_code_and_trains(name: str, small: Any) -> None:
    torch._dynamo.reset()
    model, inputs = small(name), tensors(name)
    compiled = torch.compile(model, fullgraph=True)
    compiled(**inputs).loss.backward()
    ours = {n: p.grad.clone() for n, p in model.named_parameters()}
    model.zero_grad()
    model(**inputs).loss.backward()
    for n, p in model.named_parameters():
        assert (ours[n] - p.grad).abs().max() <= 1e-5 * (1 + p.grad.abs().max()), n


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_exports(name: str, strict: bool, small: Any) -> None:
    model, inputs = small(name), tensors(name)
    program = torch.export.export(model, (), inputs, strict=strict)
    with torch.no_grad():
        same(program.module()(**inputs), model(**inputs), name, inputs, 1e-5)


def test_an_exported_program_takes_other_lengths(small: Any) -> None:
    model, inputs = small("BertModel"), tensors("BertModel")
    length = torch.export.Dim("length", min=2, max=40)
    program = torch.export.export(model, (), inputs, dynamic_shapes={key: {1: length} for key in inputs})
    longer = tensors("BertModel", length=21)
    with torch.no_grad():
        same(program.module()(**longer), model(**longer), "BertModel", longer, 1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_copies_and_pickles_are_independent(name: str, small: Any) -> None:
    model, inputs = small(name), tensors(name)
    before = model(**inputs)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        same(other(**inputs), before, name, inputs)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.add_(1.0)
        assert other.config is not model.config
        with pytest.raises(ConfigError, match="does not change with it"):
            other.config.hidden_size = 8
    same(model(**inputs), before, name, inputs)


@pytest.mark.parametrize("name", MODELS)
def test_saves_and_reloads_bit_equal(name: str, small: Any, tmp_path: Path) -> None:
    model, inputs = small(name), tensors(name)
    model.save_pretrained(tmp_path)
    auto = getattr(dovela, auto_of(name))
    for cls in (type(model), auto):
        again = cls.from_pretrained(tmp_path)
        assert type(again) is type(model)
        assert list(again.state_dict()) == list(model.state_dict())
        assert all(torch.equal(again.state_dict()[key], value) for key, value in model.state_dict().items())
        same(again(**inputs), model(**inputs), name, inputs)
        assert again.config == model.config
        assert not again.training


@pytest.mark.parametrize("name", TEXT_MODELS)
def test_padding_never_changes_a_real_place(name: str, small: Any) -> None:
    """Each row alone, without its padding, gives what it gives in the batch; packed and padded alike."""
    model, inputs = small(name), tensors(name)
    if name.endswith(("MultipleChoice", "QuestionAnswering")):  # whose softmax runs over the whole row
        inputs = {k: v for k, v in inputs.items() if "positions" not in k}
    inputs = {key: value for key, value in inputs.items() if "label" not in key}
    with torch.no_grad():
        batch = model(**inputs)
        for row in range(5):
            length = int(inputs["attention_mask"][row].sum(-1).max())
            alone = model(**{k: v[row : row + 1, ..., :length] for k, v in inputs.items()})
            for key in batch.keys():  # noqa: SIM118
                x, y = alone[key][0], batch[key][row]
                if y.shape[:1] == (33,):
                    y = y[:length]
                assert (x - y).abs().max() < 1e-5, key


@pytest.mark.parametrize("name", ["BertForPreTraining", "DistilBertForTokenClassification"])
def test_gradient_checkpointing_changes_no_gradient(name: str, small: Any) -> None:
    model, inputs = small(name), tensors(name)
    model.train()
    for module in model.modules():  # dropout draws; without it both ways are the same numbers
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.config._revise({"attention_dropout": 0.0})
    gradients = []
    for enable in (False, True):
        if enable:
            model.gradient_checkpointing_enable()
        assert model.is_gradient_checkpointing is enable
        model.zero_grad()
        model(**inputs).loss.backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    model.gradient_checkpointing_disable()
    assert not model.is_gradient_checkpointing
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_gradient_checkpointing_keeps_fewer_activations(small: Any) -> None:
    model, inputs = small("BertForMaskedLM").train(), tensors("BertForMaskedLM")

    def kept() -> int:
        total = 0

        def pack(x: torch.Tensor) -> torch.Tensor:
            nonlocal total
            total += x.numel()
            return x

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
            model(**inputs)
        return total

    plain = kept()
    model.gradient_checkpointing_enable()
    assert kept() < plain / 2


@pytest.mark.parametrize("name", ["BertForMaskedLM", "DistilBertForSequenceClassification"])
def test_dropout_acts_in_training_alone_and_follows_the_seed(name: str, small: Any) -> None:
    model, inputs = small(name), tensors(name)
    assert torch.equal(model(**inputs).logits, model(**inputs).logits)
    model.train()
    torch.manual_seed(1)
    first = model(**inputs).logits
    assert not torch.equal(first, model(**inputs).logits)
    torch.manual_seed(1)
    assert torch.equal(first, model(**inputs).logits)


@pytest.mark.parametrize(
    ("name", "changes", "where"),
    [
        ("DistilBertModel", {"dropout": 1.0}, ["embeddings.dropout", "layers.0.mlp_dropout"]),
        ("DistilBertForQuestionAnswering", {"qa_dropout": 1.0}, ["dropout"]),
        ("DistilBertForSequenceClassification", {"seq_classif_dropout": 1.0}, ["classifier.dropout"]),
        ("BertModel", {"hidden_dropout_prob": 1.0}, ["embeddings.dropout", "layers.2.attention_output_dropout"]),
        ("BertForTokenClassification", {"classifier_dropout": 1.0}, ["classifier.dropout"]),
    ],
)
def test_each_dropout_of_the_configuration_reaches_its_place(
    name: str, changes: dict[str, float], where: list[str], small: Any
) -> None:
    model = small(name, **changes)
    for path in where:
        assert model.get_submodule(path).p == 1.0


def test_attention_dropout_acts(small: Any) -> None:
    quiet = {"hidden_dropout_prob": 0.0}
    inputs = tensors("BertModel")
    model = small("BertModel", attention_probs_dropout_prob=0.9, **quiet).train()
    assert not torch.equal(model(**inputs).last_hidden_state, model(**inputs).last_hidden_state)
    model = small("BertModel", attention_probs_dropout_prob=0.0, **quiet).train()
    assert torch.equal(model(**inputs).last_hidden_state, model(**inputs).last_hidden_state)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_dtypes(dtype: torch.dtype, small: Any) -> None:
    model, inputs = small("BertForMaskedLM"), tensors("BertForMaskedLM")
    exact = model(**inputs).logits
    other = model.to(dtype)(**inputs).logits
    assert other.dtype == dtype == model.dtype
    real = inputs["attention_mask"] == 1
    assert (other - exact)[real].abs().max() < (0.05 if dtype is torch.bfloat16 else 1e-5)


def test_trains_to_fit_a_batch(small: Any) -> None:
    model, inputs = small("DistilBertForSequenceClassification"), tensors("DistilBertForSequenceClassification")
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        loss = model(**inputs).loss
        loss.backward()
        optimiser.step()
    model.eval()
    assert torch.equal(model(**inputs).logits.argmax(-1), inputs["labels"])


def test_outputs_are_read_by_attribute_key_and_index(small: Any) -> None:
    inputs = tensors("BertForSequenceClassification")
    output = small("BertForSequenceClassification")(**inputs, output_hidden_states=True)
    assert output.loss is output["loss"] is output[0]
    assert output.logits is output[1]
    assert list(output) == ["loss", "logits", "hidden_states"]
    assert len(output[2]) == 4
    assert output.attentions is None
    with pytest.raises(KeyError, match="which has loss, logits"):
        output["attentions"]


def test_configuration_switches_and_arguments_ask_for_states_and_attentions(small: Any) -> None:
    inputs = tensors("BertModel")
    model = small("BertModel", output_attentions=True)
    output = model(**inputs)
    assert [tuple(a.shape) for a in output.attentions] == [(5, 4, 33, 33)] * 3
    assert torch.allclose(output.attentions[0].sum(-1), torch.ones(5, 4, 33))
    assert model(**inputs, output_attentions=False).attentions is None
    model.config.output_hidden_states = True
    assert len(model(**inputs).hidden_states) == 4


SHARDED = {  # what makes a `model` and its `inputs`
    "DistilBertForMaskedLM": """
from dovela import DistilBertConfig, DistilBertForMaskedLM
sizes = dict(n_layers=2, dim=32, n_heads=4, hidden_dim=64, vocab_size=50)
model = DistilBertForMaskedLM(DistilBertConfig(**sizes, dropout=0.0))
ids = torch.arange(1, 25).view(2, 12)
inputs = {"input_ids": ids, "labels": ids}
""",
    "ViTForMaskedImageModeling": """
from dovela import ViTConfig, ViTForMaskedImageModeling
sizes = dict(num_hidden_layers=2, hidden_size=32, num_attention_heads=4, intermediate_size=64)
model = ViTForMaskedImageModeling(ViTConfig(**sizes, image_size=12, patch_size=3, encoder_stride=3))
inputs = {"pixel_values": torch.randn(2, 3, 12, 12), "bool_masked_pos": torch.arange(32).view(2, 16) % 2 == 0}
""",
}


@pytest.mark.parametrize("name", SHARDED)
def test_every_layer_can_be_sharded_by_fsdp2(name: str, tmp_path: Path) -> None:
    """Two processes, each block wrapped: the same loss and gradients as in one."""
    script = tmp_path / "shard.py"
    script.write_text(
        textwrap.dedent(
            """
            import copy, os, sys, warnings
            import torch, torch.distributed as dist
            from torch.distributed.device_mesh import init_device_mesh
            from torch.distributed.fsdp import fully_shard

            warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view")  # nn.Linear's own
            dist.init_process_group("gloo", init_method=f"file://{sys.argv[1]}", rank=int(sys.argv[2]), world_size=2)
            torch.manual_seed(0)
            MADE
            model.eval()
            whole = copy.deepcopy(model)
            mesh = init_device_mesh("cpu", (2,))
            for layer in model.backbone.layers:
                fully_shard(layer, mesh=mesh)
            fully_shard(model, mesh=mesh)
            for m in (model, whole):
                m(**inputs).loss.backward()
            for (name, p), (_, q) in zip(model.named_parameters(), whole.named_parameters()):
                assert torch.allclose(p.grad.full_tensor(), q.grad, atol=1e-6), name
            assert "FSDP" in type(model.backbone.layers[0]).__name__
            dist.barrier()
            print("sharded", flush=True)
            os._exit(0)  # gloo's threads can abort an interpreter that ends beneath them
            """
        ).replace("MADE", SHARDED[name])
    )
    command = [sys.executable, str(script), str(tmp_path / "rendezvous")]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    both = [
        subprocess.Popen([*command, str(rank)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        for rank in (0, 1)
    ]
    for process in both:
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0, err
        assert "sharded" in out


def test_parameters_memory_and_parts(small: Any) -> None:
    model = small("BertForMaskedLM")
    assert model.num_parameters() == sum(p.numel() for p in set(model.parameters()))
    model.backbone.requires_grad_(False)
    head = sum(p.numel() for n, p in model.named_parameters() if not n.startswith("backbone"))
    assert model.num_parameters(only_trainable=True) == head
    assert model.get_memory_footprint() == 4 * model.num_parameters()
    assert model.base_model is model.backbone
    assert model.device == torch.device("cpu")
    assert model.dtype == torch.float32
    assert model.main_input_name == "input_ids"
    assert model.get_input_embeddings() is model.backbone.embeddings.tokens
    assert model.get_output_embeddings() is model.masked_lm.decoder


def test_the_kernel_is_chosen_by_name_at_any_time(small: Any) -> None:
    model, inputs = small("BertModel"), tensors("BertModel")
    reference = model(**inputs)
    for kernel in ("eager", "flex", "sdpa"):
        model.set_attn_implementation(kernel)
        with torch.no_grad():
            same(model(**inputs), reference, "BertModel", inputs, 1e-5)
    with pytest.raises(dovela.RegistryError, match="attention kernel 'spda': is not registered; did you mean 'sdpa'"):
        model.set_attn_implementation("spda")
    model.set_attn_implementation("flex")
    with pytest.raises(InputError, match="has no gradients on a CPU"):
        model(**inputs)
    with torch.no_grad(), pytest.raises(InputError, match="has no dropout"):
        model.train()(**inputs)


def test_the_callers_configuration_stays_free() -> None:
    config = dovela.BertConfig(**config_of("BertModel"))
    model = dovela.BertModel(config)
    config.hidden_size = 96
    assert model.config.hidden_size == 48
    model.config.id2label = {0: "a", 1: "b", 2: "c"}
    assert config.id2label[0] == "red"
    with pytest.raises(ConfigError, match=r"BertConfig.hidden_size: .*model.config.replace\(hidden_size=96\)"):
        model.config.hidden_size = 96
    with pytest.raises(ConfigError, match=r"DistilBertModel.*expected a DistilBertConfig, got BertConfig"):
        dovela.DistilBertModel(config)
    with pytest.raises(ConfigError, match=r"got str. BertModel.from_pretrained opens a checkpoint"):
        dovela.BertModel("bert-base-uncased")


def test_numbers_of_the_base_models_are_the_published_ones() -> None:
    """66 and 110 million, as the papers say; exactly what the peer counts."""
    with torch.device("meta"):
        assert dovela.DistilBertModel(dovela.DistilBertConfig()).num_parameters() == 66_362_880
        assert dovela.BertModel(dovela.BertConfig()).num_parameters() == 109_482_240


def test_fresh_weights_follow_the_configuration() -> None:
    config = dovela.BertConfig(**config_of("BertModel"), initializer_range=0.3, pad_token_id=4)
    model = dovela.BertForPreTraining(config)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            assert abs(parameter.detach().std().item() - 0.3) < 0.06, name
    tokens = model.get_input_embeddings().weight
    assert not tokens[4].any()
    assert tokens[0].any()


def test_sinusoidal_positions_are_fixed(small: Any) -> None:
    model = small("DistilBertModel", sinusoidal_pos_embds=True)
    weight = model.embeddings.positions.weight
    assert not weight.requires_grad
    assert torch.allclose(weight[:, 0], torch.sin(torch.arange(40.0)), atol=1e-6)
    assert np.allclose(weight[3, 1].item(), np.cos(3.0), atol=1e-6)
