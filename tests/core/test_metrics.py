"""Metrics agree with scikit-learn."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn

from textwright.core import metrics
from textwright.core.metrics import LabelCounts
from textwright.core.types import Bools, Float32s, Ints


class Single(NamedTuple):
    targets: Ints
    predicted: Ints
    probabilities: Float32s


class Multi(NamedTuple):
    targets: Bools
    predicted: Bools
    probabilities: Float32s


@st.composite
def single_label(draw: st.DrawFn) -> Single:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 40)), draw(st.integers(2, 6))
    probabilities = random.dirichlet(np.full(shape[1], draw(st.sampled_from([0.05, 1.0]))), shape[0]).astype(np.float32)
    return Single(random.integers(0, shape[1], shape[0]), probabilities.argmax(axis=1), probabilities)


@st.composite
def multi_label(draw: st.DrawFn) -> Multi:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    probabilities = random.random(shape, dtype=np.float32)
    return Multi(random.random(shape) < draw(st.floats(0, 1)), probabilities >= 0.5, probabilities)


def totals(targets: Ints | Bools, predicted: Ints | Bools, num_labels: int) -> LabelCounts:
    return LabelCounts(*(part.sum(axis=0) for part in metrics.label_counts(targets, predicted, num_labels)))


def calibration_error(scores: Float32s, outcomes: Bools, num_bins: int = metrics.NUM_CALIBRATION_BINS) -> float:
    gaps = metrics.calibration_gaps(scores, outcomes, num_bins)
    return float(metrics.expected_calibration_error(gaps.mean(axis=0)))


quickly = settings(max_examples=60)


@quickly
@given(single_label())
def test_single_label_metrics_agree_with_sklearn(case: Single) -> None:
    targets, predicted, probabilities = case
    labels = range(probabilities.shape[1])
    counts = totals(targets, predicted, len(labels))
    expected = sklearn.precision_recall_fscore_support(targets, predicted, labels=labels, zero_division=0)
    for found, wanted in zip(
        (metrics.precision(counts), metrics.recall(counts), metrics.f1(counts), counts.actual), expected, strict=True
    ):
        np.testing.assert_allclose(found, wanted)
    assert metrics.is_correct(targets, predicted).mean() == pytest.approx(sklearn.accuracy_score(targets, predicted))
    assert metrics.macro_f1(counts) == pytest.approx(
        sklearn.f1_score(targets, predicted, average="macro", zero_division=0)
    )
    assert metrics.micro_f1(counts) == pytest.approx(metrics.is_correct(targets, predicted).mean())
    np.testing.assert_array_equal(
        metrics.confusion_matrix(targets, predicted, len(labels)),
        sklearn.confusion_matrix(targets, predicted, labels=labels),
    )


@quickly
@given(single_label())
def test_single_label_scores_agree_with_sklearn(case: Single) -> None:
    targets, _, probabilities = case
    labels = range(probabilities.shape[1])
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # scikit-learn warns of float32 rows that sum to 1 within 1e-7 only
    # scikit-learn clips float64 at 2e-16, so the same floor is put beneath it.
    floor = np.clip(exact, np.finfo(np.float32).eps, 1)
    log_loss = sklearn.log_loss(targets, floor / floor.sum(axis=1, keepdims=True), labels=labels)
    assert metrics.log_losses(targets, probabilities).mean() == pytest.approx(log_loss, abs=1e-5)
    brier = sklearn.brier_score_loss(targets, exact, labels=labels, scale_by_half=False)
    assert metrics.brier_scores(targets, probabilities).mean() == pytest.approx(brier, abs=1e-5)


@quickly
@given(multi_label())
def test_multi_label_metrics_agree_with_sklearn(case: Multi) -> None:
    targets, predicted, probabilities = case
    counts = totals(targets, predicted, targets.shape[1])
    assert metrics.is_correct(targets, predicted).mean() == pytest.approx(np.mean((targets == predicted).all(axis=1)))
    assert metrics.wrong_decisions(targets, predicted).mean() == pytest.approx(np.mean(targets != predicted))
    average = {"micro": metrics.micro_f1(counts)}
    if counts.actual.all():  # scikit-learn counts a label that is neither true nor predicted as 0, here it is left out
        average["macro"] = metrics.macro_f1(counts)
    for name, found in average.items():
        if targets.shape[1] == 1:  # one column is a binary task to scikit-learn
            expected = sklearn.f1_score(targets[:, 0], predicted[:, 0], zero_division=0)
        else:
            expected = sklearn.f1_score(targets, predicted, average=name, zero_division=0)
        assert found == pytest.approx(expected)
    losses = [
        sklearn.log_loss(targets[:, column], probabilities[:, column], labels=[False, True])
        for column in range(targets.shape[1])
    ]
    assert metrics.log_losses(targets, probabilities).mean() == pytest.approx(np.mean(losses), rel=1e-4, abs=1e-6)
    assert metrics.brier_scores(targets, probabilities).mean() == pytest.approx(
        np.mean((targets - probabilities) ** 2), abs=1e-6
    )
    expected = sklearn.multilabel_confusion_matrix(
        np.pad(targets, ((0, 0), (0, 1))), np.pad(predicted, ((0, 0), (0, 1)))
    )
    np.testing.assert_array_equal(metrics.confusion_matrix(targets, predicted, targets.shape[1]), expected[:-1])


@quickly
@given(single_label())
def test_means_serve_as_well_as_counts(case: Single) -> None:
    num_labels = case.probabilities.shape[1]
    examples = metrics.label_counts(case.targets, case.predicted, num_labels)
    means = LabelCounts(*(part.mean(axis=0) for part in examples))
    counts = totals(case.targets, case.predicted, num_labels)
    for metric in (metrics.precision, metrics.recall, metrics.f1, metrics.macro_f1, metrics.micro_f1):
        np.testing.assert_allclose(metric(means), metric(counts))


def test_calibration_error_by_hand() -> None:
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.55, 0.55], dtype=np.float32)
    outcomes = np.array([True, True, True, False, True, True])
    # |0.75 - 0.9| for 4 of 6 and |1 - 0.55| for 2 of 6
    expected = (4 * 0.15 + 2 * 0.45) / 6
    assert calibration_error(scores, outcomes) == pytest.approx(expected, abs=1e-7)
    by_label = calibration_error(scores.reshape(3, 2), outcomes.reshape(3, 2))
    assert by_label == pytest.approx(expected, abs=1e-7)


def test_one_calibration_bin_compares_the_means() -> None:
    random = np.random.default_rng(0)
    scores, outcomes = random.random(500, dtype=np.float32), random.random(500) < 0.3
    expected = abs(outcomes.mean() - scores.mean())
    assert calibration_error(scores, outcomes, 1) == pytest.approx(expected, abs=1e-6)


def test_calibration_bins_hold_their_edges() -> None:
    scores = np.array([0.0, 0.09, 0.5, 0.99, 1.0], dtype=np.float32)
    assert metrics.calibration_bins(scores, 10).tolist() == [0, 0, 5, 9, 9]


def test_certain_mistakes_stay_finite() -> None:
    probabilities = np.array([[1.0, 0.0]], dtype=np.float32)
    assert metrics.log_losses(np.array([1]), probabilities) == pytest.approx(15.94, abs=0.01)
    assert metrics.log_losses(np.array([[False, True]]), probabilities) == pytest.approx(15.94, abs=0.01)


def test_a_label_that_is_neither_true_nor_predicted_is_left_out_of_macro_f1() -> None:
    targets = np.array([0, 1, 1])
    counts = totals(targets, targets, 5)
    assert metrics.macro_f1(counts) == 1.0
    assert metrics.precision(counts).tolist() == [1, 1, 0, 0, 0]


def test_nothing_true_and_nothing_predicted_has_no_f1() -> None:
    nothing = np.zeros((3, 2), dtype=np.bool_)
    counts = totals(nothing, nothing, 2)
    assert metrics.macro_f1(counts) == 0.0
    assert metrics.micro_f1(counts) == 0.0
    assert metrics.is_correct(nothing, nothing).all()


@quickly
@given(single_label())
def test_balanced_accuracy_agrees_with_sklearn(case: Single) -> None:
    counts = totals(case.targets, case.predicted, case.probabilities.shape[1])
    present = np.unique(case.targets)  # scikit-learn warns of a label that is predicted and never true
    recalls = sklearn.recall_score(case.targets, case.predicted, labels=present, average=None, zero_division=0)
    assert metrics.balanced_accuracy(counts) == pytest.approx(recalls.mean())
    if len(present) > 1 and np.isin(case.predicted, present).all():
        expected = sklearn.balanced_accuracy_score(case.targets, case.predicted)
        assert metrics.balanced_accuracy(counts) == pytest.approx(expected)


@quickly
@given(multi_label())
def test_multi_label_balanced_accuracy_is_the_mean_of_sklearns(case: Multi) -> None:
    counts = metrics.label_counts(case.targets, case.predicted, case.targets.shape[1])
    measured = float(metrics.mean_balanced_accuracy(LabelCounts(*(part.mean(axis=0) for part in counts))))
    columns = [label for label, holds in enumerate(case.targets.T) if holds.any() and not holds.all()]
    if not columns:
        assert np.isnan(measured)
        return
    each = [sklearn.balanced_accuracy_score(case.targets[:, k], case.predicted[:, k]) for k in columns]
    assert measured == pytest.approx(np.mean(each))
