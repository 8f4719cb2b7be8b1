"""An evaluation says what the shipped predictor does, number by number."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from textwright.core.labels import Labels
from textwright.data.dataset import Examples
from textwright.errors import DataError
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.measure import evaluate, score_bins
from textwright.evaluate.scores import METRICS
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor

SINGLE = Examples(
    ["a good film", "the film is bad", "good", "awful", "great", "bad bad good", "a film"],
    np.array([1, 0, 0, 0, 1, 1, 0]),
)
MULTI = Examples(
    ["song", "the story and song", "actor", "the"],
    np.array([[True, False, False], [True, True, True], [False, False, True], [False, True, False]]),
)


@pytest.fixture
def predictor(tiny_artifact: Path) -> Predictor:
    return load(tiny_artifact, num_threads=1)


@pytest.fixture
def multilabel_predictor(tiny_multilabel_artifact: Path) -> Predictor:
    return load(tiny_multilabel_artifact, num_threads=1)


def test_single_label_by_hand(predictor: Predictor) -> None:
    evaluation = evaluate(predictor, SINGLE, source="seven.csv", split="test")
    # "good" is called positive and "bad bad good" negative; both are wrong. A tie goes to the first label.
    assert evaluation.primary_metric == "accuracy"
    assert evaluation.metrics["accuracy"].value == pytest.approx(5 / 7)
    assert evaluation.confusion == [[3, 1], [1, 2]]
    assert (evaluation.num_examples, evaluation.num_mistakes, evaluation.num_truncated) == (7, 2, 0)
    positive = evaluation.per_label[1]
    assert (positive.label, positive.support, positive.num_predicted) == ("positive", 3, 3)
    assert positive.precision.value == positive.recall.value == positive.f1.value == pytest.approx(2 / 3)


def test_one_label_alone_is_no_test(predictor: Predictor, multilabel_predictor: Predictor) -> None:
    positives = SINGLE.take(np.flatnonzero(SINGLE.targets == 1))
    (warning,) = evaluate(predictor, positives).warnings
    assert warning.startswith("all 3 texts are labeled 'positive'")
    assert evaluate(predictor, positives).to_json()["warnings"] == [warning]
    assert evaluate(predictor, SINGLE).warnings == ()
    assert evaluate(multilabel_predictor, MULTI.take(np.array([0]))).warnings == ()


def test_multi_label_by_hand(multilabel_predictor: Predictor) -> None:
    evaluation = evaluate(multilabel_predictor, MULTI)
    assert evaluation.primary_metric == "exact_match"
    assert evaluation.metrics["exact_match"].value == 0.5
    assert evaluation.metrics["hamming_loss"].value == pytest.approx(2 / 12)
    assert evaluation.metrics["micro_f1"].value == pytest.approx(2 * 4 / (4 + 6))
    assert evaluation.confusion[1] == [[2, 0], [1, 1]]  # the plot was missed once, never made up
    assert {(item.actual, item.predicted) for item in evaluation.worst} == {
        (("music", "plot", "acting"), ("music", "plot")),
        (("plot",), ()),
    }


def test_numbers_are_those_of_what_is_served(predictor: Predictor) -> None:
    predictions = predictor.predict(SINGLE.texts)
    right = [
        item.label == predictor.labels.names[target] for item, target in zip(predictions, SINGLE.targets, strict=True)
    ]
    losses = [
        -np.log(item.probabilities[predictor.labels.names[target]])
        for item, target in zip(predictions, SINGLE.targets, strict=True)
    ]
    measured = evaluate(predictor, SINGLE).metrics
    assert measured["accuracy"].value == pytest.approx(np.mean(right))
    assert measured["log_loss"].value == pytest.approx(np.mean(losses))


def test_what_a_threshold_decides_is_measured(make_artifact: Callable[..., Path], predictor: Predictor) -> None:
    strict = evaluate(load(make_artifact("strict", thresholds={"positive": 0.999}), num_threads=1), SINGLE)
    assert strict.thresholds == strict.to_json()["thresholds"] == {"positive": 0.999}
    assert strict.confusion == [[4, 0], [3, 0]]
    assert strict.metrics["accuracy"].value == pytest.approx(4 / 7)
    assert strict.metrics["roc_auc"] == evaluate(predictor, SINGLE).metrics["roc_auc"]
    assert min(item.confidence for item in strict.worst) < 0.5  # of the label that was given


def test_abstaining_changes_coverage_and_no_other_number(tiny_abstaining_artifact: Path, predictor: Predictor) -> None:
    abstaining, plain = load(tiny_abstaining_artifact, num_threads=1), evaluate(predictor, SINGLE)
    measured = evaluate(abstaining, SINGLE)
    assert (measured.metrics, measured.confusion, measured.coverage) == (plain.metrics, plain.confusion, plain.coverage)
    assert (plain.abstention, plain.to_json()["abstention"]) == (None, None)
    said = abstaining.predict(SINGLE.texts)
    wrong = [
        item.label != predictor.labels.names[target]
        for item, target in zip(said, SINGLE.targets, strict=True)
        if item.label
    ]
    scores = measured.abstention
    assert scores is not None
    assert 0 < len(wrong) < len(said)
    assert (scores.num_answered, scores.num_wrong) == (len(wrong), sum(wrong))
    assert scores.coverage.value == pytest.approx(len(wrong) / len(said))
    assert measured.to_json()["abstention"]["error_rate"]["value"] == pytest.approx(np.mean(wrong))


def test_costs_are_measured_beside_those_of_the_most_probable_label(make_artifact: Callable[..., Path]) -> None:
    costs = {"negative": {"negative": 0, "positive": 9}, "positive": {"negative": 1, "positive": 0}}
    measured = evaluate(load(make_artifact("careful", costs=costs), num_threads=1), SINGLE)
    scores = measured.costs
    assert scores is not None
    (_, false_positives), (false_negatives, _) = measured.confusion
    assert scores.mean_cost.value == pytest.approx((9 * false_positives + false_negatives) / 7)
    assert scores.of_most_probable.value == pytest.approx((9 * 1 + 1) / 7)  # test_single_label_by_hand
    assert scores.difference.value == pytest.approx(scores.mean_cost.value - scores.of_most_probable.value)
    assert measured.to_json()["costs"]["mean_cost"]["value"] == scores.mean_cost.value


def test_a_model_that_abstains_from_every_text_has_no_error_rate(make_artifact: Callable[..., Path]) -> None:
    scores = evaluate(load(make_artifact("mute", min_confidence=1.0), num_threads=1), SINGLE).abstention
    assert scores is not None
    assert (scores.num_answered, scores.coverage.value, scores.error_rate) == (0, 0.0, None)


def test_texts_out_of_distribution_are_counted_apart(make_artifact: Callable[..., Path]) -> None:
    folder = make_artifact("unlike", training_texts=["the film is good", "the film is bad"] * 9 + ["awful"])
    predictor = load(folder, num_threads=1)
    scores = evaluate(predictor, SINGLE).abstention
    rejected = [item.out_of_distribution for item in predictor.predict(SINGLE.texts)]
    assert scores is not None
    assert 0 < scores.num_out_of_distribution == sum(rejected) < len(rejected)  # type: ignore[operator]
    assert scores.num_answered == len(rejected) - sum(rejected)
    assert scores.min_confidence == 0.0


@pytest.mark.parametrize(("model", "examples"), [("predictor", SINGLE), ("multilabel_predictor", MULTI)])
def test_the_coverage_curve_ends_with_all_texts(request: pytest.FixtureRequest, model: str, examples: Examples) -> None:
    evaluation = evaluate(request.getfixturevalue(model), examples)
    curve = evaluation.coverage
    assert curve is not None
    assert (curve.coverage[-1], curve.accuracy[-1]) == (1.0, round(1 - evaluation.num_mistakes / len(examples), 4))
    assert list(curve.coverage) == sorted(set(curve.coverage))
    assert list(curve.min_confidence) == sorted(curve.min_confidence, reverse=True)


def test_imbalance_is_measured_apart_from_accuracy(predictor: Predictor, multilabel_predictor: Predictor) -> None:
    evaluation = evaluate(predictor, SINGLE)
    probabilities = [item.probabilities["positive"] for item in predictor.predict(SINGLE.texts)]
    assert evaluation.metrics["balanced_accuracy"].value == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert evaluation.metrics["roc_auc"].value == pytest.approx(roc_auc_score(SINGLE.targets, probabilities))
    positive = evaluation.per_label[1]
    assert positive.pr_auc is not None
    assert positive.pr_auc.value == pytest.approx(average_precision_score(SINGLE.targets, probabilities))
    probabilities = [list(item.probabilities.values()) for item in multilabel_predictor.predict(MULTI.texts)]
    metrics = evaluate(multilabel_predictor, MULTI).metrics
    assert metrics["roc_auc"].value == pytest.approx(roc_auc_score(MULTI.targets, probabilities, average="macro"))
    assert metrics["pr_auc"].value == pytest.approx(average_precision_score(MULTI.targets, probabilities))


def test_more_than_two_labels_are_ranked_one_against_the_rest(make_artifact: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    names = ("bad", "fair", "good")
    words = {f"w{index}": tuple(random.normal(0, 2, 3).tolist()) for index in range(20)}
    path = make_artifact("three", labels=Labels(names), words=words)
    texts = [" ".join(random.choice(list(words), 3)) for _ in range(300)]
    targets = random.integers(0, 3, 300)
    model = load(path, num_threads=1)
    evaluation = evaluate(model, Examples(texts, targets))
    probabilities = np.array([[item.probabilities[name] for name in names] for item in model.predict(texts)])
    assert evaluation.metrics["roc_auc"].value == pytest.approx(
        roc_auc_score(targets, probabilities, multi_class="ovr", average="macro"), abs=1e-6
    )
    holds = np.eye(3, dtype=bool)[targets]
    expected = average_precision_score(holds, probabilities, average=None)
    assert [row.pr_auc.value for row in evaluation.per_label if row.pr_auc] == pytest.approx(expected, abs=1e-6)
    assert evaluation.metrics["pr_auc"].value == pytest.approx(np.mean(expected), abs=1e-6)


def test_every_metric_belongs_to_a_row(predictor: Predictor, multilabel_predictor: Predictor) -> None:
    for model, examples in ((predictor, SINGLE), (multilabel_predictor, MULTI)):
        task = model.labels.task
        expected = [name for name, metric in METRICS.items() if metric.task in (None, task)]
        assert list(evaluate(model, examples).metrics) == expected


def test_a_metric_that_is_not_defined_is_left_out(predictor: Predictor) -> None:
    evaluation = evaluate(predictor, SINGLE.take(np.flatnonzero(SINGLE.targets == 1)))
    assert "roc_auc" not in evaluation.metrics
    assert evaluation.metrics["pr_auc"].value == 1.0
    assert [row.pr_auc is None for row in evaluation.per_label] == [True, False]
    assert "NaN" not in json.dumps(evaluation.to_json())


def test_every_interval_holds_its_value(predictor: Predictor, multilabel_predictor: Predictor) -> None:
    for evaluation in (evaluate(predictor, SINGLE), evaluate(multilabel_predictor, MULTI)):
        per_label = [part for row in evaluation.per_label for part in (row.precision, row.recall, row.f1)]
        for interval in [*evaluation.metrics.values(), *per_label, evaluation.before.log_loss]:
            assert interval.low <= interval.value <= interval.high
        primary_metric = evaluation.metrics[evaluation.primary_metric]
        assert primary_metric.low < primary_metric.value < primary_metric.high


def test_temperature_is_shown_before_and_after(make_artifact: Callable[..., Path]) -> None:
    cooled = evaluate(load(make_artifact("cooled", temperature=0.5), num_threads=1), SINGLE)
    plain = evaluate(load(make_artifact("plain"), num_threads=1), SINGLE)
    assert (cooled.before.temperature, cooled.after.temperature) == (1.0, 0.5)
    assert cooled.before.log_loss == plain.after.log_loss
    assert cooled.after.log_loss == cooled.metrics["log_loss"] != cooled.before.log_loss
    assert cooled.after.calibration_error == cooled.metrics["calibration_error"]
    assert cooled.metrics["accuracy"] == plain.metrics["accuracy"]


def test_calibration_error_is_the_gap_of_its_bins(predictor: Predictor, multilabel_predictor: Predictor) -> None:
    for evaluation in (evaluate(predictor, SINGLE), evaluate(multilabel_predictor, MULTI)):
        for calibration in (evaluation.before, evaluation.after):
            total = sum(item.count for item in calibration.bins)
            gaps = [abs(item.num_true - item.count * item.mean_score) for item in calibration.bins]
            assert calibration.calibration_error.value == pytest.approx(sum(gaps) / total)
        assert sum(item.count for item in evaluation.histogram) == sum(item.count for item in evaluation.after.bins)


def test_worst_mistakes_come_first(predictor: Predictor) -> None:
    surest, other = evaluate(predictor, SINGLE).worst
    assert (surest.position, surest.text) == (3, "good")
    assert (surest.actual, surest.predicted) == (("negative",), ("positive",))
    assert surest.confidence == pytest.approx(predictor.predict(["good"])[0].confidence)
    assert surest.confidence > other.confidence


def test_long_texts_are_counted_as_truncated_and_shown_in_part(predictor: Predictor) -> None:
    texts = ["good " * 500, "bad", "good"]
    evaluation = evaluate(predictor, Examples(texts, np.array([0, 0, 1])))
    assert evaluation.num_truncated == 1
    assert evaluation.by_length[-1].longest == predictor.artifact.manifest.max_length
    assert len(evaluation.worst[0].text) == 500
    assert evaluation.worst[0].text.endswith("…")


def test_texts_that_were_cut_are_measured_beside_the_others(predictor: Predictor) -> None:
    evaluation = evaluate(predictor, Examples(["good " * 500, "bad", "good"], np.array([0, 0, 1])))
    whole, cut = evaluation.by_truncation
    assert (whole.truncated, whole.count, whole.accuracy.value) == (False, 2, 1.0)
    assert (cut.truncated, cut.count, cut.accuracy.value) == (True, 1, 0.0)
    assert evaluation.to_json()["by_truncation"][1]["count"] == 1
    assert evaluate(predictor, SINGLE).by_truncation == ()


def test_length_bins_share_out_all_texts(predictor: Predictor) -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(["good"] * length) for length in random.integers(0, 16, 400)]
    evaluation = evaluate(predictor, Examples(texts, np.ones(400, dtype=np.int64)), num_resamples=0)
    bins = evaluation.by_length
    assert sum(item.count for item in bins) == 400
    assert 4 <= len(bins) <= 8
    assert min(item.count for item in bins) >= 20
    assert all(left.longest < right.shortest for left, right in itertools.pairwise(bins))
    assert (bins[0].shortest, bins[-1].longest) == (0, 15)


def test_json_is_strict_and_holds_the_metrics(predictor: Predictor, multilabel_predictor: Predictor) -> None:
    for evaluation in (evaluate(predictor, SINGLE), evaluate(multilabel_predictor, MULTI)):
        content = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
        assert set(content["metrics"][evaluation.primary_metric]) == {"value", "low", "high"}
        assert set(content["calibration"]) == {"before", "after"}
        assert content["labels"] == list(evaluation.labels.names)


def test_the_same_call_gives_the_same_evaluation(predictor: Predictor) -> None:
    assert evaluate(predictor, SINGLE) == evaluate(predictor, SINGLE)


def test_progress_counts_every_text(predictor: Predictor) -> None:
    steps: list[int] = []
    examples = Examples(["good"] * 5_000, np.ones(5_000, dtype=np.int64))
    evaluate(predictor, examples, num_resamples=0, progress=steps.append)
    assert sum(steps) == 5_000
    assert len(steps) > 1


def test_few_right_answers_are_no_certainty(predictor: Predictor) -> None:
    evaluation: Evaluation = evaluate(predictor, Examples(["good"] * 3, np.array([1, 1, 1])))
    negative, positive = evaluation.per_label
    for share in (evaluation.metrics["accuracy"], positive.precision, positive.recall):
        assert (share.value, share.high) == (1.0, 1.0)
        assert share.low == pytest.approx(0.4385, abs=1e-4)  # Wilson for 3 of 3
    assert (negative.support, negative.recall.value) == (0, 0.0)
    assert evaluation.worst == ()


def test_nothing_to_measure_is_refused(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="no examples to measure"):
        evaluate(predictor, Examples([], np.array([], dtype=np.int64)))


def test_targets_of_another_task_are_refused(predictor: Predictor, multilabel_predictor: Predictor) -> None:
    with pytest.raises(DataError, match="single-label with 2 labels"):
        evaluate(predictor, MULTI)
    with pytest.raises(DataError, match="multi-label with 3 labels"):
        evaluate(multilabel_predictor, SINGLE)


def test_many_labels(make_artifact: Callable[..., Path]) -> None:
    names = tuple(f"label{index}" for index in range(77))
    words = {f"word{index}": tuple(5.0 * (np.arange(77) == index)) for index in range(77)}
    predictor = load(make_artifact("many", labels=Labels(names), words=words), num_threads=1)
    evaluation = evaluate(predictor, Examples([f"word{index}" for index in range(77)], np.arange(77)), num_resamples=10)
    assert evaluation.metrics["accuracy"].value == 1.0
    assert len(evaluation.per_label) == len(evaluation.confusion) == 77


def test_score_bins_by_hand() -> None:
    low, high = score_bins(np.array([0.1, 0.3, 0.8], dtype=np.float32), np.array([True, False, True]), 2)
    assert (low.low, low.high, low.count, low.num_true) == (0.0, 0.5, 2, 1)
    assert low.mean_score == pytest.approx(0.2)
    assert (high.count, high.num_true) == (1, 1)
