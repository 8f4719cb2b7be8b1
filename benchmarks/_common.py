"""What every benchmark shares: the machine's name, where results go, and how repeated runs are summed up."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

from textwright.core.files import write_text
from textwright.diagnosis import machine

RESULTS = Path(__file__).parent / "results"


def versions(*names: str) -> dict[str, str]:
    """Look up the versions of the distributions that were measured."""
    return {name: metadata.version(name) for name in names}


def side_by_side(contenders: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, list[float]]:
    """Time contenders in turn, so that a slow moment of the machine falls on all of them.

    Args:
        contenders: Name -> what to time.
        rounds: How often each is timed, after one round that is not counted.

    Returns:
        Name -> seconds of each round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for round_number in range(rounds + 1):
        for name, contender in contenders.items():
            start = perf_counter()
            contender()
            if round_number:
                seconds[name].append(perf_counter() - start)
    return seconds


def spread(values: Sequence[float]) -> dict[str, float]:
    """Sum repeated measurements up: median, smallest and largest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def save(name: str, content: Mapping[str, Any]) -> Path:
    """Write a result file, with the machine and the day in it."""
    path = RESULTS / f"{name}.json"
    stamped = {"measured": datetime.now(UTC).date().isoformat(), "machine": machine(), **content}
    write_text(path, json.dumps(stamped, indent=2, ensure_ascii=False) + "\n")
    print(f"written: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return path
