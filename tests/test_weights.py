import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dovela.errors import CheckpointError
from dovela.models.bert.weights import BERT
from dovela.models.distilbert.weights import DISTILBERT
from dovela.models.vit.weights import VIT
from dovela.weights import BACKBONE, Ignore, Rename, WeightMap

TABLES = {"bert": BERT, "distilbert": DISTILBERT, "vit": VIT}


def renames(table: WeightMap) -> list[Rename]:
    return [rule for rule in table.rules if isinstance(rule, Rename)]


@pytest.mark.parametrize("kind", TABLES)
@given(data=st.data(), layer=st.integers(0, 200), leaf=st.sampled_from(["weight", "bias"]))
def test_every_rule_writes_what_it_reads(kind, data, layer, leaf):
    table = TABLES[kind]
    rule = data.draw(st.sampled_from(renames(table)))
    fill = lambda text: text.replace("{i}", str(layer)).replace("{*}", leaf)  # noqa: E731
    file, front = fill(rule.file), BACKBONE if rule.file.startswith(table.prefix) else ""
    state = front + fill(rule.name)
    assert table.read(file) == state
    assert table.write(state, headed=True) == file
    if rule.also:
        assert table.read(fill(rule.also)) == state
    if front:  # a model without a head, whose files have no prefix
        bare = file.removeprefix(table.prefix)
        assert table.write(fill(rule.name), headed=False) == bare
        assert table.read(bare) == state
        assert table.as_is(file, headed=True).startswith(BACKBONE)
    for old, new in table.aliases.items():
        if file.endswith(new):
            assert state in map(table.read, table.spellings(file.removesuffix(new) + old))


@pytest.mark.parametrize("kind", TABLES)
def test_no_two_rules_know_one_name(kind):
    rules = TABLES[kind].rules
    sample = lambda text: text.replace("{i}", "3").replace("{*}", "weight")  # noqa: E731
    for one, other in itertools.permutations(rules, 2):
        for name in filter(None, (one.file, getattr(one, "also", None))):
            alone = WeightMap(other, prefix=TABLES[kind].prefix)
            assert alone.read(sample(name)) is None, (one.file, other.file)
        if isinstance(one, Rename) and isinstance(other, Rename):
            assert one.name != other.name, (one.file, other.file)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
def test_buffers_of_old_files_are_ignored_with_a_reason(kind):
    for name in (f"{kind}.embeddings.position_ids", "embeddings.position_ids"):
        rule = TABLES[kind].read(name)
        assert isinstance(rule, Ignore)
        assert rule.why == "a buffer that old versions saved"


@pytest.mark.parametrize(
    "name",
    [
        "nonsense",
        "bert.nonsense.weight",
        "bert.encoder.layer.x.output.dense.weight",
        "bert.pooler.dense.weight.scale",
        "",
    ],
)
def test_a_name_that_no_rule_knows(name):
    assert BERT.read(name) is None


def test_a_name_that_two_rules_know_is_an_error():
    table = WeightMap(Rename("p.a.{*}", "a.{*}"), Rename("p.a.w", "b.w"), prefix="p.")
    with pytest.raises(CheckpointError, match=r"^p\.a\.w: matches 2 rules of the weight table: p\.a\.w, p\.a\.\{\*\}$"):
        table.read("p.a.w")
    table = WeightMap(Rename("p.a", "x"), Rename("p.b", "x"), prefix="p.")
    with pytest.raises(CheckpointError, match=r"^backbone\.x: matches 2 rules of the weight table: p\.a, p\.b$"):
        table.write("backbone.x", headed=True)


@pytest.mark.parametrize("table", [WeightMap(), *TABLES.values()])
@given(name=st.from_regex(re.compile(r"own(\.[a-z0-9]+){0,3}", re.ASCII), fullmatch=True))
def test_names_of_ones_own_are_the_same_but_for_the_prefix(table, name):
    assert table.read(name) is None
    for state, file in ((name, name), (BACKBONE + name, table.prefix + name)):
        assert table.write(state, headed=True) == file
        assert table.as_is(file, headed=True) == state
    assert table.write(name, headed=False) == name
    assert table.as_is(name, headed=False) == BACKBONE + name


def test_a_table_without_rules_leaves_names_alone():
    assert WeightMap().write("encoder.layers.0.w", headed=False) == "encoder.layers.0.w"
    assert WeightMap().write("backbone.norm.w", headed=True) == "backbone.norm.w"
    assert WeightMap().read("anything") is None


# Every tensor of every model.

torch = pytest.importorskip("torch")


def models() -> list[str]:
    from architectures import MODELS

    return list(MODELS)


@pytest.mark.parametrize("name", models())
@pytest.mark.parametrize("tied", [True, False])
def test_every_tensor_of_a_model_has_exactly_one_rule_and_comes_back(name, tied):
    import dovela
    from architectures import config_of

    cls = getattr(dovela, name)
    model = cls(cls.config_class(**{**config_of(name), "tie_word_embeddings": tied}))
    headed, table = hasattr(model, "backbone"), cls.weight_map
    files = {}
    for state in model.state_dict():
        full = state if headed else BACKBONE + state
        file = table.write(state, headed=headed)
        alone = [WeightMap(rule, prefix=table.prefix) for rule in renames(table)]
        matching = [one for one in alone if one.read(file) == full]
        assert len(matching) == 1, state
        assert table.read(file) == full
        files[file] = state
    assert len(files) == len(model.state_dict())
    assert headed == any(file.startswith(table.prefix) for file in files)
