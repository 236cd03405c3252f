from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovela.errors import CheckpointError, MissingWeights, ShapeMismatch, UnexpectedWeights
from dovela.fitting import LoadReport, Wanted, fit
from dovela.weights import Ignore, Rename, WeightMap

TABLE = WeightMap(
    Rename("net.emb.{*}", "embeddings.{*}"),
    Rename("net.layer.{i}.lin.{*}", "layers.{i}.mlp.{*}"),
    Rename("net.pool.{*}", "pooler.{*}"),
    Rename("cls.{*}", "classifier.out.{*}"),
    Rename("lm.{*}", "masked_lm.{*}", also="old_lm.{*}"),
    Ignore("net.position_ids", why="a buffer"),
    prefix="net.",
    aliases={".gamma": ".weight"},
)
BODY = {"net.emb.weight": (5, 4), "net.layer.0.lin.weight": (4, 4), "net.layer.1.lin.weight": (4, 4)}
HEAD = {"cls.weight": (2, 4)}
STATE = {"backbone.embeddings.weight": (5, 4)} | {f"backbone.layers.{i}.mlp.weight": (4, 4) for i in (0, 1)}
HEADED = Wanted({**STATE, "classifier.out.weight": (2, 4)}, headed=True)
BASE = Wanted({name.removeprefix("backbone."): shape for name, shape in STATE.items()})


def fits(shapes: dict[str, Any], wanted: Wanted = HEADED, table: WeightMap = TABLE, **options: Any):
    return fit("Model from 'dir'", shapes, wanted, table, **options)


def misfit(error: type[CheckpointError], *args: Any, **options: Any) -> CheckpointError:
    with pytest.raises(CheckpointError) as caught:
        fits(*args, **options)
    assert type(caught.value) is error, caught.value
    assert isinstance(caught.value.report, LoadReport)
    return caught.value


def bare(shapes: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("net."): shape for name, shape in shapes.items()}


# What fits.


def test_a_headed_model_reads_its_own_checkpoint():
    sources, report = fits(BODY | HEAD)
    assert sources == dict(zip(HEADED.shapes, BODY | HEAD, strict=True))
    assert report == LoadReport()


@pytest.mark.parametrize("files", [BODY, bare(BODY)], ids=["prefix", "none"])
def test_the_body_is_read_with_and_without_the_prefix(files):
    sources, report = fits(files, BASE)
    assert sources == dict(zip(BASE.shapes, files, strict=True))
    assert report == LoadReport()
    sources, report = fits(files)
    assert sources == dict(zip(STATE, files, strict=True))
    assert report == LoadReport(fresh=["classifier.out.weight"])


@given(st.permutations(list(BODY | HEAD)))
def test_the_order_of_the_file_does_not_matter(names):
    assert fits({name: (BODY | HEAD)[name] for name in names})[0] == fits(BODY | HEAD)[0]


def test_heads_that_the_model_does_not_have_are_ignored_and_listed():
    why = "belongs to a head that this model does not have"
    assert fits(BODY | HEAD, BASE)[1].ignored == {"cls.weight": why}
    assert fits(BODY | HEAD | {"lm.weight": (5, 4)})[1].ignored == {"lm.weight": why}
    assert fits(BODY | {"own.weight": (1,)}, BASE)[1].ignored == {"own.weight": why}  # of somebody's own head


def test_a_head_of_another_task_is_not_loaded_though_its_names_and_shapes_are_equal():
    sources, report = fits(BODY | HEAD, Wanted(HEADED.shapes, headed=True, foreign_heads={"classifier"}))
    assert "classifier.out.weight" not in sources
    assert report.fresh == ["classifier.out.weight"]
    assert report.ignored == {"cls.weight": "belongs to the head of another task"}


def test_a_new_head_on_request():
    for shape in ((2, 4), (7, 4)):
        sources, report = fits(BODY | {"cls.weight": shape, "own.weight": (1,)}, new_head=True)
        assert set(sources) == set(STATE)
        assert report.fresh == ["classifier.out.weight"]
        assert report.ignored["cls.weight"] == "a new head was asked for"
        assert report.ignored["own.weight"] == "belongs to a head that this model does not have"


def test_keep_going_gives_up_only_head_tensors_of_another_shape():
    wanted = Wanted({**HEADED.shapes, "classifier.out.bias": (2,)}, headed=True)
    sources, report = fits(BODY | {"cls.weight": (7, 4), "cls.bias": (2,)}, wanted, keep_going=True)
    assert sources["classifier.out.bias"] == "cls.bias"
    assert report.fresh == ["classifier.out.weight"]
    assert report.ignored == {"cls.weight": "has another shape"}
    misfit(ShapeMismatch, BODY | {"net.emb.weight": (6, 4)}, keep_going=True)


def test_optional_parts_may_be_absent_on_either_side():
    wanted = Wanted({**HEADED.shapes, "backbone.pooler.weight": (4, 4)}, headed=True, optional=("pooler",))
    assert fits(BODY | HEAD, wanted)[1].fresh == ["backbone.pooler.weight"]
    without = Wanted(HEADED.shapes, headed=True, optional=("pooler",))
    report = fits(BODY | HEAD | {"net.pool.weight": (4, 4)}, without)[1]
    assert report.ignored == {"net.pool.weight": "the model was built without its pooler"}


@pytest.mark.parametrize("there", [["net.emb.weight"], ["lm.weight"], ["net.emb.weight", "lm.weight"]])
def test_one_name_of_a_tied_group_is_enough(there):
    wanted = Wanted(
        {**STATE, "masked_lm.weight": (5, 4)},
        headed=True,
        ties=[["backbone.embeddings.weight", "masked_lm.weight"]],
    )
    files = {name: (4, 4) for name in BODY if "layer" in name} | dict.fromkeys(there, (5, 4))
    sources, report = fits(files, wanted)
    assert len(sources) == 2 + len(there)
    assert (report.fresh, report.missing) == ([], [])


def test_buffers_are_ignored_with_their_reason():
    assert fits(BODY | HEAD | {"net.position_ids": (1, 9)})[1].ignored == {"net.position_ids": "a buffer"}


@pytest.mark.parametrize("pair", [("lm.weight", "old_lm.weight"), ("old_lm.weight", "lm.weight")])
def test_of_two_spellings_the_one_that_counts_is_taken(pair):
    wanted = Wanted({**STATE, "masked_lm.weight": (5, 4)}, headed=True)
    sources, report = fits(BODY | dict.fromkeys(pair, (5, 4)), wanted)
    assert sources["masked_lm.weight"] == "old_lm.weight"
    assert report.ignored == {"lm.weight": "another spelling of old_lm.weight, which counts"}


def test_old_endings():
    files = {**BODY, "net.emb.gamma": (5, 4)}
    del files["net.emb.weight"]
    assert fits(files, BASE)[0]["embeddings.weight"] == "net.emb.gamma"


# Parts of one's own.


def test_a_head_of_ones_own_on_a_known_body():
    own = Wanted({**STATE, "mine.0.weight": (9, 4), "classifier.weight": (2, 4)}, headed=True)
    sources, report = fits(BODY, own)
    assert set(sources) == set(STATE)
    assert report.fresh == ["mine.0.weight", "classifier.weight"]
    files = {TABLE.write(state, headed=True): shape for state, shape in own.shapes.items()}
    sources, report = fits(files, own)
    assert set(sources) == set(own.shapes)
    assert report == LoadReport()


def test_an_architecture_of_ones_own_may_use_one_name_in_body_and_head():
    shapes = {"backbone.norm.weight": (4,), "norm.weight": (2,)}
    sources, report = fits(shapes, Wanted(shapes, headed=True), WeightMap())
    assert sources == {name: name for name in shapes}
    assert report == LoadReport()
    body = Wanted({"norm.weight": (4,)})
    sources, report = fits(shapes, body, WeightMap())
    assert sources == {"norm.weight": "backbone.norm.weight"}
    assert report.ignored == {"norm.weight": "belongs to a head that this model does not have"}
    sources, report = fits({"norm.weight": (4,)}, Wanted(shapes, headed=True), WeightMap())
    assert sources == {"backbone.norm.weight": "norm.weight"}
    assert report.fresh == ["norm.weight"]


def test_a_misspelt_part_of_ones_own_is_not_passed_over():
    shapes = {"backbone.a.w": (4,), "hed.w": (2,)}
    error = misfit(UnexpectedWeights, shapes, Wanted({"backbone.a.w": (4,), "head.w": (2,)}, headed=True), WeightMap())
    assert "1 tensors have no place in the model: hed.w" in str(error)


# What does not fit.


def test_missing():
    files = {name: shape for name, shape in BODY.items() if "emb" not in name}
    error = misfit(MissingWeights, files)
    assert str(error) == (
        "Model from 'dir': 1 tensors of the model are missing: backbone.embeddings.weight. "
        "Is it a checkpoint of this architecture?"
    )
    assert error.report.missing == error.report["missing"] == ["backbone.embeddings.weight"]
    assert error.report["missing_keys"] == ["backbone.embeddings.weight", "classifier.out.weight"]


def test_unexpected():
    error = misfit(UnexpectedWeights, BODY | {"net.nonsense": (1,)}, BASE)
    assert str(error) == (
        "Model from 'dir': 1 tensors have no place in the model: net.nonsense. Is it a checkpoint of this architecture?"
    )
    assert error.report["unexpected_keys"] == ["net.nonsense"]


def test_mismatched():
    error = misfit(ShapeMismatch, BODY | HEAD | {"net.emb.weight": (6, 4)})
    assert str(error) == (
        "Model from 'dir': 1 tensors have another shape: net.emb.weight [6, 4] where the model has [5, 4]. "
        "Configure the model as the checkpoint is."
    )
    assert error.report["mismatched_keys"] == [("net.emb.weight", (6, 4), (5, 4))]


def test_a_head_of_another_size_names_the_way_out():
    error = misfit(ShapeMismatch, BODY | {"cls.weight": (7, 4)})
    assert str(error).endswith(
        "cls.weight [7, 4] where the model has [2, 4]. "
        "Pass new_head=True to put a fresh head on, or num_labels as the checkpoint has it."
    )


def test_more_layers_in_the_checkpoint():
    error = misfit(UnexpectedWeights, BODY | HEAD | {"net.layer.2.lin.weight": (4, 4)})
    assert str(error).endswith(
        "net.layer.2.lin.weight. The checkpoint has more layers than the configuration asks for. "
        "Open it as it is and choose: dovela.torch.keep_layers(model, [0, 2, 4])."
    )


def test_fewer_layers_in_the_checkpoint():
    error = misfit(MissingWeights, {n: s for n, s in BODY.items() if "layer.1" not in n})
    assert str(error).endswith(
        "backbone.layers.1.mlp.weight. The checkpoint has fewer layers than the configuration asks for. "
        "Open it as it is and repeat some: dovela.torch.keep_layers(model, [0, 0, 1, 1])."
    )


@pytest.mark.parametrize(
    "extra", [{"net.layer.0.nonsense": (1,)}, {"net.layer.2.lin.weight": (4, 4), "net.nope": (1,)}]
)
def test_layers_are_not_blamed_for_other_names(extra):
    assert misfit(UnexpectedWeights, BODY | extra, BASE).hint == "Is it a checkpoint of this architecture?"


def test_nothing_matches():
    error = misfit(MissingWeights, {"a": (1,), "b": (2,)})
    assert str(error) == (
        "Model from 'dir': 3 problems\n"
        "  - none of its 2 tensors belongs to this model\n"
        "  - 2 tensors have no place in the model: a, b\n"
        "  - 3 tensors of the model are missing: backbone.embeddings.weight, backbone.layers.0.mlp.weight, "
        "backbone.layers.1.mlp.weight\n"
        "Is it a checkpoint of this architecture?"
    )
    assert misfit(CheckpointError, HEAD, Wanted({"own.w": (1,)}, headed=True)).problems == (
        "none of its 1 tensors belongs to this model",
    )


def test_an_empty_checkpoint():
    error = misfit(MissingWeights, {})
    assert len(error.problems) == 1
    assert error.hint == "Is it a checkpoint of this architecture?"


def test_all_problems_are_told_together_and_long_lists_are_cut():
    files = {"net.emb.weight": (6, 4)} | {f"net.nonsense{i}": (1,) for i in range(9)}
    error = misfit(MissingWeights, files, BASE)
    assert len(error.problems) == 3
    assert "net.nonsense5 and 3 more" in error.problems[0]


def test_the_report_is_read_by_key_too():
    report = LoadReport(missing=["a"], fresh=["b"])
    assert report["missing_keys"] == ["a", "b"]
    assert report["error_msgs"] == []
    assert report["fresh"] == report.fresh == ["b"]
    with pytest.raises(AttributeError):
        report["nonsense"]


# With real models.


def test_a_head_of_ones_own_on_bert_is_saved_and_reloaded(tmp_path):
    torch = pytest.importorskip("torch")
    from architectures import config_of
    from dovela import BertForMaskedLM, BertModel, PreTrainedModel
    from dovela.models.bert.weights import BERT

    class Judge(PreTrainedModel, config=BertModel.config_class, task="judging"):
        weight_map = BERT

        def __init__(self, config):
            super().__init__(config)
            self.backbone = BertModel(config, add_pooling_layer=False)
            self.classifier = torch.nn.Linear(config.hidden_size, 5)
            self.norm = torch.nn.LayerNorm(5)

    BertForMaskedLM(BertModel.config_class(**config_of("BertForMaskedLM"))).save_pretrained(tmp_path / "bert")
    judge, report = Judge.from_pretrained(tmp_path / "bert", output_loading_info=True)
    assert report.fresh == [f"{part}.{leaf}" for part in ("classifier", "norm") for leaf in ("weight", "bias")]
    judge.save_pretrained(tmp_path / "judge")
    again, report = Judge.from_pretrained(tmp_path / "judge", output_loading_info=True)
    assert report == LoadReport()
    for name, tensor in judge.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    assert len(BertModel.from_pretrained(tmp_path / "judge", output_loading_info=True)[1].ignored) == 4
