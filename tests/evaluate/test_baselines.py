"""A model is called better, worse or not distinguishable by the paired test, in words that name the number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_data import make_dataset

from textwright.core.callbacks import Callback
from textwright.core.labels import Task
from textwright.evaluate.baselines import Baseline, compare_with_baselines, observations, verdict

DATASET = make_dataset()


def seen_with(right: np.ndarray, dataset=DATASET):
    """Observe a model that is right where asked."""
    said = observations(dataset.test, np.full((len(dataset.test), 2), 0.5, dtype=np.float32), dataset.labels)
    return replace(said, predicted=np.where(right, dataset.test.targets, 1 - dataset.test.targets))


def say(baselines: tuple[Baseline, ...], value: float, family: str = "bow") -> str:
    return verdict(baselines, metric="Accuracy", value=value, num_examples=60, family=family)


def test_a_perfect_model_beats_the_majority_and_ties_with_the_linear_one() -> None:
    stages: list[str] = []

    class Stages(Callback):
        def on_stage_begin(self, stage: str) -> None:
            stages.append(stage)

    baselines = compare_with_baselines(seen_with(np.ones(60, bool)), DATASET, callback=Stages())
    majority, linear = baselines
    assert majority.is_beaten
    assert not linear.is_distinguishable
    assert stages == ["fitting the baselines"]
    said = say(baselines, 1.0)
    assert said.startswith("On 60 test texts the model's accuracy is 100.0 %: ")
    assert "points above the most frequent label" in said
    assert "not distinguishable from the linear baseline tf-idf (100.0 %)" in said
    assert "--family linear or --family frozen-bert" in said
    assert say(baselines, 1.0, family="linear").endswith("could tell more.")


def test_a_poor_model_is_called_worse_and_says_what_to_try() -> None:
    baselines = compare_with_baselines(seen_with(np.arange(60) < 20), DATASET)
    assert baselines[1].is_better
    said = say(baselines, 1 / 3, family="frozen-bert")
    assert "66.7 points below the linear baseline" in said
    assert "A linear model does better. Try --family linear; or measure every family with textwright compare" in said


def test_the_majority_alone_costs_no_fit() -> None:
    (majority,) = compare_with_baselines(seen_with(np.ones(60, bool)), DATASET, linear=False)
    assert majority.metrics["accuracy"] == pytest.approx(np.bincount(DATASET.test.targets).max() / 60, abs=0.2)
    assert "Try" not in say((majority,), 1.0)


def test_a_multi_label_task_is_compared_by_exact_match() -> None:
    dataset = make_dataset(task=Task.MULTI_LABEL)
    said = observations(dataset.test, dataset.test.targets.astype(np.float32), dataset.labels)
    majority, linear = compare_with_baselines(said, dataset)
    assert next(iter(majority.metrics)) == "exact_match"
    assert majority.is_beaten
    assert linear.metrics["exact_match"] > 0.9


def test_it_is_read_back_as_it_was_written() -> None:
    for item in compare_with_baselines(seen_with(np.ones(60, bool)), DATASET, linear=False):
        assert Baseline.of_json(item.to_json()) == item
