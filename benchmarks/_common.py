"""What every benchmark shares: the machine's name, where results go, and how repeated runs are summed up."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

from textwright.core import artifact as artifacts
from textwright.core.files import write_text
from textwright.environment import machine
from textwright.optimize.outcome import OptimizationResult

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
RUNS = ROOT / "runs" / "benchmarks"
"""What benchmarks train and make is kept here, so that one that was stopped goes on and others use its models."""


def versions(*names: str) -> dict[str, str]:
    """Look up the versions of the distributions that were measured."""
    return {name: metadata.version(name) for name in names}


def trained(source: str, recipe: str, seed: int) -> Path:
    """Find the run of a recipe: the leaderboard's, which all share; what it has not is trained as a user would."""
    of_leaderboard = RUNS / source / "runs" / recipe / "all" / f"seed-{seed}"
    if (of_leaderboard / "artifact" / artifacts.MANIFEST).is_file():
        return of_leaderboard
    out = RUNS / "trained" / source / f"{recipe}-{seed}"
    run_textwright("train", source, "--config", recipe, "--seed", str(seed), "--out", str(out))
    return out


def quantized(
    source: str, recipe: str, seed: int, *, kind: str = "int8-smooth", max_drop: float = 0.5, agreement: float = 99
) -> Path:
    """Give a trained BERT an int8 variant, if that passes its gates; fp32 stays the default where it does not."""
    out = RUNS / kind / source / f"{recipe}-{seed}"
    gates = ("--max-drop", str(max_drop), "--agreement", str(agreement))
    return quantize(trained(source, recipe, seed), source, out, "--recipes", kind, *gates)


def quantize(run_dir: Path, source: str, out: Path, *flags: str) -> Path:
    """Optimize a run for throughput into a folder, unless that was done."""
    if not OptimizationResult.json_path(out).is_file():
        run_textwright("optimize", str(run_dir), "--data", source, "--target", "throughput", *flags, "--out", str(out))
    return out


def run_textwright(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "textwright", *arguments, "--quiet"], check=True, cwd=ROOT)


def side_by_side(
    contenders: Mapping[str, Callable[[], object]], *, rounds: int, clock: Callable[[], float] = perf_counter
) -> dict[str, list[float]]:
    """Time contenders in turn, so that a slow moment of the machine falls on all of them.

    Args:
        contenders: Name -> what to time.
        rounds: How often each is timed, after one round that is not counted.
        clock: Gives seconds; ``process_time`` leaves out what other processes take.

    Returns:
        Name -> seconds of each round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for round_number in range(rounds + 1):
        for name, contender in contenders.items():
            start = clock()
            contender()
            if round_number:
                seconds[name].append(clock() - start)
    return seconds


def chosen(parser: ArgumentParser, named: Sequence[str], known: Iterable[str]) -> list[str]:
    """Read the datasets of a command line, all where none is named; argparse cannot check none against choices."""
    known = list(known)
    for name in named:
        if name not in known:
            parser.error(f"{name} is none of {', '.join(known)}")
    return list(named) or known


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
