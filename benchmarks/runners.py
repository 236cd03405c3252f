"""The two ways to run a contender: a new process each time, or a process that is kept alive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from .entry import Contender, Entry, Metric
from .environments import THREADS, Unavailable, last_line, variables

HERE = Path(__file__).resolve().parent
Sample = dict[str, float]


class Runner(Protocol):
    """A contender that is ready to run."""

    def once(self) -> Sample:
        """One measurement, by metric; Unavailable if the contender failed."""

    def close(self) -> None:
        """End what was started."""


def start(contender: Contender, entry: Entry, folder: Path, values: Mapping[str, str]) -> Runner:
    """A runner of the entry's mode, in `folder`, whose code sees `values` as variables. Unavailable if it fails."""
    if entry.mode == "process":
        return Process(contender, folder, values)
    return Worker(contender, folder, values)


class Process:
    """Every run is a new interpreter, counted from its start to its end."""

    def __init__(self, contender: Contender, folder: Path, values: Mapping[str, str]) -> None:
        assignments = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        self._command = [sys.executable, "-P", "-c", assignments + contender.timed]
        self._environment, self._folder = variables(contender.environment), folder

    def once(self) -> Sample:
        read, write = os.pipe()
        with os.fdopen(read) as answer:
            try:
                done = subprocess.run(
                    [sys.executable, "-I", "-S", str(HERE / "spawn.py"), str(write), *self._command],
                    env=self._environment,
                    cwd=self._folder,
                    pass_fds=[write],
                    capture_output=True,
                    text=True,
                    check=False,
                )
            finally:
                os.close(write)
            status, wall, cpu, peak = (answer.read() or "1 0 0 0").split()
        if status != "0":
            raise Unavailable(last_line(done.stderr))
        return {Metric.WALL: float(wall), Metric.CPU: float(cpu), Metric.PEAK: float(peak)}

    def close(self) -> None:
        """Nothing outlives a run."""


class Worker:
    """One process that is kept alive between its runs."""

    def __init__(self, contender: Contender, folder: Path, values: Mapping[str, str]) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the process lives
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "worker.py")],
            env=variables(contender.environment),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            code = {"setup": contender.setup, "before": contender.before, "timed": contender.timed}
            self._ask(**code, variables=dict(values), threads=THREADS)
        except Unavailable:
            self.close()
            raise

    def once(self) -> Sample:
        return self._ask()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def _ask(self, **request: object) -> Sample:
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            raise Unavailable(last_line(self._errors.read()))
        answer: Sample = json.loads(line)
        if "error" in answer:
            raise Unavailable(str(answer["error"]))
        return answer
