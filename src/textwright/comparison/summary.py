"""From finished runs to the numbers of a row: means over seeds, intervals over examples, paired tests."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from textwright.comparison.candidate import Result
from textwright.comparison.leaderboard import CurvePoint, LeaderboardMetric, MetricChange, Versus
from textwright.comparison.runs import Run
from textwright.core.types import Floats, Ints
from textwright.evaluate import scores
from textwright.evaluate.intervals import Interval, bootstrap
from textwright.evaluate.paired import SIGNIFICANCE, holm, paired_p_value
from textwright.evaluate.predictions import LabeledPredictions

_MEAN: Final = -1
"""Stands where a seed's position stands, for the mean over the seeds."""


def by_seed(results: Mapping[Run, Result], runs: Iterable[Run]) -> tuple[LabeledPredictions, ...]:
    """Gather the predictions, one entry for each seed all of whose folds are finished.

    Args:
        results: What came of the finished runs.
        runs: The planned runs of one row and one size, folds in order.

    Returns:
        One entry per finished seed: its only run's, or those of all folds after one another. Entries of all rows
        hold the same examples in the same order.
    """
    planned: dict[int, list[Run]] = {}
    for run in runs:
        planned.setdefault(run.seed, []).append(run)
    finished = [folds for folds in planned.values() if all(run in results for run in folds)]
    return tuple(_joined([results[run].predictions for run in folds]) for folds in finished)


def _joined(parts: Sequence[LabeledPredictions]) -> LabeledPredictions:
    if len(parts) == 1:
        return parts[0]
    return LabeledPredictions(
        *(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(parts[0]))
    )


def measure_seeds(seeds: Sequence[LabeledPredictions]) -> dict[str, LeaderboardMetric]:
    """Measure every metric over the seeds.

    A resample draws test examples and measures each seed on them, so the interval is that of the mean over seeds.

    Args:
        seeds: One entry per seed, at least one, of the same N examples.

    Returns:
        Metric name -> over the seeds; the primary metric first.
    """
    sufficient = [scores.numbers(predictions) for predictions in seeds]
    numbers = {f"{seed}/{name}": values for seed, part in enumerate(sufficient) for name, values in part.items()}

    def of_means(means: Mapping[str, Floats]) -> dict[tuple[int, str], Floats]:
        each = [_overall({name: means[f"{seed}/{name}"] for name in part}) for seed, part in enumerate(sufficient)]
        single = {(seed, name): values for seed, one in enumerate(each) for name, values in one.items()}
        return {**single, **{(_MEAN, name): np.mean([one[name] for one in each], axis=0) for name in each[0]}}

    measured = bootstrap(numbers, of_means)
    return {
        name: _metric(interval.low, interval.high, [measured[seed, name].value for seed in range(len(seeds))])
        for (owner, name), interval in measured.items()
        if owner == _MEAN
    }


def curve_point(
    num_train: int, seeds: Sequence[LabeledPredictions], smaller: Sequence[LabeledPredictions] | None = None
) -> CurvePoint:
    """Measure the primary metric alone: the share of examples that are right in whole.

    Args:
        num_train: Training examples.
        seeds: One entry per seed, at least one, of the same N examples.
        smaller: The same of the next smaller number of training examples; None for the smallest.
    """
    correct = np.stack([predictions.correct for predictions in seeds]).astype(np.float64)  # (S, N)
    interval = bootstrap({"right": correct.mean(axis=0)[:, None]}, lambda means: {"right": means["right"][:, 0]})
    low, high = interval["right"].low, interval["right"].high
    change = None if smaller is None else _change(smaller, seeds)
    return CurvePoint(num_train, _metric(low, high, correct.mean(axis=1).tolist()), change)


def _change(before: Sequence[LabeledPredictions], after: Sequence[LabeledPredictions]) -> MetricChange:
    p_value = paired_p_value(_hits(after), _hits(before), runs=(len(after), len(before)))
    return MetricChange(_difference(after, before), p_value, p_value < SIGNIFICANCE)


def above_majority(majority: str, rows: Mapping[str, Sequence[LabeledPredictions]]) -> dict[str, bool]:
    """Test every other row against the most frequent label on the same examples.

    Args:
        majority: Name of the row that always answers it.
        rows: Row name -> its seeds, at least one.

    Returns:
        Row name -> whether it is right more often, and not by chance; p-values are adjusted for their number.
    """
    others = [name for name in rows if name != majority]
    base = rows[majority]
    p_values = [paired_p_value(_hits(rows[name]), _hits(base), runs=(len(rows[name]), len(base))) for name in others]
    return {
        name: p_value < SIGNIFICANCE
        and bool(_hits(rows[name]).mean() * len(base) > _hits(base).mean() * len(rows[name]))
        for name, p_value in zip(others, holm(p_values), strict=True)
    }


def against_best(best: str, rows: Mapping[str, Sequence[LabeledPredictions]]) -> dict[str, Versus]:
    """Test every other row against the best on the same examples.

    Args:
        best: Name of the best row.
        rows: Row name -> its seeds, at least one.

    Returns:
        Row name -> how it stands to the best, for all but the best; p-values are adjusted for their number.
    """
    others = [name for name in rows if name != best]
    hits = {name: _hits(seeds) for name, seeds in rows.items()}
    runs = {name: len(seeds) for name, seeds in rows.items()}
    p_values = [paired_p_value(hits[name], hits[best], runs=(runs[name], runs[best])) for name in others]
    versus = {}
    for name, p_value in zip(others, holm(p_values), strict=True):
        versus[name] = Versus(best, _difference(rows[name], rows[best]), p_value, p_value < SIGNIFICANCE)
    return versus


def _difference(first: Sequence[LabeledPredictions], second: Sequence[LabeledPredictions]) -> Interval:
    """Measure how much more often the first is right, with its paired interval."""
    difference = _hits(first) / len(first) - _hits(second) / len(second)  # (N,)
    return bootstrap({"difference": difference[:, None]}, lambda means: {"it": means["difference"][:, 0]})["it"]


def _overall(means: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name: values for (group, name), values in scores.measure(means).items() if group == scores.OVERALL}


def _hits(seeds: Sequence[LabeledPredictions]) -> Ints:
    """Count in how many seeds each example is right, (N,)."""
    return np.asarray(np.sum([predictions.correct for predictions in seeds], axis=0, dtype=np.int64))


def _metric(low: float, high: float, per_seed: Sequence[float]) -> LeaderboardMetric:
    deviation = statistics.stdev(per_seed) if len(per_seed) > 1 else None
    return LeaderboardMetric(statistics.fmean(per_seed), low, high, deviation, tuple(per_seed))
