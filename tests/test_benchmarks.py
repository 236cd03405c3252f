"""The benchmark harness on made-up numbers: its arithmetic, its turns, its page. Nothing here is timed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the harness is not part of the package

from benchmarks import measure, page, results  # noqa: E402
from benchmarks.entries import entries, topics  # noqa: E402
from benchmarks.entries.forward import sentence_lengths  # noqa: E402
from benchmarks.entry import Contender, Entry, Metric, Target, each_library, floor  # noqa: E402
from benchmarks.environments import Unavailable, last_line, python, variables, versions  # noqa: E402
from benchmarks.fixtures import FOUND, MADE, Checkpoints  # noqa: E402
from benchmarks.stats import Spread, ratio, spread  # noqa: E402
from benchmarks.texts import TEXTS, made_up, stretch  # noqa: E402


def record(
    dovela: list[float] | str, peer: list[float] | str, targets: tuple[Target, ...], metric: str = "wall"
) -> dict:
    """A record as `measure.run` makes it; text in place of numbers is the reason why there are none."""

    def contender(label: str, samples: list[float] | str) -> dict:
        missing = isinstance(samples, str)
        return {
            "label": label,
            "environment": label,
            "timed": "pass",
            "setup": "",
            "samples": {metric: [] if missing else samples},
            "unavailable": samples if missing else None,
        }

    return {
        "name": "load a thing",
        "measures": "Load it.",
        "mode": "warm",
        "note": "",
        "rounds": 3,
        "metrics": [metric],
        "targets": [{"metric": t.metric, "at_most": t.at_most, "of": t.of} for t in targets],
        "contenders": [contender("dovela", dovela), contender("peer", peer)],
    }


class Scripted:
    """A runner that gives what it was told to, and falls out where that is an error."""

    def __init__(self, label: str, log: list[str], answers: list[float | Unavailable]) -> None:
        self.label, self.log, self.answers = label, log, iter(answers)

    def once(self) -> dict[str, float]:
        self.log.append(self.label)
        answer = next(self.answers)
        if isinstance(answer, Unavailable):
            raise answer
        return {"wall": answer}

    def close(self) -> None:
        self.log.append(f"{self.label} closed")


def test_spread_is_median_least_and_largest():
    assert spread([3.0, 1.0, 10.0]) == Spread(3.0, 1.0, 10.0)


def test_ratio_is_taken_round_by_round():
    assert ratio([1.0, 30.0, 30.0], [1.0, 10.0, 100.0]) == Spread(1.0, 0.3, 3.0)  # the medians' own ratio is 3.0


def test_ratio_refuses_unpaired_rounds():
    with pytest.raises(ValueError, match="shorter"):
        ratio([1.0, 2.0], [1.0])


def test_turns_are_interleaved_and_the_warm_up_is_dropped():
    log: list[str] = []
    runners = {name: Scripted(name, log, [99.0, 1.0, 2.0]) for name in "AB"}
    samples, failures = measure.take_turns(runners, rounds=2)
    assert log == ["A", "B"] * 3
    assert samples == {"A": [{"wall": 1.0}, {"wall": 2.0}], "B": [{"wall": 1.0}, {"wall": 2.0}]}
    assert failures == {}


def test_a_turn_of_quick_runs_is_their_median():
    log: list[str] = []
    assert measure.turn(Scripted("A", log, [0.01, 0.2, 0.05, 9.0])) == {"wall": 0.05}
    assert len(log) == 3  # then a quarter of a second had passed
    assert measure.turn(Scripted("A", log, [0.001] * 5)) == {"wall": 0.001}


def test_a_contender_that_fails_falls_out_and_the_rest_go_on():
    log: list[str] = []
    runners = {"A": Scripted("A", log, [9.0, Unavailable("broke")]), "B": Scripted("B", log, [9.0, 1.0, 2.0])}
    samples, failures = measure.take_turns(runners, rounds=2)
    assert log == ["A", "B", "A", "B", "B"]
    assert samples == {"B": [{"wall": 1.0}, {"wall": 2.0}]}
    assert failures == {"A": "broke"}


@pytest.mark.parametrize("mode", ["warm", "process"])
def test_both_modes_measure_and_report_what_is_missing(mode):
    entry = Entry(
        name="made up",
        measures="Nothing.",
        mode=mode,
        metrics=(Metric.WALL, Metric.CPU) if mode == "warm" else (Metric.WALL, Metric.CPU, Metric.PEAK),
        contenders=[
            floor("works", "print('chatter'); x = 1"),
            floor("breaks", "raise ValueError('on | purpose')"),
            floor("dies", "import os; os._exit(3)"),
        ],
    )
    made = measure.run(entry, rounds=2, checkpoint=lambda name: Path(name))
    works, breaks, dies = made["contenders"]
    assert works["unavailable"] is None
    assert all(len(works["samples"][metric]) == 2 for metric in entry.metrics)
    assert all(value > 0 for metric in entry.metrics if metric != "cpu" for value in works["samples"][metric])
    assert breaks["unavailable"] == "ValueError: on | purpose"
    assert dies["unavailable"] == "it died without a word"
    assert json.loads(json.dumps(made)) == made  # what is kept is what was measured
    assert "not available: ValueError: on / purpose" in page.section(made)


def test_a_warm_turn_sees_the_setup_and_the_checkpoint_but_no_earlier_run(tmp_path):
    entry = Entry(
        name="made up",
        measures="Nothing.",
        needs=("place",),
        contenders=[
            floor("sees", "assert 'left' not in globals(); left = open(place + '/file').read()", "import os; n = 1"),
            floor("no setup", "pass", "import nothing_of_this_name"),
        ],
    )
    (tmp_path / "file").write_text("here")
    sees, no_setup = measure.run(entry, rounds=2, checkpoint=lambda name: tmp_path)["contenders"]
    assert sees["unavailable"] is None
    assert no_setup["unavailable"] == "ModuleNotFoundError: No module named 'nothing_of_this_name'"


def test_each_contender_has_a_folder_of_its_own():
    entry = Entry(
        name="made up",
        measures="Nothing.",
        rounds=1,
        contenders=[
            floor(name, "pass", "import os; assert not os.listdir(); open('mine', 'w').close()") for name in "AB"
        ],
    )
    made = measure.run(entry, rounds=None, checkpoint=lambda name: Path(name))
    assert [contender["unavailable"] for contender in made["contenders"]] == [None, None]


def test_a_child_does_not_inherit_the_peak_of_the_harness():
    ballast = bytearray(os.urandom(1024) * 100_000)  # about 100 MB, each page written
    entry = Entry(name="m", measures="m", mode="process", metrics=(Metric.PEAK,), contenders=[floor("bare", "pass")])
    made = measure.run(entry, rounds=1, checkpoint=lambda name: Path(name))
    assert made["contenders"][0]["samples"]["peak"][0] < len(ballast) / 2


def test_a_checkpoint_that_cannot_be_had_is_a_reason_and_not_a_crash():
    def checkpoint(name: str) -> Path:
        raise Unavailable(f"no {name} here")

    entry = Entry(name="m", measures="m", needs=("weights",), contenders=[floor("bare", "pass")])
    made = measure.run(entry, rounds=1, checkpoint=checkpoint)
    assert made["contenders"][0]["unavailable"] == "no weights here"


@pytest.mark.parametrize(
    ("samples", "target", "verdict"),
    [
        ([1.0, 1.0, 1.0], Target(Metric.WALL, 0.5, of="peer"), ("0.50 (0.25–1.00)", "**met**")),
        ([1.1, 1.1, 1.1], Target(Metric.WALL, 0.5, of="peer"), ("0.55 (0.28–1.10)", "**missed**")),
        ([1.0, 2.0, 3.0], Target(Metric.WALL, 2.0), ("2.00 s (1.00–3.00)", "**met**")),
        ([1.0, 2.1, 3.0], Target(Metric.WALL, 2.0), ("2.10 s (1.00–3.00)", "**missed**")),
        ("gone", Target(Metric.WALL, 2.0), ("dovela not available", "not measured")),
    ],
)
def test_targets_are_judged_by_the_median(samples, target, verdict):
    ((_, *judged),) = page.judge(record(samples, [1.0, 2.0, 4.0], (target,)))
    assert tuple(judged) == verdict


def test_a_missing_reference_is_named():
    entry = record([1.0], "not installed", (Target(Metric.WALL, 0.5, of="peer"),))
    assert page.judge(entry) == [("time at most 0.5 x peer", "peer not available", "not measured")]


def test_a_row_shows_the_ratio_to_dovela():
    text = page.section(record([0.1, 0.1, 0.1], [0.2, 0.4, 0.3], ()))
    assert "| peer | 300 ms (200–400) | 3.00 (2.00–4.00) |" in text
    assert "| dovela | 100 ms (100–100) | 1.00 (1.00–1.00) |" in text


def test_without_dovela_there_is_no_ratio():
    text = page.section(record("ImportError: nothing\nthere", [0.2, 0.4, 0.3], ()))
    assert "| dovela | not available: ImportError: nothing there | – |" in text
    assert "| peer | 300 ms (200–400) | – |" in text


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("wall", 2.345, "2.35 s"),
        ("wall", 0.0123, "12.3 ms"),
        ("cpu", 0.00000456, "0.005 ms"),
        ("peak", 8_600_000, "8.60 MB"),
        ("peak", 2_500_000_000, "2,500 MB"),
    ],
)
def test_amounts_have_their_unit(metric, value, shown):
    assert page.amount(metric, value) == shown


def test_the_page_is_a_function_of_the_results(tmp_path):
    made = {
        "topic": "loading",
        "date": "2026-01-02 03:04 UTC",
        "command": "python -m benchmarks run loading",
        "machine": results.machine(),
        "versions": {"python": {"torch": "2.0"}, "peer": {"torch": "2.0", "transformers": "9.9"}},
        "entries": [record([0.1], [0.2], (Target(Metric.WALL, 0.6, of="peer"),))],
    }
    (tmp_path / "loading.json").write_text(json.dumps(made))
    text = page.page(results.read(tmp_path))
    assert text == page.page([made])
    assert "| load a thing | time at most 0.6 x peer | 0.50 (0.50–0.50) | **met** |" in text
    assert "2026-01-02 03:04 UTC, `python -m benchmarks run loading`" in text
    assert "; torch 2.0; in peer transformers 9.9." in text
    assert "Reproduce it with `make peers` and then `python -m benchmarks run`" in text


def test_the_page_in_the_repository_is_made_from_the_results_in_it():
    if not results.read():
        pytest.skip("no results have been written yet")
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page.page(results.read())


def test_one_snippet_serves_each_library():
    made = each_library("LIBRARY.go()", "import LIBRARY")
    assert [(c.label, c.setup, c.timed) for c in made] == [
        ("dovela", "import dovela", "dovela.go()"),
        ("transformers-4", "import transformers", "transformers.go()"),
        ("transformers-5", "import transformers", "transformers.go()"),
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"contenders": [floor("a", "pass"), floor("a", "pass")]}, "two contenders have one label"),
        ({"targets": [Target(Metric.CPU, 1)]}, "the target on cpu is never measured"),
        ({"targets": [Target(Metric.WALL, 1, of="b")]}, "the target is against 'b', which is not one of"),
        ({"metrics": [Metric.PEAK]}, "peak memory of one run cannot be told"),
        ({"mode": "process", "contenders": [floor("a", "pass", "import os")]}, "can have no untimed setup"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Entry(**{"name": "m", "measures": "m", "contenders": [floor("a", "pass")], **wrong})


def test_every_topic_is_found_and_its_code_compiles():
    assert {"startup", "loading", "building", "saving", "forward", "tokenizers"} <= set(topics())
    for entry in (entry for topic in topics() for entry in entries(topic)):
        assert set(entry.needs) <= {*MADE, *FOUND, *TEXTS}
        for contender in entry.contenders:
            compile("\n".join([contender.setup, contender.before, contender.timed]), entry.name, "exec")


def test_names_of_entries_are_unique():
    names = [entry.name for topic in topics() for entry in entries(topic)]
    assert len(set(names)) == len(names)


def test_the_ragged_batch_is_as_ragged_as_it_says():
    lengths = sentence_lengths()
    assert (len(lengths), sum(lengths), max(lengths)) == (32, 771, 76)
    assert min(lengths) >= 3
    assert lengths == sentence_lengths()


def test_environments_differ_by_their_packages_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "/somewhere/else")
    monkeypatch.setattr("benchmarks.environments.PATHS", {"python": None, "peer": tmp_path})
    bare, peer = variables("python"), variables("peer")
    assert "PYTHONPATH" not in bare
    assert peer == {**bare, "PYTHONPATH": str(tmp_path)}


def test_an_environment_that_is_not_installed_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr("benchmarks.environments.PATHS", {"peer": ROOT / ".peers" / "nowhere"})
    with pytest.raises(Unavailable, match=r"\.peers/nowhere is not there; `make peers` installs it"):
        variables("peer")
    assert versions(["peer"]) == {}


def test_code_that_fails_in_an_environment_gives_its_last_line():
    assert python("print(6 * 7)", "python") == "42\n"
    with pytest.raises(Unavailable, match=r"^ZeroDivisionError: division by zero$"):
        python("1 / 0", "python")
    assert last_line("") == "it died without a word"


def test_a_checkpoint_is_made_once_by_the_first_library_that_can(monkeypatch, tmp_path):
    asked = []

    def fake(code: str, environment: str, target: str) -> str:
        asked.append(environment)
        if environment == "transformers-4":
            raise Unavailable("not today")
        Path(target).mkdir()
        (Path(target) / "config.json").write_text("{}")
        return ""

    monkeypatch.setattr("benchmarks.fixtures.python", fake)
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints("distilbert_base") == checkpoints("distilbert_base") == tmp_path / "distilbert_base"
    assert asked == ["transformers-4", "transformers-5"]


def test_a_checkpoint_that_nobody_can_make_names_every_reason(monkeypatch, tmp_path):
    def fake(code: str, environment: str, target: str) -> str:
        raise Unavailable("no")

    monkeypatch.setattr("benchmarks.fixtures.python", fake)
    with pytest.raises(Unavailable, match=r"'distilbert_base' \(transformers-4: no; transformers-5: no; dovela: no\)"):
        Checkpoints(tmp_path)("distilbert_base")


def test_a_package_that_carries_a_checkpoint_may_be_missing(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.fixtures.FOUND", {"weights": ("no_such_package", "model")})
    with pytest.raises(Unavailable, match="the package no_such_package is not installed"):
        Checkpoints(tmp_path)("weights")


def test_the_command_names_its_topics_and_refuses_others():
    def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "benchmarks", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "startup" in ask("run", "--help").stdout
    refused = ask("run", "speed")
    assert refused.returncode == 2
    assert "'speed' is not one of" in refused.stderr


def test_contenders_may_be_spelt_in_full():
    assert Contender("a", "python", "pass") == floor("a", "pass")


def test_what_comes_before_a_run_is_fresh_each_time_and_not_timed():
    contender = Contender(
        "cold", "python", "made.append(1)\nassert len(made) == 1", "import time", "time.sleep(0.2); made = []"
    )
    entry = Entry(name="m", measures="m", contenders=[contender], rounds=2)
    (cold,) = measure.run(entry, rounds=None, checkpoint=lambda name: Path(name))["contenders"]
    assert cold["unavailable"] is None
    assert max(cold["samples"]["wall"]) < 0.2


def test_a_target_may_be_for_another_contender_than_dovela():
    entry = record([1.0], [2.0], ())
    entry["targets"] = [{"metric": "wall", "at_most": 1.0, "of": "dovela", "who": "peer"}]
    assert page.judge(entry) == [("peer: time at most 1 x dovela", "2.00 (2.00–2.00)", "**missed**")]
    with pytest.raises(ValueError, match="the target is for 'b', which is not one of"):
        Entry(name="m", measures="m", contenders=[floor("a", "pass")], targets=[Target(Metric.WALL, 1, who="b")])


def test_a_text_is_stretched_without_repeating_its_lines():
    made = stretch(made_up("abc", 50), 10_000)
    assert made[:50] == made_up("abc", 50)
    assert len(set(made)) == len(made)
    assert 10_000 <= sum(len(line) + 1 for line in made) < 10_400


def test_texts_are_made_once_and_keep_their_lines(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.fixtures.TEXTS", {"prose": lambda: ["one", "zwei\u2028drei"]})
    path = Checkpoints(tmp_path)("prose")
    assert path.read_text(encoding="utf-8").split("\n") == ["one", "zwei\u2028drei"]


@pytest.mark.parametrize("name", ["languages", "messages"])
def test_without_the_test_data_texts_are_made_up(monkeypatch, tmp_path, name):
    monkeypatch.setattr("benchmarks.texts.DATA", tmp_path)
    lines = TEXTS[name]()
    assert lines == TEXTS[name]()
    assert not any("\n" in line for line in lines)
