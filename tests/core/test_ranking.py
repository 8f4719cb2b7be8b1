"""Metrics of a ranking agree with scikit-learn, on examples as they are and on resamples of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from textwright.core.ranking import Ranking


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(2, 40), st.sampled_from([3, 1_000]), st.floats(0.05, 0.95))
def test_both_metrics_agree_with_sklearn(seed: int, size: int, num_scores: int, share: float) -> None:
    random = np.random.default_rng(seed)
    scores = (random.integers(0, num_scores, size) / num_scores).astype(np.float32)  # few scores: many ties
    holds = random.random(size) < share
    weights = np.stack([np.ones(size), random.integers(0, 3, size)], axis=1)
    found = Ranking.of(scores, holds).measure(weights)
    for column, (roc_auc, precision) in enumerate(zip(*found, strict=True)):
        drawn = np.repeat(np.arange(size), weights[:, column].astype(int))
        if not holds[drawn].any():
            assert np.isnan(roc_auc)
            assert np.isnan(precision)
            continue
        assert precision == pytest.approx(average_precision_score(holds[drawn], scores[drawn]))
        if holds[drawn].all():
            assert np.isnan(roc_auc)
        else:
            assert roc_auc == pytest.approx(roc_auc_score(holds[drawn], scores[drawn]))


def test_an_order_without_a_mistake_is_perfect() -> None:
    ranking = Ranking.of(np.array([0.9, 0.1, 0.8], dtype=np.float32), np.array([True, False, True]))
    assert [values.tolist() for values in ranking.measure(np.ones((3, 1)))] == [[1.0], [1.0]]


def test_a_coarse_ranking_changes_with_a_resample_as_the_exact_one_does() -> None:
    random = np.random.default_rng(0)
    holds = random.random(3_000) < 0.4
    scores = (holds + random.normal(size=3_000)).astype(np.float32)
    exact = Ranking.of(scores, holds)
    coarse = exact.coarse(100)
    assert len(coarse.starts) <= 100 < len(exact.starts)
    assert exact.coarse(len(exact.starts)) is exact
    weights = random.multinomial(3_000, np.full(3_000, 1 / 3_000), 20).T.astype(np.float64)
    ones = np.ones((3_000, 1))
    for one, other, value, near in zip(
        exact.measure(weights), coarse.measure(weights), exact.measure(ones), coarse.measure(ones), strict=True
    ):
        assert other - near == pytest.approx(one - value, abs=1e-3)
        assert np.std(one) > 5e-3


@settings(max_examples=100)
@given(st.integers(0, 2**32), st.integers(2, 40), st.sampled_from([3, 1_000]))
def test_every_point_of_a_curve_is_one_of_sklearns(seed: int, size: int, num_scores: int) -> None:
    random = np.random.default_rng(seed)
    scores = (random.integers(0, num_scores, size) / num_scores).astype(np.float32)
    holds = np.arange(size) < 1 + seed % (size - 1)  # of both kinds at least one
    false_positive_rate, recall, precision = Ranking.of(scores, holds).curve(size)
    rates = np.stack(roc_curve(holds, scores, drop_intermediate=False)[:2], axis=1)
    precisions = np.stack(precision_recall_curve(holds, scores)[:2], axis=1)
    for expected, found in ((rates, (false_positive_rate, recall)), (precisions, (precision, recall))):
        distances = np.abs(expected[None] - np.stack(found, axis=1)[:, None]).max(axis=2)
        assert distances.min(axis=1).max() < 1e-12
    assert recall[-1] == 1


def test_a_thinned_curve_has_about_the_same_area() -> None:
    random = np.random.default_rng(0)
    holds = random.random(5_000) < 0.3
    scores = (holds + random.normal(size=5_000)).astype(np.float32)
    false_positive_rate, recall, _ = Ranking.of(scores, holds).curve(100)
    assert len(recall) == 100
    assert auc([0, *false_positive_rate, 1], [0, *recall, 1]) == pytest.approx(roc_auc_score(holds, scores), abs=2e-3)
