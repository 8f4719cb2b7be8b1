"""What a comparison says: plain, frozen values that turn into JSON, a table in the terminal and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textwright.evaluate.intervals import Interval
from textwright.evaluate.scores import TITLES, shown
from textwright.report.base import Report, json_values


@dataclass(frozen=True, slots=True)
class LeaderboardMetric:
    """A metric over all finished seeds.

    Args:
        value: Mean over the seeds; with folds, of all examples, each tested once.
        low: Lower end of the 95 % interval over the test examples.
        high: Upper end.
        deviation: Standard deviation over the seeds; None with fewer than 2.
        per_seed: The value of each seed.
    """

    value: float
    low: float
    high: float
    deviation: float | None
    per_seed: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MetricChange:
    """What more training examples changed, on the same test examples.

    Args:
        difference: Of the primary metric, with its paired 95 % interval.
        p_value: Of the exact paired test.
        is_distinguishable: Whether that is below 0.05.
    """

    difference: Interval
    p_value: float
    is_distinguishable: bool


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What was reached with so many training examples.

    Args:
        num_train: Training examples.
        metric: The primary metric.
        change: From the next smaller number; None for the smallest.
    """

    num_train: int
    metric: LeaderboardMetric
    change: MetricChange | None = None


@dataclass(frozen=True, slots=True)
class RowSpeed:
    """How fast the finished model answers here, in one process.

    Args:
        latency_ms: Median time of one text by itself.
        texts_per_second: Of many texts in one call.
    """

    latency_ms: float
    texts_per_second: float


@dataclass(frozen=True, slots=True)
class Versus:
    """How a row stands to the best one, on the same test examples.

    Args:
        best: Name of the best row.
        difference: The row's primary metric minus the best one's, with its paired 95 % interval.
        p_value: Of the exact paired test, adjusted for the number of rows that were tested.
        is_distinguishable: Whether that is below 0.05.
    """

    best: str
    difference: Interval
    p_value: float
    is_distinguishable: bool

    @property
    def verdict(self) -> str:
        """The outcome in words."""
        chance = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        return f"{'below' if self.is_distinguishable else 'not distinguishable from'} {self.best} ({chance})"


@dataclass(frozen=True, slots=True)
class LeaderboardRow:
    """One line of the table.

    Args:
        name: What it is called.
        summary: What it is.
        is_baseline: Whether it is a measure for the others, and not served.
        num_done: Runs finished.
        num_planned: Runs in all.
        metrics: Metric name -> over the seeds; empty until a seed is finished.
        train_s: Median seconds from the source to the finished model; None if every run was interrupted.
        size_bytes: Median of what would be shipped.
        speed: None until it was measured.
        versus_best: None for the best itself.
        beats_majority: Whether it is better than the most frequent label by the paired test, adjusted for the number
            of rows; None for the majority itself, and where that was not measured.
        curve: From few training examples to all.
        version: Of the first seed's model.
        artifact: Its folder beneath the comparison's; empty for a baseline.
        settings: Every setting but the seed.
    """

    name: str
    summary: str
    is_baseline: bool
    num_done: int
    num_planned: int
    metrics: Mapping[str, LeaderboardMetric] = field(default_factory=dict)
    train_s: float | None = None
    size_bytes: float | None = None
    speed: RowSpeed | None = None
    versus_best: Versus | None = None
    beats_majority: bool | None = None
    curve: tuple[CurvePoint, ...] = ()
    version: str = ""
    artifact: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leaderboard(Report):
    """All of it.

    Args:
        data: Source, fingerprint, task, labels, how it was cut and into how many examples.
        primary_metric: Name of the metric that ranks: accuracy, or exact match for a multi-label task.
        protocol: How it was measured, in sentences.
        rows: Best first; those without a result last.
        advice: Which row to take for which budget, in sentences.
        is_complete: Whether every planned run is finished.
        machine: What it was measured on.
        versions: Library name -> version.
    """

    NAME: ClassVar[str] = "leaderboard"

    data: Mapping[str, Any]
    primary_metric: str
    protocol: str
    rows: tuple[LeaderboardRow, ...]
    advice: tuple[str, ...] = ()
    is_complete: bool = False
    machine: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def row(self, name: str) -> LeaderboardRow:
        """Find a row by its name."""
        return next(row for row in self.rows if row.name == name)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values: the fields by name, with each verdict in words beside its numbers."""
        content = json_values(self)
        for row, values in zip(self.rows, content["rows"], strict=True):
            if row.versus_best is not None:
                values["versus_best"]["verdict"] = row.versus_best.verdict
        return {"format_version": 1, **content}

    def charts(self) -> dict[str, str]:
        """Draw what was measured: accuracy against time, and the learning curves."""
        from textwright.comparison import figures

        drawn = [figures.tradeoff] if any(row.speed for row in self.rows) else []
        drawn += [figures.curves] if any(len(row.curve) > 1 for row in self.rows) else []
        return {draw.__name__: draw(self) for draw in drawn}

    def page_values(self) -> dict[str, Any]:
        """Give the page the names of the metrics and the settings of each row."""
        rows = [row for row in self.rows if row.settings]
        settings = {row.name: json.dumps(row.settings, indent=2, ensure_ascii=False) for row in rows}
        return {"titles": TITLES, "shown": shown, "settings": settings}
