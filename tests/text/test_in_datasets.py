"""Tokenizers where data is prepared: in `datasets.map`, and in the workers of a torch DataLoader."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from corpus_tools import write_words
from dovela.errors import InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.corpus import tokenize_files
from in_loaders import Collate, Mapped, Rows, Texts
from small_vocab import small_vocab

TEXTS = ["The quick brown fox", "jumped over the lazy dog!", "", "hello <new> world", "中文 New York"] * 4


@pytest.fixture(params=[BertTokenizer, BertTokenizerFast])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    made = request.param(small_vocab())
    made.add_tokens(["<new>"])
    return made


def test_a_tokenizer_pickles_before_and_after_use(tokenizer: Any) -> None:
    expected = tokenizer(TEXTS)["input_ids"]
    for _ in range(2):
        again = pickle.loads(pickle.dumps(tokenizer))
        assert again(TEXTS)["input_ids"] == expected
        assert again.get_added_vocab() == tokenizer.get_added_vocab()


def test_an_error_of_a_worker_arrives_whole(tokenizer: Any) -> None:
    with pytest.raises(InputError) as caught:
        tokenizer(["fine", None])
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (InputError, str(caught.value))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_data_loader_tokenizes_in_its_workers(tokenizer: Any, method: str) -> None:
    data = pytest.importorskip("torch.utils.data", reason="torch is not installed")
    loader = data.DataLoader(
        Texts(TEXTS, tokenizer),
        batch_size=4,
        num_workers=2 if method == "fork" else 1,  # each of the latter imports torch anew
        collate_fn=Collate(tokenizer),
        multiprocessing_context=method,
    )
    tokenizer(TEXTS)  # a tokenizer in use is what is forked
    expected = [tokenizer(TEXTS[i : i + 4], padding=True, return_tensors="pt") for i in range(0, len(TEXTS), 4)]
    for batch, same in zip(loader, expected, strict=True):
        assert batch.keys() == same.keys()
        assert all((batch[name] == same[name]).all() for name in batch)


def test_a_data_loader_reads_rows_from_the_disk(tmp_path: Path) -> None:
    data = pytest.importorskip("torch.utils.data", reason="torch is not installed")
    tokenizer = BertTokenizer(small_vocab())
    rows = tokenize_files(tokenizer, write_words(tmp_path / "text.txt", 60), tmp_path / "out", shard_size=90, batch=90)
    list(rows)  # every shard is open
    loader = data.DataLoader(Rows(rows), batch_size=8, num_workers=2, collate_fn=Collate(tokenizer))
    found = [
        ids[mask.bool()].tolist()
        for batch in loader
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    ]
    assert found == [row.tolist() for row in rows]


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return pytest.importorskip("datasets", reason="datasets is not installed")


@pytest.mark.parametrize("workers", [None, 2])
def test_datasets_map(tmp_path: Path, tokenizer: Any, datasets: Any, workers: int | None) -> None:
    file = tmp_path / "text.txt"
    file.write_text("\n".join(TEXTS))
    texts = datasets.load_dataset("text", data_files=str(file), split="train", cache_dir=str(tmp_path / "texts"))
    mapped = texts.map(Mapped(tokenizer), batched=True, batch_size=3, num_proc=workers)
    expected = tokenizer(TEXTS, truncation=True, max_length=6)
    assert {name: mapped[name][:] for name in expected} == dict(expected)
    assert texts.map(Mapped(tokenizer))["input_ids"][:] == expected["input_ids"]  # row by row


def test_use_does_not_change_the_hash_that_datasets_caches_by(tokenizer: Any, datasets: Any) -> None:
    from datasets.fingerprint import Hasher

    before = Hasher.hash(tokenizer)
    ids = tokenizer(TEXTS)["input_ids"]
    tokenizer(TEXTS, TEXTS, truncation=True, max_length=5)
    tokenizer.batch_decode(ids, skip_special_tokens=True)
    assert Hasher.hash(tokenizer) == before
    tokenizer.add_tokens(["<newer>"])
    assert Hasher.hash(tokenizer) != before


def test_datasets_maps_arrow_shards(tmp_path: Path, datasets: Any) -> None:
    tokenizer = BertTokenizer(small_vocab())
    file = write_words(tmp_path / "text.txt", 60)
    rows = tokenize_files(tokenizer, file, tmp_path / "out", format="arrow", shard_size=90, batch=90)
    paths = [str(tmp_path / "out" / name) for shard in rows.header["shards"] for name in shard["files"]]
    opened = datasets.concatenate_datasets([datasets.Dataset.from_file(path) for path in paths])
    assert opened["input_ids"][:] == [row.tolist() for row in rows]
    loaded = datasets.load_dataset("arrow", data_files=paths, split="train", cache_dir=str(tmp_path / "loaded"))
    assert loaded["input_ids"][:] == [row.tolist() for row in rows]
    assert len(paths) > 2
