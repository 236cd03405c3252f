"""The results on disk: one JSON file a topic, holding every sample and what is needed to judge it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .environments import PATHS, ROOT, THREADS, versions

FOLDER = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, Any]:
    """Where the numbers come from. The load says how busy others kept it when the run began."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "threads": THREADS,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def write(topic: str, command: str, entries: Sequence[dict[str, Any]], place: dict[str, Any]) -> Path:
    """Put one topic's records on disk, replacing what an earlier run found."""
    record = {
        "topic": topic,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "machine": place,
        "versions": versions(PATHS),
        "entries": list(entries),
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{topic}.json"
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def read(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """All topics that were ever run, by name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def relative(path: Path) -> str:
    """`path` as seen from the top of the repository."""
    return str(path.relative_to(ROOT))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
