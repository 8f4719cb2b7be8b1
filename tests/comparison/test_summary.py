"""Means over seeds, intervals over examples and verdicts, checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from textwright.comparison.candidate import Result
from textwright.comparison.runs import Run, TimeEstimate
from textwright.comparison.summary import above_majority, against_best, by_seed, curve_point, measure_seeds
from textwright.evaluate.predictions import LabeledPredictions


def seen(right: list[int] | np.ndarray) -> LabeledPredictions:
    """Make observations of two labels, right where asked, always 80 % sure."""
    right = np.asarray(right, dtype=bool)
    targets = np.arange(len(right)) % 2
    predicted = np.where(right, targets, 1 - targets)
    probabilities = np.where(np.eye(2)[predicted] > 0, 0.8, 0.2).astype(np.float32)
    zeros = np.zeros(len(right), dtype=np.int64)
    return LabeledPredictions(targets, predicted, probabilities, probabilities, zeros, zeros > 0)


def test_metrics_are_means_over_seeds_with_their_deviation() -> None:
    metrics = measure_seeds([seen([1, 1, 1, 0]), seen([1, 0, 1, 0])])
    accuracy = metrics["accuracy"]
    assert accuracy.per_seed == (0.75, 0.5)
    assert accuracy.value == 0.625
    assert accuracy.deviation == pytest.approx(np.std([0.75, 0.5], ddof=1))
    assert accuracy.low < 0.625 < accuracy.high
    assert metrics["calibration_error"].per_seed == pytest.approx((0.05, 0.3), abs=1e-6)


def test_the_interval_of_one_seed_covers_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    covered = [
        point.metric.low <= 0.8 <= point.metric.high
        for point in (curve_point(10, [seen(random.random(200) < 0.8)]) for _ in range(30))
    ]
    assert np.mean(covered) > 0.85


def test_one_seed_has_no_deviation() -> None:
    assert measure_seeds([seen([1, 0])])["accuracy"].deviation is None


def test_a_seed_counts_when_all_its_folds_are_done() -> None:
    runs = [Run("bow", seed, fold=fold) for seed in (0, 1) for fold in (0, 1)]
    results = {run: Result(seen([1, 0]), 4, 1.0, 10, "v") for run in runs[:3]}
    (only,) = by_seed(results, runs)
    assert len(only.targets) == 4


def test_a_clear_loss_is_below_and_a_small_one_is_not_distinguishable() -> None:
    random = np.random.default_rng(0)
    best = random.random(400) < 0.9
    near = best.copy()
    near[:3] = ~near[:3]
    versus = against_best("best", {"best": [seen(best)], "near": [seen(near)], "far": [seen(random.random(400) < 0.6)]})
    assert set(versus) == {"near", "far"}
    assert versus["near"].verdict.startswith("not distinguishable from best (p = ")
    assert versus["far"].verdict == "below best (p < 0.001)"
    assert versus["far"].difference.high < 0
    assert versus["far"].difference.value == pytest.approx(
        measure_seeds([seen(best)])["accuracy"].value * -1 + 0.6, abs=0.05
    )


def test_a_step_of_the_curve_is_tested_on_the_same_texts() -> None:
    random = np.random.default_rng(0)
    small = random.random(400) < 0.6
    better, alike = small | (random.random(400) < 0.3), small.copy()
    alike[:3] = ~alike[:3]
    assert curve_point(10, [seen(small)]).change is None
    gained = curve_point(20, [seen(better), seen(better)], [seen(small)]).change
    assert gained.is_distinguishable
    assert gained.difference.low > 0
    assert gained.difference.value == pytest.approx(better.mean() - small.mean())
    assert not curve_point(20, [seen(alike)], [seen(small)]).change.is_distinguishable


def test_rows_are_tested_against_the_majority() -> None:
    majority = np.arange(200) % 2 == 0
    rows = {"majority": majority, "same": majority, "worse": majority & (np.arange(200) > 60), "good": majority | True}
    above = above_majority("majority", {name: [seen(right)] for name, right in rows.items()})
    assert above == {"same": False, "worse": False, "good": True}


def test_the_time_left_is_the_sum_of_what_alike_runs_took() -> None:
    runs = [Run("a", 0), Run("b", 0), Run("a", 1), Run("b", 1), Run("a", 0, size=50)]
    schedule = TimeEstimate(runs, num_train=100)
    schedule.finish(runs[0], 10.0)
    assert schedule.seconds_left() is None  # nothing is known of b
    schedule.finish(runs[1], 2.0)
    assert schedule.seconds_left() == pytest.approx(10.0 + 2.0 + 5.0)
    schedule.finish(runs[4], 7.0)
    assert schedule.seconds_left() == pytest.approx(12.0)
