"""Batches of lines to arrays of ids, by this process or by several, in the order of the lines."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from ..errors import CheckpointError
from .base import PreTrainedTokenizerBase
from .columns import TextBatch, plain_texts
from .lines import Batch, Position
from .truncation import Truncation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Encoded(NamedTuple):
    """A batch's ids, (T,) all documents in a row, and the documents' lengths, (D,)."""

    ids: NDArray[np.unsignedinteger]
    lengths: NDArray[np.int64]


class Done(NamedTuple):
    """A batch that is encoded: where it ended, its bytes of text, and how much had been read from the disk by then."""

    end: Position
    size: int
    consumed: int
    encoded: Encoded


@dataclass(frozen=True)
class Job:
    """What is done with every batch."""

    tokenizer: PreTrainedTokenizerBase
    dtype: str
    max_length: int | None
    add_special_tokens: bool
    skip_blank: bool
    errors: str

    def encode(self, batch: Batch) -> Encoded:
        import numpy as np

        texts = batch.texts(replace=self.errors == "replace")
        if self.skip_blank:
            texts = [text for text in texts if text and not text.isspace()]
        flat = self.flat(texts)
        if flat is not None:
            return Encoded(flat[0].astype(self.dtype), flat[1])
        rows = self.rows(texts)
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        return Encoded(np.fromiter(chain.from_iterable(rows), self.dtype, int(lengths.sum())), lengths)

    def flat(self, texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """Ids and lengths without an object for each token; None where only rows can be had."""
        where, cut = type(self.tokenizer).__name__, None
        if self.max_length is not None:
            cut = Truncation(self.max_length, side=self.tokenizer.truncation_side)
        assembly = self.tokenizer._assembly(self.add_special_tokens, cut, where)
        known = plain_texts(texts) if texts else None
        batch = None if known is None else TextBatch.of(known, assembly)
        return None if batch is None else batch.flat()

    def rows(self, texts: list[str]) -> list[list[int]]:
        rows: list[list[int]] = self.tokenizer(
            texts,
            add_special_tokens=self.add_special_tokens,
            truncation=self.max_length is not None,
            max_length=self.max_length,
            return_attention_mask=False,
            return_token_type_ids=False,
        )["input_ids"]
        return rows


def encoded(
    job: Job, batches: Iterable[Batch], workers: int, start_method: str, where: str
) -> Generator[Done, None, None]:
    """Every batch with its arrays, in order. At most two batches a worker are under way at a time."""
    if workers == 1:
        for batch in batches:
            yield Done(batch.end, len(batch.data), batch.consumed, job.encode(batch))
        return
    context = multiprocessing.get_context(start_method)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(job,))
    waiting: deque[tuple[Position, int, int, Future[Encoded]]] = deque()
    try:
        for batch in batches:
            with _interrupts_held():  # submitting starts processes
                future = pool.submit(_encode, batch)
            waiting.append((batch.end, len(batch.data), batch.consumed, future))
            if len(waiting) > 2 * workers:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    except BrokenProcessPool as error:
        raise CheckpointError(
            where,
            "a worker process died",
            hint="What is finished is kept, and the same call goes on from there. If it ran out of memory, use fewer "
            'workers. In a script of your own, call this under `if __name__ == "__main__":`.',
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _next(waiting: deque[tuple[Position, int, int, Future[Encoded]]]) -> Done:
    end, size, consumed, future = waiting.popleft()
    return Done(end, size, consumed, future.result())


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C reaches every process, and the first one decides: those started in here never see it, this one after."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In a worker's process.

_job: Job


def _begin(job: Job) -> None:
    global _job
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # the workers are the parallelism
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed parent closes no queue: without this its workers would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _encode(batch: Batch) -> Encoded:
    return _job.encode(batch)
