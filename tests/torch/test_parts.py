"""What holds for every registered part: it is taken from the registries, so that a new one is tested by being there.

Each part stands in an otherwise plain encoder of its kind of input. What it computes is in test_part_references.py.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dovela import AutoModel, InputError
from dovela.parts import ACTIVATIONS
from dovela.torch import Packed
from dovela.torch.layout import pack, padded
from parts import IDS, PARTS, config_for, inputs_for, near, ragged, reads_for, real_places, text_batch, words_for

MODELS = {"text": "EncoderModel", "images": "ImageEncoderModel", "sound": "AudioEncoderModel"}
EACH = pytest.mark.parametrize(("word", "name"), PARTS, ids=IDS)


def model_for(word: str, name: str, **changes: Any) -> Any:
    import dovela

    reads = reads_for(word, name)
    torch.manual_seed(0)
    return getattr(dovela, MODELS[reads])(config_for(reads, **{**words_for(word, name), **changes})).eval()


def states(model: Any, inputs: dict[str, Tensor], **options: Any) -> Tensor:
    with torch.no_grad():
        return model(**inputs, **options).last_hidden_state


@EACH
def test_shapes(word: str, name: str) -> None:
    model, inputs = model_for(word, name), inputs_for(reads_for(word, name), rows=3)
    with torch.no_grad():
        output = model(**inputs, output_hidden_states=True, output_attentions=True)
    batch, length = real_places(model, inputs).shape
    assert [state.shape for state in output.hidden_states] == 3 * [(batch, length, 16)]
    assert [weight.shape for weight in output.attentions] == 2 * [(batch, 4, length, length)]
    for weight in output.attentions:
        assert near(weight.sum(-1), torch.ones(()))
    assert output.last_hidden_state.shape == (batch, length, 16)
    if reads_for(word, name) == "text":
        assert output.pooler_output.shape == (batch, 16)


@EACH
def test_padding_never_changes_a_real_place(word: str, name: str) -> None:
    """Whatever stands at padding, packed or not, in a batch or alone."""
    reads = reads_for(word, name)
    model, inputs = model_for(word, name), inputs_for(reads)
    mask, main = inputs["attention_mask"], model.main_input_name
    real = real_places(model, inputs)
    assert isinstance(pack(torch.zeros(*real.shape, 1), real)[1], Packed)
    batch = states(model, inputs)
    with padded():
        assert near(states(model, inputs)[real], batch[real])
    other = torch.where(mask, inputs[main], inputs[main].flip(1))
    assert torch.equal(states(model, {**inputs, main: other})[real], batch[real])
    for row in range(len(mask)):
        length, frames = int(mask[row].sum()), int(real[row].sum())
        alone = states(model, {main: inputs[main][row : row + 1, :length]})
        assert near(alone[0], batch[row, :frames])


@pytest.mark.parametrize(("word", "name"), [(w, n) for w, n in PARTS if reads_for(w, n) == "text"])
def test_padding_on_the_left_and_what_is_pooled(word: str, name: str) -> None:
    """Rows that are moved to the right, with the places they had, give the same states and the same vector."""
    model, (ids, mask) = model_for(word, name), text_batch()
    places = torch.arange(33).expand(5, -1)
    left = torch.stack([row.roll(33 - int(n)) for row, n in zip(ids, mask.sum(1), strict=True)])
    moved = torch.stack([row.roll(33 - int(n)) for row, n in zip(places, mask.sum(1), strict=True)])
    with torch.no_grad():
        right = model(ids, mask)
        output = model(left, mask.flip(1), position_ids=moved)
    assert near(output.last_hidden_state[mask.flip(1)], right.last_hidden_state[mask])
    if name not in ("first", "dense") and word != "attention":  # which read the row's first place, padding or not
        return
    for row, n in enumerate(mask.sum(1)):
        with torch.no_grad():
            assert near(model(ids[row : row + 1, :n]).pooler_output[0], right.pooler_output[row])


@EACH
def test_gradients_are_those_of_finite_differences(word: str, name: str) -> None:
    """Of the states and the pooled vector, by every weight and the embeddings, in float64."""
    small = {"hidden_size": 8, "intermediate_size": 6, "num_hidden_layers": 1, "num_conv_pos_embedding_groups": 2}
    reads = reads_for(word, name)
    model = model_for(word, name, **{k: v for k, v in small.items() if reads == "sound" or "conv" not in k}).double()
    weights = {key: p for key, p in model.named_parameters() if p.requires_grad}
    if reads == "text":
        mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]], dtype=torch.bool)
        inputs = {"inputs_embeds": torch.randn(2, 4, 8, dtype=torch.float64), "attention_mask": mask}
        real = mask
    else:
        inputs = inputs_for(reads, rows=2)
        inputs["input_values"] = inputs["input_values"].double()
        real = real_places(model, inputs)

    def function(*values: Tensor) -> Any:
        output = torch.func.functional_call(model, dict(zip(weights, values, strict=True)), (), inputs)
        pooled = getattr(output, "pooler_output", None)
        return output.last_hidden_state[real], *(() if pooled is None else (pooled,))

    values = tuple(p.detach().clone().requires_grad_() for p in weights.values())
    if name == "flex":
        with pytest.raises(InputError, match="attention kernel 'flex': has no gradients on a CPU"):
            function(*values)
        return
    assert torch.autograd.gradcheck(function, values, fast_mode=True, atol=1e-4)


@EACH
def test_compiles_as_one_graph(word: str, name: str) -> None:
    torch._dynamo.reset()
    if word == "activation":  # the rest of the graph is the same for each
        function, x = ACTIVATIONS.get(name), torch.linspace(-3, 3, 13)
        assert near(torch.compile(function, fullgraph=True, backend="eager")(x), function(x))
        return
    model, inputs = model_for(word, name, num_hidden_layers=1), inputs_for(reads_for(word, name), rows=2)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    real = real_places(model, inputs)
    with torch.no_grad():
        assert near(compiled(**inputs).last_hidden_state[real], model(**inputs).last_hidden_state[real])


@pytest.mark.slow
@pytest.mark.parametrize(("word", "name"), [part for part in PARTS if part[0] != "activation"])
def test_exports(word: str, name: str) -> None:
    """For batches of this size; lengths that vary are a test of the presets."""
    model, inputs = model_for(word, name, num_hidden_layers=1), inputs_for(reads_for(word, name), rows=2)
    real = real_places(model, inputs)
    with torch.no_grad():
        program = torch.export.export(model, (), inputs, strict=False)
        assert near(program.module()(**inputs).last_hidden_state[real], model(**inputs).last_hidden_state[real])


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own, of its compiler
@pytest.mark.parametrize(
    "words",
    [
        {"feed_forward": "moe", "num_experts": 3},
        {"attention": ["window", "linear"], "positions": "none"},
        {"positions": "rotary"},
    ],
)
def test_compiles_as_one_graph_to_train(words: dict[str, Any]) -> None:
    from dovela import EncoderModel

    torch._dynamo.reset()
    torch.manual_seed(0)
    model = EncoderModel(config_for(dropout=0.0, attention_dropout=0.0, **words))
    ids, gradients = text_batch()[0], []
    for function in (torch.compile(model, fullgraph=True, backend="aot_eager"), model):
        model.zero_grad()
        function(ids).last_hidden_state.square().sum().backward()
        gradients.append({key: p.grad for key, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for key, gradient in gradients[1].items():
        assert near(gradients[0][key], gradient, 1e-4), key


@EACH
def test_half_precision_is_near(word: str, name: str) -> None:
    model, inputs = (
        model_for(word, name, num_hidden_layers=1, initializer_range=0.1),
        inputs_for(reads_for(word, name), rows=3),
    )
    real = real_places(model, inputs)
    full = states(model, inputs)[real]
    half = states(model.bfloat16(), inputs)
    assert half.dtype is torch.bfloat16
    assert (half[real].float() - full).norm() < 0.05 * full.norm()
    with torch.autocast("cpu", torch.bfloat16):
        mixed = states(model.float(), inputs)[real]
    assert (mixed.float() - full).norm() < 0.05 * full.norm()


@EACH
def test_saves_and_reloads_bit_equal(word: str, name: str, tmp_path: Path) -> None:
    model, inputs = model_for(word, name), inputs_for(reads_for(word, name))
    model.save_pretrained(tmp_path)
    runtime = {word: name} if word == "attn_implementation" else {}  # which says how, and is not saved
    again = AutoModel.from_pretrained(tmp_path, **runtime)
    assert type(again) is type(model)
    assert again.config == model.config
    assert getattr(again.config, word) == name
    assert torch.equal(states(again, inputs), states(model, inputs))


@EACH
def test_a_seed_decides_everything(word: str, name: str) -> None:
    one, two = (model_for(word, name).train(name != "flex") for _ in range(2))  # a kernel without dropout
    assert all(torch.equal(one.state_dict()[key], value) for key, value in two.state_dict().items())
    inputs, results = inputs_for(reads_for(word, name)), []
    for model in (one, two, one):
        torch.manual_seed(1)
        results.append(states(model, inputs))
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])
    assert name == "flex" or not torch.equal(results[0], states(one, inputs))  # dropout does something


@pytest.mark.parametrize("kernel", ["eager", "sdpa", "flex"])
@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_scores_are_biased_alike_by_every_kernel(kernel: str, layout: str) -> None:
    inputs = dict(zip(("input_ids", "attention_mask"), text_batch(), strict=True))
    with nullcontext() if layout == "packed" else padded():
        model = model_for("positions", "alibi", attn_implementation=kernel)
        expected = model_for("positions", "alibi", attn_implementation="eager")
        mask = ragged()
        assert near(states(model, inputs)[mask], states(expected, inputs)[mask])
