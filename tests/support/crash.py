"""Saves that are killed, and a look at what they left. Run as a program: `crash.py every|random|together FOLDER COUNT`.

Generation g of a checkpoint is one file if g is even, and two shards with an index if it is odd; every file says its g.
"""

import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from dovela.checkpoint import stale_weights
from dovela.folder import MANIFEST, STAGING, listing, reading, resolve, save_files

COMMON = ["config.json", "vocab.txt"]
SINGLE = [*COMMON, "model.safetensors"]
SHARDED = [*COMMON, "model.safetensors.index.json", *(f"model-0000{i}-of-00002.safetensors" for i in (1, 2))]
FOREIGN = {"notes.txt": "mine", "runs/log.txt": "mine too"}


def names(g: int) -> list[str]:
    return SHARDED if g % 2 else SINGLE


def prepare(folder: Path) -> None:
    for name, text in FOREIGN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def save(folder: Path, g: int) -> None:
    text = f"{g} ".encode() * 5000
    files = {name: (lambda path: path.write_bytes(text)) if "model" in name else text for name in names(g)}
    save_files(folder, files, remove=lambda: stale_weights(folder, files))


def state(folder: Path) -> str:
    staging = folder / STAGING
    return "committed" if (staging / MANIFEST).exists() else "staging" if staging.exists() else "clean"


def generation(folder: Path) -> int | None:
    """The one generation that `folder` holds, read by dovela; an AssertionError where it is not whole, or mixed."""
    for name, text in FOREIGN.items():
        assert (folder / name).read_text() == text
    ours = {name: resolve(folder, name) for name in {*SINGLE, *SHARDED}}
    found = {name: path.read_text().split() for name, path in ours.items() if path}
    assert set(listing(folder)) == {*found, "notes.txt"}
    raw = {name: (folder / name).read_text().split() for name in {*SINGLE, *SHARDED} if (folder / name).exists()}
    raw_generations = {words[0] for words in raw.values()}
    assert len(raw_generations) <= 1, f"a reader without the journal sees {raw_generations}"
    if {"model.safetensors", "model.safetensors.index.json"} & raw.keys():
        assert raw.keys() == set(names(int(raw_generations.pop()))), "weights that are not whole can be found"
    if not found:
        return None
    ((g, count),) = {(int(words[0]), len(words)) for words in found.values() if len(set(words)) == 1}
    assert found.keys() == set(names(g))
    assert count == 5000
    return g


def killed(action: Callable[..., None], *arguments: object, at: int) -> bool:
    """Run `action` in a child that dies before its file operation number `at`; False if it came to its end."""
    child = os.fork()
    if child == 0:
        kill_at(at)
        action(*arguments)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0
    return os.WIFSIGNALED(status)


def kill_at(n: int):
    """Kill this process as it is about to ask for its n-th file operation."""
    left = itertools.count(n - 1, -1)

    def hook(event: str, args: object) -> None:
        if (event == "open" or event.startswith(("os.", "shutil."))) and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def every(root: Path, stride: int) -> None:
    """Kill a save at each of its file operations in turn, for a save onto nothing, one file and shards."""
    os.fsync = lambda descriptor: None  # the death of a process does not ask what is on the disk
    for old in (None, 0, 1):
        new = 0 if old is None else old + 1
        seen = []
        for n in itertools.count(1, stride):
            folder = root / f"{old}-{n}"
            prepare(folder)
            if old is not None:
                save(folder, old)
            if not killed(save, folder, new, at=n):
                assert generation(folder) == new
                assert state(folder) == "clean"
                break
            g = generation(folder)
            assert g in (old, new), g
            seen.append(f"{state(folder)}:{'new' if g == new else 'old'}")
            # A save killed while it clears up after the killed one, at an operation that wanders.
            killed(save, folder, new + 1, at=1 + n * 7 % 40)
            assert generation(folder) in (g, new + 1)
            save(folder, new + 2)
            assert generation(folder) == new + 2
            assert state(folder) == "clean"
        runs = [f"{len(list(group))} {key}" for key, group in itertools.groupby(seen)]
        sys.stdout.write(f"{'nothing' if old is None else names(old)[2]}: {', '.join(runs)}\n")


def at_random(folder: Path, count: int) -> None:
    """Kill `count` savers, which save one generation after the other, each after a random time."""
    chance = random.Random(0)
    prepare(folder)
    began = time.perf_counter()
    save(folder, 0)
    duration = time.perf_counter() - began
    g, states, saves = 0, dict.fromkeys(("clean", "staging", "committed"), 0), 0
    for _ in range(count):
        child = os.fork()
        if child == 0:
            for new in itertools.count(g + 1):
                save(folder, new)
        time.sleep(chance.uniform(0, 2 * duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        now = generation(folder)
        assert now is not None
        assert now >= g
        states[state(folder)] += 1
        saves, g = saves + now - g, now
    sys.stdout.write(f"{count} kills: {count} whole checkpoints; left {states}; {saves} saves came through\n")


def together(folder: Path, count: int) -> None:
    """Three savers of `count` generations each at one folder, and a reader."""
    prepare(folder)
    save(folder, 0)
    children: list[int] = []
    while len(children) < 3:
        children.append(os.fork())
        if children[-1] == 0:
            for g in range(len(children), len(children) + count):  # of both kinds at once
                save(folder, g)
            os._exit(0)
    seen = []
    while len(seen) < count:
        with reading(folder):
            assert state(folder) == "clean"
            seen.append(generation(folder))
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert generation(folder) in range(count, count + 3)
    sys.stdout.write(f"{len(seen)} reads while 3 savers took turns, all whole\n")


if __name__ == "__main__":
    {"every": every, "random": at_random, "together": together}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
