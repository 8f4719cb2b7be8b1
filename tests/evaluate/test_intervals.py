"""Intervals cover the truth as often as they claim, are reproducible, and stay inside their memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from textwright.core.types import Bools, Floats
from textwright.errors import DataError, SettingsError
from textwright.evaluate.intervals import Interval, bootstrap, bootstrap_rankings, wilson


def share_of(outcomes: Bools, **options: int) -> Interval:
    return bootstrap({"outcomes": outcomes[:, None].astype(float)}, share, **options)["share"]


def share(means: Mapping[str, Floats]) -> dict[str, Floats]:
    return {"share": means["outcomes"][:, 0]}


def test_the_bootstrap_of_a_share_is_near_its_normal_interval() -> None:
    outcomes = np.arange(1_000) < 800
    interval = share_of(outcomes)
    half = 1.96 * np.sqrt(0.8 * 0.2 / 1_000)
    assert interval.value == 0.8
    assert interval.low == pytest.approx(0.8 - half, abs=0.003)
    assert interval.high == pytest.approx(0.8 + half, abs=0.003)


def test_the_bootstrap_covers_the_truth_about_as_often_as_it_claims() -> None:
    random = np.random.default_rng(3)
    intervals = [share_of(random.random(300) < 0.7, num_resamples=300, seed=trial) for trial in range(200)]
    covered = np.mean([interval.low <= 0.7 <= interval.high for interval in intervals])
    assert 0.90 <= covered <= 0.99


def test_a_seed_fixes_the_interval() -> None:
    outcomes = np.arange(200) % 3 == 0
    assert share_of(outcomes, seed=1) == share_of(outcomes, seed=1)
    assert share_of(outcomes, seed=1) != share_of(outcomes, seed=2)


def test_metrics_of_one_bootstrap_share_its_resamples() -> None:
    outcomes = np.arange(50) % 2 == 0

    def both(means: Mapping[str, Floats]) -> dict[str, Floats]:
        return share(means) | {"complement": 1 - share(means)["share"]}

    found = bootstrap({"outcomes": outcomes[:, None].astype(float)}, both)
    assert found["complement"].low == pytest.approx(1 - found["share"].high)
    assert found["complement"].high == pytest.approx(1 - found["share"].low)


def test_an_interval_holds_its_value_even_of_a_biased_metric() -> None:
    def least(means: Mapping[str, Floats]) -> dict[str, Floats]:
        return {"least": means["is"].min(axis=1)}  # 1 / N as the examples are, 0 in nearly every resample

    interval = bootstrap({"is": np.eye(50)}, least)["least"]
    assert (interval.value, interval.low, interval.high) == (0.02, 0.0, 0.02)


def test_no_resamples_give_no_width() -> None:
    assert share_of(np.array([True, False]), num_resamples=0) == Interval(0.5, 0.5, 0.5)


def test_memory_is_bounded_by_the_block() -> None:
    outcomes = np.random.default_rng(0).random(100_000) < 0.8
    tracemalloc.start()
    share_of(outcomes, num_resamples=50)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 70 * 2**20  # 50 rows at once, drawn, counted and as weights, would be 114 MB


def test_refusals_name_the_bound() -> None:
    with pytest.raises(DataError, match="no examples"):
        share_of(np.array([], dtype=np.bool_))
    with pytest.raises(SettingsError, match="num_resamples is -1"):
        share_of(np.array([True]), num_resamples=-1)


def test_wilson_by_its_published_values() -> None:
    nothing, some = wilson(np.array([0, 15]), np.array([10, 148]))
    assert (nothing.low, nothing.high) == (0.0, pytest.approx(0.2775, abs=1e-4))
    assert (some.low, some.high) == (pytest.approx(0.0624, abs=1e-4), pytest.approx(0.1605, abs=1e-4))  # Newcombe 1998


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_wilson_holds_its_value_inside_the_unit_interval(count: int, share: float) -> None:
    (interval,) = wilson(np.array([round(share * count)]), np.array([count]))
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_rankings_have_intervals_that_hold_sklearns_values() -> None:
    random = np.random.default_rng(0)
    holds = random.random((400, 3)) < [0.02, 0.3, 0.6]
    scores = (holds + random.normal(0, 1.5, (400, 3))).astype(np.float32)
    each, mean = bootstrap_rankings(scores, holds, num_resamples=300)
    for metric, sklearn in (("roc_auc", roc_auc_score), ("pr_auc", average_precision_score)):
        expected = [sklearn(holds[:, label], scores[:, label]) for label in range(3)]
        assert [item[metric].value for item in each] == pytest.approx(expected)
        assert mean[metric].value == pytest.approx(np.mean(expected))
        widths = [item[metric].high - item[metric].low for item in each]
        assert all(item[metric].low < item[metric].value < item[metric].high for item in each)
        assert widths[0] > 1.5 * widths[2]  # eight positives say less than 240


def test_the_bootstrap_of_roc_auc_covers_the_truth_about_as_often_as_it_claims() -> None:
    random = np.random.default_rng(1)
    holds = np.arange(120)[:, None] < 40
    truth = 0.7602  # of normal scores that are one standard deviation apart: the normal distribution at 1 / sqrt(2)
    intervals = [
        bootstrap_rankings((holds + random.normal(size=(120, 1))).astype(np.float32), holds, num_resamples=200)[1]
        for _ in range(150)
    ]
    assert 0.89 <= np.mean([item["roc_auc"].low <= truth <= item["roc_auc"].high for item in intervals]) <= 0.99


def test_what_is_not_defined_is_left_out() -> None:
    scores = np.array([[0.2, 0.8, 0.5], [0.6, 0.4, 0.1]], dtype=np.float32)
    each, mean = bootstrap_rankings(scores, np.array([[True, False, False], [True, False, True]]), num_resamples=50)
    assert [set(item) for item in each] == [{"pr_auc"}, set(), {"roc_auc", "pr_auc"}]
    assert mean["pr_auc"].value == pytest.approx((1 + 0.5) / 2)
    assert bootstrap_rankings(scores[:, :1], np.ones((2, 1), dtype=bool))[1].keys() == {"pr_auc"}

    def nothing(means: Mapping[str, Floats]) -> dict[str, Floats]:
        return share(means) | {"undefined": np.full(len(means["outcomes"]), np.nan)}

    assert bootstrap({"outcomes": np.ones((3, 1))}, nothing).keys() == {"share"}
