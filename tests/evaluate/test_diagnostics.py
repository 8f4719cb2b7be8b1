"""Each thing that can be wrong with a fresh model gives one sentence, and a good model gives none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from textwright.data.dataset import Examples
from textwright.evaluate.baselines import MAJORITY, Baseline
from textwright.evaluate.diagnostics import TrainingFacts, diagnose
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.intervals import Interval
from textwright.evaluate.measure import evaluate
from textwright.runtime.loading import load

FINE = TrainingFacts(
    num_train=100,
    num_truncated=0,
    label_shares={"negative": 0.6, "positive": 0.4},
    validation_losses=[0.6, 0.5, 0.51],
    validation_accuracy=0.9,
    one_token_share=0.0,
    unknown_share=0.05,
    metadata={"tokens_with_vector": 0.98},
)
BEATEN = Baseline(MAJORITY, "", {"accuracy": 0.6}, Interval(0.2, 0.1, 0.3), 0.001, 0.0)
TIED = replace(BEATEN, difference=Interval(-0.01, -0.06, 0.04), p_value=0.8)


@pytest.fixture
def evaluation(tiny_artifact: Path) -> Evaluation:
    examples = Examples(["good", "bad", "great", "awful"] * 5, np.array([1, 0, 1, 0] * 5))
    return evaluate(load(tiny_artifact, num_threads=1), examples, num_resamples=0)


def calibrated(evaluation: Evaluation, temperature: float) -> Evaluation:
    return replace(evaluation, after=replace(evaluation.after, temperature=temperature))


def test_a_good_model_gives_no_sentence(evaluation: Evaluation) -> None:
    assert diagnose(evaluation, FINE, [BEATEN]) == ()
    assert diagnose(calibrated(evaluation, 0.06), replace(FINE, validation_accuracy=1.0), []) == ()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (
            {"validation_losses": [1.1, 1.0, 0.86]},
            r"stopped after 3 epochs while .* still falling \(1\.000 to 0\.860\)",
        ),
        ({"label_shares": {"spam": 0.04, "ham": 0.96}}, r"96\.0 % of the training texts are 'ham', so accuracy says"),
        ({"metadata": {"tokens_with_vector": 0.0}}, r"only 0 % of the training tokens have a word vector"),
        ({"one_token_share": 0.9}, r"90 % of the test texts are one token each .* no spaces between words"),
        ({"unknown_share": 0.4}, r"40 % of the test texts' tokens are unknown"),
        ({"num_truncated": 30}, r"30 of 100 training texts are longer than the 16 tokens .* raise --max-length"),
    ],
)
def test_a_fact_gives_its_sentence_alone(evaluation: Evaluation, facts: dict, expected: str) -> None:
    (sentence,) = diagnose(evaluation, replace(FINE, **facts), [BEATEN])
    assert re.search(expected, sentence)


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [(0.09, "hardly separate the labels"), (15.0, "says nothing about whether it is right")],
)
def test_a_temperature_near_its_bound_says_what_it_means(
    evaluation: Evaluation, temperature: float, expected: str
) -> None:
    (sentence,) = diagnose(calibrated(evaluation, temperature), FINE, [BEATEN])
    assert expected in sentence
    assert f"{temperature:.2f}" in sentence


def test_one_answer_to_all_texts_is_said_first(evaluation: Evaluation) -> None:
    counts = (20, 0)
    rows = tuple(replace(row, num_predicted=num) for row, num in zip(evaluation.per_label, counts, strict=True))
    first, second = diagnose(replace(evaluation, per_label=rows), FINE, [TIED])
    assert first.startswith("the model answers 'negative' to all 20 test texts")
    assert "no better than always the most frequent label: the difference is -1.0 points" in second


def test_too_few_test_texts_to_beat_the_majority_are_said(evaluation: Evaluation) -> None:
    (sentence,) = diagnose(evaluation, FINE, [replace(TIED, difference=Interval(0.3, -0.02, 0.6))])
    assert sentence.startswith("20 test texts cannot show that the model is better than always the most frequent")


def test_a_model_that_gives_no_label_is_said(make_multilabel: Callable[[], Evaluation]) -> None:
    sentences = diagnose(make_multilabel(), replace(FINE, label_shares={}), [])
    assert sentences[0].startswith("the model gives no label to any of the 2 test texts")


@pytest.fixture
def make_multilabel(tiny_multilabel_artifact: Path) -> Callable[[], Evaluation]:
    def make() -> Evaluation:
        examples = Examples(["song", "actor"], np.array([[True, False, False], [False, False, True]]))
        found = evaluate(load(tiny_multilabel_artifact, num_threads=1), examples, num_resamples=0)
        return replace(found, per_label=tuple(replace(row, num_predicted=0) for row in found.per_label))

    return make
