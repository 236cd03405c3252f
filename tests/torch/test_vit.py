"""ViT: what it computes, told by properties; and what it does with images of other sizes and hidden patches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import dovela
from architectures import HEADS, config_of, inputs_for
from dovela import CheckpointError, ConfigError, InputError, RegistryError

NAMES = ["ViT" + head for head in HEADS["ViT"]]


def tensors(name: str, seed: int = 0) -> dict[str, torch.Tensor]:
    return {key: torch.from_numpy(value) for key, value in inputs_for(name, seed).items()}


def images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


# ---- patches and positions -------------------------------------------------------------------------------------------


def test_a_token_is_a_linear_layer_on_the_pixels_of_its_patch(small: Any) -> None:
    model = small("ViTModel", image_size=(12, 21))
    x = images(2, 2, 12, 21)
    patches = F.unfold(x, (3, 3), stride=(3, 3)).transpose(1, 2)  # (2, 28, 18), row by row
    weight, bias = model.embeddings.patches.weight.flatten(1), model.embeddings.patches.bias
    expected = torch.cat([model.embeddings.class_token.expand(2, -1, -1), patches @ weight.T + bias], 1)
    assert torch.allclose(model.embeddings(x), expected + model.embeddings.positions, atol=1e-5)


def test_without_positions_the_order_of_patches_does_not_matter_to_the_class_token(small: Any) -> None:
    model = small("ViTModel")
    with torch.no_grad():
        model.embeddings.positions.zero_()
    x = images(2, 2, 12, 12)
    rows = x.view(2, 2, 4, 3, 12)[:, :, [2, 0, 3, 1]].reshape(2, 2, 12, 12)  # rows of patches exchanged
    assert torch.allclose(model(x).pooler_output, model(rows).pooler_output, atol=1e-5)


def test_what_no_patch_covers_is_not_seen(small: Any) -> None:
    model, x = small("ViTModel", image_size=14), images(2, 2, 14, 14)
    other = x.clone()
    other[..., 12:, :] += 1
    other[..., 12:] += 1
    assert model(x).last_hidden_state.shape == (2, 17, 48)
    assert torch.equal(model(x).last_hidden_state, model(other).last_hidden_state)


def test_positions_are_stretched_along_their_own_axis(small: Any) -> None:
    """Positions that tell only the row still tell only the row, whatever shape the grid takes."""
    embeddings = small("ViTModel", image_size=(12, 21)).embeddings
    with torch.no_grad():
        rows = torch.randn(4, 1, 48).expand(4, 7, 48)
        embeddings.positions[:, 1:] = rows.reshape(1, 28, 48)
    for grid in [(8, 3), (4, 14), (2, 2), (9, 9)]:
        stretched = embeddings.stretched(torch.Size(grid))
        assert stretched.shape == (1, 1 + grid[0] * grid[1], 48)
        assert torch.equal(stretched[:, 0], embeddings.positions[:, 0])
        table = stretched[0, 1:].view(*grid, 48)
        assert torch.allclose(table, table[:, :1].expand(*grid, 48), atol=1e-5)
        assert not torch.allclose(table[0], table[1], atol=1e-2)


def test_interpolation_to_the_same_size_changes_nothing(small: Any) -> None:
    for name in NAMES:
        model, inputs = small(name, image_size=(12, 21)), {"pixel_values": images(2, 2, 12, 21)}
        assert torch.equal(model(**inputs, interpolate_pos_encoding=True)[0], model(**inputs)[0])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(24, 24), (7, 33), (3, 3)])
def test_every_head_takes_images_of_other_sizes(name: str, size: tuple[int, int], small: Any) -> None:
    model = small(name)
    output = model(images(2, 2, *size), interpolate_pos_encoding=True, output_hidden_states=True)
    rows, columns = size[0] // 3, size[1] // 3
    assert output.hidden_states[0].shape == (2, 1 + rows * columns, 48)
    if name == "ViTForMaskedImageModeling":
        assert output.reconstruction.shape == (2, 2, 3 * rows, 3 * columns)
    with pytest.raises(InputError, match="interpolate_pos_encoding=True"):
        model(images(2, 2, *size))


def test_a_batch_is_each_image_alone(small: Any) -> None:
    for name in NAMES:
        model, x = small(name), images(4, 2, 12, 12)
        whole = model(x)[0]
        for index in range(4):
            assert torch.allclose(model(x[index : index + 1])[0][0], whole[index], atol=1e-5)


def test_states_and_attentions(small: Any) -> None:
    model = small("ViTModel")
    output = model(images(2, 2, 12, 12), output_hidden_states=True, output_attentions=True)
    assert [tuple(state.shape) for state in output.hidden_states] == [(2, 17, 48)] * 4
    assert [tuple(weights.shape) for weights in output.attentions] == [(2, 4, 17, 17)] * 3
    assert torch.allclose(output.attentions[1].sum(-1), torch.ones(2, 4, 17))
    assert torch.equal(model.norm(output.hidden_states[-1]), output.last_hidden_state)  # the states are before the norm
    expected = model.pooler.dense(output.last_hidden_state[:, 0]).tanh()
    assert torch.equal(output.pooler_output, expected)
    assert list(output) == ["last_hidden_state", "pooler_output", "hidden_states", "attentions"]


def test_gradients_reach_states_attentions_and_pixels(small: Any) -> None:
    model, x = small("ViTForImageClassification"), images(2, 2, 12, 12).requires_grad_()
    output = model(x, output_hidden_states=True, output_attentions=True)
    kept = [x, output.hidden_states[0], output.attentions[0]]
    for tensor in kept:
        tensor.retain_grad()
    output.logits.flatten()[0].backward()
    assert all(tensor.grad is not None and tensor.grad.abs().sum() > 0 for tensor in kept)


# ---- hidden patches --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(12, 12), (12, 21), (14, 11)])
def test_the_loss_is_the_mean_difference_over_hidden_pixels(size: tuple[int, int], small: Any) -> None:
    model = small("ViTForMaskedImageModeling", image_size=size)
    rows, columns = size[0] // 3, size[1] // 3
    x, mask = images(2, 2, *size), torch.rand(2, rows * columns) < 0.4
    output = model(x, bool_masked_pos=mask)
    made, total = output.reconstruction.detach().numpy(), []
    for image, patch in mask.nonzero().tolist():
        row, column = 3 * (patch // columns), 3 * (patch % columns)
        window = np.s_[image, :, row : row + 3, column : column + 3]
        total.append(np.abs(made[window] - x.numpy()[window]).mean())
    assert output.loss.item() == pytest.approx(np.mean(total), rel=1e-4)
    assert output.logits is output.reconstruction
    assert list(output) == ["loss", "reconstruction"]


def test_what_is_hidden_is_not_seen(small: Any) -> None:
    model = small("ViTForMaskedImageModeling")
    x, mask = images(2, 2, 12, 12), torch.zeros(2, 16, dtype=torch.bool)
    mask[:, 5] = True  # the second patch of the second row
    other = x.clone()
    other[..., 3:6, 3:6] = 7.0
    made = model(x, bool_masked_pos=mask).reconstruction
    assert torch.equal(model(other, bool_masked_pos=mask).reconstruction, made)
    assert not torch.allclose(model(other).reconstruction, model(x).reconstruction)
    nothing = model(x, bool_masked_pos=torch.zeros_like(mask))
    assert torch.equal(nothing.reconstruction, model(x).reconstruction)
    assert nothing.loss == 0
    assert model(x).loss is None


def test_a_model_of_half_precision_takes_pixels_as_they_come(small: Any) -> None:
    for name in NAMES:
        inputs = tensors(name)
        exact, model = small(name)(**inputs), small(name)
        model = model.to(torch.bfloat16)
        output = model(**inputs)
        assert output[-1].dtype == torch.bfloat16
        assert output.keys() == exact.keys()
        if "loss" in output:
            assert torch.isfinite(output.loss)


# ---- weights ---------------------------------------------------------------------------------------------------------


def test_fresh_weights_are_normal_and_truncated() -> None:
    config = dovela.ViTConfig(**config_of("ViTModel") | {"initializer_range": 1.5, "hidden_size": 96})
    model = dovela.ViTForMaskedImageModeling(config)
    for name, parameter in model.named_parameters():
        if name.endswith(("bias", "mask_token")):
            assert not parameter.any(), name
        elif "norm" in name:
            assert (parameter == 1).all(), name
        else:
            assert parameter.abs().max() <= 2, name
            if parameter.numel() > 500:
                assert parameter.abs().max() > 1.9, name
                assert 0.95 < parameter.std() < 1.1, name  # of a normal with 1.5, cut at 2
    narrow = dovela.ViTModel(dovela.ViTConfig(**config_of("ViTModel") | {"initializer_range": 0.1}))
    assert 0.09 < narrow.embeddings.positions.std() < 0.11
    assert 0.09 < narrow.layers[0].mlp.up_proj.weight.std() < 0.11


def test_the_seed_decides_the_weights() -> None:
    def build() -> dict[str, torch.Tensor]:
        torch.manual_seed(3)
        return dovela.ViTModel(dovela.ViTConfig(**config_of("ViTModel"))).state_dict()

    first, again = build(), build()
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_a_classifier_becomes_a_model_that_fills_in(small: Any, tmp_path: Path) -> None:
    """What a head or an optional part needs and the file lacks is drawn, and nothing else."""
    small("ViTForImageClassification").save_pretrained(tmp_path)
    model, report = dovela.ViTForMaskedImageModeling.from_pretrained(tmp_path, output_loading_info=True)
    assert report.fresh == ["backbone.mask_token", "decoder.0.weight", "decoder.0.bias"]
    assert sorted(report.ignored) == ["classifier.bias", "classifier.weight"]
    assert not model.backbone.mask_token.any()
    _, report = dovela.ViTModel.from_pretrained(tmp_path, output_loading_info=True)
    assert report.fresh == ["pooler.dense.weight", "pooler.dense.bias"]


def test_a_model_with_every_part_becomes_a_classifier(small: Any, tmp_path: Path) -> None:
    dovela.ViTModel(small("ViTModel").config, use_mask_token=True).save_pretrained(tmp_path)
    _, report = dovela.ViTForImageClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert report.fresh == ["classifier.out.weight", "classifier.out.bias"]
    assert {why for name, why in report.ignored.items() if "pooler" in name} == {
        "the model was built without its pooler"
    }
    assert report.ignored["embeddings.mask_token"] == "the model was built without its mask_token"
    again, report = dovela.ViTModel.from_pretrained(tmp_path, use_mask_token=True, output_loading_info=True)
    assert report.fresh == [] == list(report.ignored)
    assert again.mask_token is not None


def test_a_head_of_another_size(small: Any, tmp_path: Path) -> None:
    small("ViTForImageClassification").save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="Pass new_head=True"):
        dovela.ViTForImageClassification.from_pretrained(tmp_path, num_labels=7)
    for way in ("new_head", "ignore_mismatched_sizes"):
        model = dovela.ViTForImageClassification.from_pretrained(tmp_path, num_labels=7, **{way: True})
        assert model(images(1, 2, 12, 12)).logits.shape == (1, 7)


@pytest.mark.parametrize("size", [24, (6, 24)])  # of another number of patches, and of the same in another shape
def test_another_image_size_says_how_to_go_on(size: Any, small: Any, tmp_path: Path) -> None:
    small("ViTModel").save_pretrained(tmp_path)
    with pytest.raises(
        ConfigError, match=r"ViTConfig.image_size: gives .* patches, .* trained with 4 × 4.*interpolate_pos"
    ):
        dovela.ViTModel.from_pretrained(tmp_path, image_size=size)
    dovela.ViTModel.from_pretrained(tmp_path, image_size=14)  # the same patches, and an edge that is not seen


# ---- the contract ----------------------------------------------------------------------------------------------------


def test_doors_and_parts(small: Any) -> None:
    model = small("ViTForImageClassification")
    assert model.main_input_name == "pixel_values" == small("ViTModel").main_input_name
    assert model.get_input_embeddings() is model.backbone.embeddings.patches
    assert model.get_output_embeddings() is None
    assert model.base_model is model.backbone
    with pytest.raises(InputError, match=r"resize_token_embeddings: the model has no vocabulary to resize"):
        model.resize_token_embeddings(7)
    with pytest.raises(InputError, match="has no token embeddings"):
        model.set_input_embeddings(torch.nn.Embedding(3, 48))
    with pytest.raises(RegistryError, match="It has: base, image-classification, masked-image-modeling"):
        dovela.AutoModelForSequenceClassification.from_config(model.config)
    assert type(dovela.AutoModelForImageClassification.from_config(model.config)) is type(model)
    with pytest.raises(RegistryError, match="it has no model for the task 'image-classification'"):
        dovela.AutoModelForImageClassification.from_config(dovela.BertConfig())


@pytest.mark.parametrize("where", ["hidden_dropout_prob", "attention_probs_dropout_prob"])
def test_dropout_acts_in_training_alone(where: str, small: Any) -> None:
    model, x = small("ViTModel", **{where: 0.5}), images(2, 2, 12, 12)
    assert torch.equal(model(x).last_hidden_state, model(x).last_hidden_state)
    model.train()
    assert not torch.equal(model(x).last_hidden_state, model(x).last_hidden_state)
    if where == "hidden_dropout_prob":
        paths = ["embeddings.dropout", "layers.0.attention_output_dropout", "layers.2.mlp_dropout"]
        assert [model.get_submodule(path).p for path in paths] == [0.5] * 3


@pytest.mark.parametrize("name", NAMES[1:])
def test_gradient_checkpointing_changes_no_gradient(name: str, small: Any) -> None:
    model, inputs = small(name).train(), tensors(name)
    gradients = []
    for enable in (False, True):
        if enable:
            model.gradient_checkpointing_enable()
        model.zero_grad()
        model(**inputs).loss.backward()
        gradients.append([p.grad.clone() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_it_learns_a_batch(small: Any) -> None:
    for name in NAMES[1:]:
        model, inputs = small(name).train(), tensors(name)
        optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
        before = model(**inputs).loss.item()
        for _ in range(30):
            optimiser.zero_grad()
            model(**inputs).loss.backward()
            optimiser.step()
        assert model(**inputs).loss < 0.7 * before, name


def test_stretched_positions_compile_as_one_graph(small: Any) -> None:
    torch._dynamo.reset()
    model = small("ViTForImageClassification")
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager", dynamic=False)
    for size in ((12, 12), (24, 9)):
        x = images(2, 2, *size)
        with torch.no_grad():
            expected = model(x, interpolate_pos_encoding=True).logits
            assert torch.allclose(compiled(x, interpolate_pos_encoding=True).logits, expected, atol=1e-5)


def test_an_exported_program_takes_other_batches(small: Any) -> None:
    model = small("ViTForImageClassification")
    batch = torch.export.Dim("batch", min=2, max=32)
    program = torch.export.export(model, (images(3, 2, 12, 12),), dynamic_shapes={"pixel_values": {0: batch}})
    x = images(7, 2, 12, 12)
    with torch.no_grad():
        assert torch.allclose(program.module()(x).logits, model(x).logits, atol=1e-5)


def test_an_exported_program_takes_other_sizes(small: Any) -> None:
    model = small("ViTModel")
    rows, columns = torch.export.Dim("rows", min=2, max=20), torch.export.Dim("columns", min=2, max=20)
    program = torch.export.export(
        model,
        (images(2, 2, 15, 18),),
        {"interpolate_pos_encoding": True},
        dynamic_shapes={"pixel_values": {2: 3 * rows, 3: 3 * columns}, "interpolate_pos_encoding": None},
    )
    for size in ((12, 12), (24, 9)):
        x = images(2, 2, *size)
        with torch.no_grad():
            expected = model(x, interpolate_pos_encoding=True).last_hidden_state
            output = program.module()(x, interpolate_pos_encoding=True)
            assert torch.allclose(output.last_hidden_state, expected, atol=1e-5)


def test_gradients_of_each_image_by_torch_func(small: Any) -> None:
    """vmap over the batch and grad of one image's loss: as one backward pass for each."""
    model = small("ViTForImageClassification", attn_implementation="eager")  # torch has no rule for the fused kernel
    inputs = tensors("ViTForImageClassification")
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(parameters: dict[str, torch.Tensor], x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        output = torch.func.functional_call(model, parameters, (x[None],), {"labels": label[None]})
        return output.loss

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(
        parameters, inputs["pixel_values"], inputs["labels"]
    )
    for index in range(2):
        model.zero_grad()
        model(inputs["pixel_values"][index : index + 1], labels=inputs["labels"][index : index + 1]).loss.backward()
        for name, p in model.named_parameters():
            assert torch.allclose(each[name][index], p.grad, atol=1e-5), name


def test_the_kernel_is_chosen_by_name(small: Any) -> None:
    model, x = small("ViTModel"), images(2, 2, 12, 12)
    reference = model(x).last_hidden_state
    for kernel in ("eager", "flex", "sdpa"):
        model.set_attn_implementation(kernel)
        with torch.no_grad():
            assert torch.allclose(model(x).last_hidden_state, reference, atol=1e-5)


def test_no_biases_of_queries_keys_and_values(small: Any, tmp_path: Path) -> None:
    model = small("ViTModel", qkv_bias=False)
    attention = model.layers[0].attention
    assert attention.q_proj.bias is attention.k_proj.bias is attention.v_proj.bias is None
    assert attention.o_proj.bias is not None
    model.prune_heads({0: [1]})
    model.save_pretrained(tmp_path)
    again, x = dovela.ViTModel.from_pretrained(tmp_path), images(1, 2, 12, 12)
    assert torch.equal(again(x).last_hidden_state, model(x).last_hidden_state)


def test_a_model_of_ones_own_from_the_parts() -> None:
    from dovela.torch import ImageEmbeddings, Layers, Padded

    class Counter(dovela.PreTrainedModel, config=dovela.ViTConfig, task="counting"):
        def __init__(self, config: dovela.ViTConfig) -> None:
            super().__init__(config)
            self.embeddings, self.layers = ImageEmbeddings(config), Layers(config)
            self.count = torch.nn.Linear(config.hidden_size, 1)

        def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
            return self.count(self.layers(self.embeddings(pixel_values), Padded()).last_hidden_state[:, 0])

    model = Counter(dovela.ViTConfig(**config_of("ViTModel")))
    assert model.head_names() == {"count"}
    assert model(images(3, 2, 12, 12)).shape == (3, 1)
