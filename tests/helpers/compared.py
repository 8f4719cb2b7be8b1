"""A source with a rule in it, and leaderboards that nobody had to train for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from textwright.comparison.leaderboard import (
    CurvePoint,
    Leaderboard,
    LeaderboardMetric,
    LeaderboardRow,
    MetricChange,
    RowSpeed,
    Versus,
)
from textwright.evaluate import linear
from textwright.evaluate.intervals import Interval

RECIPE = (
    'family = "bow"\nmin_steps = 0\nnum_epochs = 3\nbatch_size = 16\nlearning_rate = 0.05\ndevice = "cpu"\n[model]\n'
)
GOOD, BAD = ("good", "great", "fine", "moving"), ("bad", "awful", "dull", "flat")


def write_source(path: Path, num: int = 200, *, task: str = "single") -> str:
    random = np.random.default_rng(0)
    lines = ["text,label"]
    for number in range(num):
        words = [f"w{word}" for word in random.integers(500, size=9)]
        is_good = number % 2
        words.insert(4, str(random.choice(GOOD if is_good else BAD)))
        names = ("neg", "pos") if task == "single" else ("plot", "plot|cast")
        lines.append(f"{' '.join(words)},{names[is_good]}")
    path.write_text("\n".join([*lines, ""]))
    return str(path)


def write_recipe(path: Path, text: str = RECIPE, **model: object) -> Path:
    """Write a recipe that trains in a second; keywords are settings of the family."""
    settings = {"embedding_dim": 4, "min_frequency": 1, **model}
    path.write_text(text + "".join(f"{key} = {value}\n" for key, value in settings.items()))
    return path


def shorten_search(patch: pytest.MonkeyPatch) -> None:
    """Search few settings of the linear baseline: its own tests search them all."""
    patch.setattr(linear, "STRENGTHS", (10.0,))
    patch.setattr(linear, "_FOLDS", {1_000: 2})


def make_metric(value: float, deviation: float | None = 0.004) -> LeaderboardMetric:
    return LeaderboardMetric(value, value - 0.02, value + 0.02, deviation, (value,))


def _curve(curve: Sequence[tuple[int, float]], p_value: float) -> tuple[CurvePoint, ...]:
    points = []
    for index, (size, value) in enumerate(curve):
        gain = value - curve[index - 1][1]
        half = 0.5 * abs(gain) if p_value < 0.05 else 0.04
        change = MetricChange(Interval(gain, gain - half, gain + half), p_value, p_value < 0.05) if index else None
        points.append(CurvePoint(size, make_metric(value), change))
    return tuple(points)


def make_row(
    name: str,
    accuracy: float,
    *,
    latency_ms: float = 1.0,
    size_bytes: float = 1e6,
    tied: bool | None = False,
    curve: Sequence[tuple[int, float]] = (),
    is_baseline: bool = False,
    beats_majority: bool | None = None,
    change_p: float = 0.001,
) -> LeaderboardRow:
    """Make a measured row; ``tied`` is None for the best, ``change_p`` the p-value of each step of the curve."""
    versus = None if tied is None else Versus("best", Interval(-0.01, -0.03, 0.01), 0.4 if tied else 0.0004, not tied)
    names = ("accuracy", "macro_f1", "calibration_error", "log_loss", "brier_score")
    return LeaderboardRow(
        name=name,
        summary=f"what {name} is",
        is_baseline=is_baseline,
        num_done=2,
        num_planned=2,
        metrics={metric: make_metric(accuracy) for metric in names},
        train_s=12.0,
        size_bytes=size_bytes,
        speed=RowSpeed(latency_ms, 1000 / latency_ms),
        versus_best=versus,
        beats_majority=beats_majority,
        curve=_curve(curve, change_p),
        version="0123456789ab",
        artifact="" if is_baseline else f"runs/{name}/all/seed-0",
        settings={} if is_baseline else {"family": name},
    )


def make_board(*rows: LeaderboardRow) -> Leaderboard:
    data = {"source": "reviews.csv", "task": "single-label", "labels": ["neg", "pos"]}
    machine = {"cpu": "a CPU", "cores": 2, "system": "Linux", "python": "3.11.7"}
    return Leaderboard(data, "accuracy", "One split.", rows, is_complete=True, machine=machine, versions={"numpy": "2"})
