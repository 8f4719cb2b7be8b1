"""Thresholds do on validation what they were chosen for, and what cannot be chosen is refused in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_curve

from textwright.core.labels import Labels, Task
from textwright.data.dataset import Dataset
from textwright.errors import DataError, SettingsError
from textwright.training.run import train
from textwright.training.settings import TrainSettings
from textwright.training.thresholds import choose_thresholds, fit_threshold, refuse_impossible_aim

BINARY = Labels(("no", "yes"))
TOPICS = Labels(("music", "plot", "acting"), Task.MULTI_LABEL)
SCORES = np.array([0.9, 0.8, 0.7, 0.4, 0.3, 0.3], dtype=np.float32)
HOLDS = np.array([True, True, False, True, False, True])


@given(st.integers(0, 2**32), st.integers(1, 60), st.sampled_from([0.0, 0.5, 0.9, 1.0]))
def test_no_other_threshold_does_better(seed: int, size: int, least: float) -> None:
    random = np.random.default_rng(seed)
    scores = (random.integers(0, 20, size) / 20).astype(np.float32)
    holds = random.random(size) < 0.3
    holds[0] = True
    chosen = fit_threshold(scores, holds, least)
    predicted = scores >= np.float32(chosen.threshold)
    assert (chosen.num_predicted, chosen.num_positives) == (predicted.sum(), holds.sum())
    assert chosen.precision == pytest.approx(holds[predicted].mean())
    assert chosen.recall == pytest.approx(predicted[holds].mean())
    assert chosen.f1 == pytest.approx(f1_score(holds, predicted))
    precision, recall, _ = (values[:-1] for values in (*precision_recall_curve(holds, scores)[:2], np.empty(1)))
    if least == 0:
        assert chosen.f1 == pytest.approx(max(f1_score(holds, scores >= score) for score in scores))
        return
    assert chosen.is_reached == (precision.max() >= least)
    best = recall[precision >= least] if chosen.is_reached else recall[precision == precision.max()]
    assert chosen.recall == pytest.approx(best.max())


def test_a_threshold_lies_between_two_scores() -> None:
    chosen = fit_threshold(SCORES, HOLDS)
    assert chosen.threshold == pytest.approx(0.0)  # all four of six: F1 0.8, and nothing below
    wanted = fit_threshold(SCORES, HOLDS, 0.75)
    assert (wanted.threshold, wanted.precision, wanted.recall) == (pytest.approx(0.35), 0.75, 0.75)


def test_a_precision_out_of_reach_keeps_the_most_precise_threshold_and_says_so() -> None:
    chosen = fit_threshold(SCORES, ~HOLDS, 0.9)
    assert (chosen.is_reached, chosen.precision, chosen.threshold) == (False, pytest.approx(1 / 3), pytest.approx(0.0))


def test_of_two_labels_the_rarer_one_has_a_threshold_unless_another_is_named() -> None:
    rows, targets = np.stack([1 - SCORES, SCORES], axis=1), HOLDS.astype(np.int64)
    aim = TrainSettings(maximize="f1")
    assert choose_thresholds(rows, targets, BINARY, TrainSettings(), targets) == {}
    assert list(choose_thresholds(rows, targets, BINARY, aim, np.array([0, 0, 1]))) == ["yes"]
    assert list(choose_thresholds(rows, targets, BINARY, aim, np.array([0, 1, 1]))) == ["no"]
    named = aim.model_copy(update={"positive_label": "yes"})
    assert choose_thresholds(rows, targets, BINARY, named, np.array([0, 1, 1])) == {"yes": fit_threshold(SCORES, HOLDS)}
    with pytest.raises(DataError, match="none of the 6 validation texts is labeled 'yes'"):
        choose_thresholds(rows, np.zeros(6, dtype=np.int64), BINARY, named, targets)


def test_each_of_many_labels_has_a_threshold_where_it_occurs_often_enough() -> None:
    scores, holds = np.tile(SCORES, 3), np.tile(HOLDS, 3)
    targets = np.stack([holds, ~holds, np.arange(18) < 4], axis=1)
    rows = np.stack([scores, scores, scores], axis=1)
    chosen = choose_thresholds(rows, targets, TOPICS, TrainSettings(precision_at_least=0.75), targets)
    assert chosen == {"music": fit_threshold(scores, holds, 0.75), "plot": fit_threshold(scores, ~holds, 0.75)}


@pytest.mark.parametrize(
    ("labels", "fields", "message"),
    [
        (BINARY, {"maximize": "f1", "precision_at_least": 0.9}, "maximize is 'f1' and precision_at_least is 0.9"),
        (BINARY, {"positive_label": "yes"}, "no threshold is chosen; add --maximize f1"),
        (BINARY, {"maximize": "f1", "positive_label": "Yes"}, "positive_label is 'Yes'; the labels are no, yes"),
        (TOPICS, {"maximize": "f1", "positive_label": "plot"}, "each label of a multi-label task has a threshold"),
        (
            Labels(("a", "b", "c")),
            {"precision_at_least": 0.9},
            "exactly one of 3 labels holds .*--class-weight",
        ),
    ],
)
def test_an_impossible_aim_is_refused(labels: Labels, fields: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        refuse_impossible_aim(TrainSettings(**fields), labels)


def test_training_chooses_on_validation_and_says_what_it_came_to(dataset: Dataset, tmp_path: Path) -> None:
    given = TrainSettings(
        family="bow", min_steps=0, num_epochs=1, precision_at_least=0.9, positive_label="positive", device="cpu"
    )
    model = train(dataset, given, {}, run_dir=tmp_path)
    assert list(model.thresholds) == ["positive"]
    told = model.summary["thresholds"]["positive"]
    assert told["num_positives"] == (dataset.validation.targets == 1).sum()
    assert 0 <= told["threshold"] == model.thresholds["positive"].threshold <= 1
    three = replace(dataset, labels=Labels(("negative", "positive", "neutral")))
    with pytest.raises(SettingsError, match="exactly one of 3 labels holds"):
        train(three, given, {}, run_dir=tmp_path / "three")
