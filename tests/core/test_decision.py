"""One rule decides which label is predicted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from textwright.core.decision import Decision
from textwright.core.labels import Labels, Task
from textwright.errors import SettingsError

BINARY = Labels(("no", "yes"))
TOPICS = Labels(("music", "plot", "acting"), Task.MULTI_LABEL)
ROWS = np.array([[0.8, 0.2], [0.75, 0.25], [0.4, 0.6], [0.5, 0.5]], dtype=np.float32)


def test_without_a_threshold_the_most_probable_label_is_chosen() -> None:
    assert Decision(BINARY).choose(ROWS).tolist() == [0, 0, 1, 0]
    assert Decision(BINARY).holds(ROWS).tolist() == [[True, False], [True, False], [False, True], [True, False]]


def test_one_of_two_labels_is_chosen_from_its_threshold_on() -> None:
    assert Decision(BINARY, thresholds={"yes": 0.25}).choose(ROWS).tolist() == [0, 1, 1, 1]
    assert Decision(BINARY, thresholds={"no": 0.8}).choose(ROWS).tolist() == [0, 1, 1, 1]
    assert Decision(BINARY, thresholds={"yes": 0.0}).choose(ROWS).tolist() == [1, 1, 1, 1]


def test_each_of_many_labels_has_its_own_threshold_or_the_common_one() -> None:
    rows = np.array([[0.5, 0.3, 0.3], [0.49, 0.9, 0.2]], dtype=np.float32)
    decision = Decision(TOPICS, thresholds={"acting": 0.3, "plot": 0.95})
    assert decision.holds(rows).tolist() == [[True, False, True], [False, False, False]]


@pytest.mark.parametrize(
    ("labels", "thresholds", "message"),
    [
        (BINARY, {"maybe": 0.5}, "a threshold for 'maybe'; labels: no, yes"),
        (BINARY, {"yes": 1.5}, "the threshold of 'yes' is 1.5; it must be a probability"),
        (BINARY, {"yes": float("nan")}, "it must be a probability"),
        (BINARY, {"yes": 0.5, "no": 0.5}, "thresholds for 2 of 2 labels"),
        (Labels(("a", "b", "c")), {"a": 0.5}, "thresholds for 1 of 3 labels"),
    ],
)
def test_thresholds_that_decide_nothing_are_refused(labels: Labels, thresholds: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Decision(labels, thresholds=thresholds)


def test_a_model_abstains_below_its_confidence() -> None:
    assert Decision(BINARY).abstains(ROWS).tolist() == [False] * 4
    decision = Decision(BINARY, min_confidence=0.75)
    assert decision.abstains(ROWS).tolist() == [False, False, True, True]
    assert decision.choose(ROWS).tolist() == Decision(BINARY).choose(ROWS).tolist()


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ({"labels": TOPICS, "min_confidence": 0.75}, "min_confidence is 0.75, but the task is multi-label"),
        ({"labels": BINARY, "thresholds": {"yes": 0.3}, "min_confidence": 0.75}, "there are thresholds of labels"),
    ],
)
def test_abstaining_that_decides_nothing_is_refused(decision: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Decision(**decision)


COSTS = {"a": {"a": 0, "b": 1, "c": 1}, "b": {"a": 10, "b": 0, "c": 1}, "c": {"a": 1, "b": 1, "c": 0}}


def test_costs_choose_the_label_of_the_lowest_expected_cost() -> None:
    rows = np.array([[0.8, 0.15, 0.05], [0.95, 0.05, 0.0], [0.1, 0.2, 0.7]], dtype=np.float32)
    # Predicting a costs 10 x P(b) + P(c), b costs P(a) + P(c), c costs P(a) + P(b).
    assert Decision(Labels(("a", "b", "c")), costs=COSTS).choose(rows).tolist() == [1, 0, 2]
    equal = {true: {name: float(name != true) for name in COSTS} for true in COSTS}
    assert Decision(Labels(("a", "b", "c")), costs=equal).choose(rows).tolist() == rows.argmax(axis=1).tolist()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": BINARY, "costs": COSTS}, "a cost for each pair of the labels no, yes"),
        ({"labels": Labels(("a", "b", "c")), "costs": COSTS, "min_confidence": 0.5}, "one rule decides"),
        ({"labels": Labels(("a", "b", "c"), Task.MULTI_LABEL), "costs": COSTS}, "one rule decides"),
    ],
)
def test_costs_that_do_not_fit_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Decision(**fields)


def test_confidence_is_the_highest_probability_of_one_label() -> None:
    rows = np.array([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05]], dtype=np.float32)
    assert Decision(Labels(("a", "b", "c"))).confidence(rows).tolist() == pytest.approx([0.5, 0.9])


def test_confidence_is_that_of_the_label_that_a_threshold_decides_for() -> None:
    rows = np.array([[0.7, 0.3], [0.8, 0.2]], dtype=np.float32)
    decision = Decision(Labels(("no", "yes")), thresholds={"yes": 0.25})
    assert decision.confidence(rows).tolist() == pytest.approx([0.3, 0.8])


def test_confidence_is_that_of_the_least_certain_yes_or_no_of_many() -> None:
    labels = Labels(("a", "b", "c"), Task.MULTI_LABEL)
    rows = np.array([[0.99, 0.02, 0.3], [0.6, 0.01, 0.01]], dtype=np.float32)
    assert Decision(labels).confidence(rows).tolist() == pytest.approx([0.7, 0.6])
    assert Decision(labels, 0.25).confidence(rows).tolist() == pytest.approx([0.3, 0.6])
    assert Decision(labels, thresholds={"c": 0.1}).confidence(rows).tolist() == pytest.approx([0.3, 0.6])
