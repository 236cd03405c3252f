"""Data sets, a collate function and one to map, where worker processes can import them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Texts:
    """Tokenizes in the worker."""

    def __init__(self, texts: Sequence[str], tokenizer: Any) -> None:
        self.texts, self.tokenizer = texts, tokenizer

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return dict(self.tokenizer(self.texts[index]))


class Mapped:
    """What `datasets.map` calls with a row, or with a batch of them."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, rows: Any) -> Any:
        return self.tokenizer(rows["text"], truncation=True, max_length=6)


class Rows:
    """Takes what was tokenized before."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.rows[index].tolist()}


class Collate:
    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return dict(self.tokenizer.pad(rows, return_tensors="pt"))
