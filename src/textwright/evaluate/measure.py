"""From a predictor and labeled texts to an :class:`Evaluation`; called by the pipeline and the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from textwright.core import metrics
from textwright.core.labels import Labels
from textwright.core.metrics import NUM_CALIBRATION_BINS
from textwright.core.ranking import Ranking
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.dataset import Examples
from textwright.evaluate import scores
from textwright.evaluate.baselines import compare_with_majority
from textwright.evaluate.behavior.suite import BehaviorTest, run_suite
from textwright.evaluate.costs import measure_costs
from textwright.evaluate.coverage import coverage_curve, measure_abstention
from textwright.evaluate.evaluation import (
    Calibration,
    Evaluation,
    LabelScores,
    LengthBin,
    MeasuredModel,
    Mistake,
    ScoreBin,
    ThresholdCurve,
    TruncationBin,
)
from textwright.evaluate.intervals import NUM_RESAMPLES, Interval, bootstrap, bootstrap_rankings, wilson
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.evaluate.scores import Name
from textwright.evaluate.slice_scores import measure_slices
from textwright.runtime.predictor import Predictor

__all__ = ["Evaluation", "evaluate", "evaluate_observations", "score_bins"]

_NUM_HISTOGRAM_BINS: Final = 20
_NUM_LENGTH_BINS: Final = 8
_NUM_WORST: Final = 25
_MAX_SHOWN_CHARACTERS: Final = 500
_MAX_CURVES: Final = 8
_MAX_CURVE_POINTS: Final = 100


def evaluate(
    predictor: Predictor,
    examples: Examples,
    *,
    source: str = "",
    split: str = "",
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
    slices: Mapping[str, Bools] | None = None,
    behavior: Mapping[str, BehaviorTest] | None = None,
) -> Evaluation:
    """Measure what is shipped on labeled texts.

    Args:
        predictor: The model, exactly as it is served.
        examples: N >= 1 labeled texts, with targets in the order of the predictor's labels.
        source: What the texts are called.
        split: Which part of the source they are.
        num_resamples: Bootstrap resamples behind each interval; 0 draws none.
        seed: Of the resamples.
        progress: Called with the number of texts predicted since the last call.
        slices: Name -> which texts are in a slice, (N,); None for no slices.
        behavior: Name -> behavioral test; None for none.

    Returns:
        Metrics with 95 % intervals, and what a report shows beside them.

    Raises:
        DataError: If there is no example, or if the targets are not of the predictor's task.
        BackendError: If the engine fails.
    """
    predictions = observe(predictor, examples, progress)
    evaluation = evaluate_observations(
        predictor, examples, predictions, source=source, split=split, num_resamples=num_resamples, seed=seed
    )
    return replace(
        evaluation,
        majority=replace(compare_with_majority(predictions, examples, predictor.labels), seconds=0.0),
        slices=measure_slices(slices or {}, predictions.correct),
        behavior=run_suite(predictor, behavior or {}, examples.texts),
    )


def evaluate_observations(
    predictor: Predictor,
    examples: Examples,
    predictions: LabeledPredictions,
    *,
    source: str = "",
    split: str = "",
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Measure what a predictor said already, where that is needed for more than the evaluation.

    Args:
        predictor: What said it.
        examples: N >= 1 labeled texts.
        predictions: What it said of them, in order.
        source: What the texts are called.
        split: Which part of the source they are.
        num_resamples: As for :func:`evaluate`.
        seed: Of the resamples.
    """
    measured = bootstrap(scores.numbers(predictions), scores.measure, num_resamples=num_resamples, seed=seed)
    holds = metrics.one_column_each(predictions.targets, predictions.num_labels)
    rankings, mean_ranking = bootstrap_rankings(
        predictions.probabilities, holds, num_resamples=num_resamples, seed=seed
    )
    overall = _in_order({**_group(measured, scores.OVERALL), **mean_ranking})
    primary_metric = next(iter(overall))
    overall[primary_metric] = _never_certain(overall[primary_metric], len(examples))
    manifest = predictor.artifact.manifest
    return Evaluation(
        model=MeasuredModel(
            manifest.name, manifest.family, predictor.variant, predictor.artifact.version, manifest.max_length
        ),
        labels=predictor.labels,
        source=source,
        split=split,
        num_examples=len(examples),
        num_mistakes=int((~predictions.correct).sum()),
        num_truncated=int(predictions.truncated.sum()),
        threshold=manifest.threshold,
        metrics=overall,
        per_label=_label_scores(predictions, predictor.labels, measured, rankings),
        confusion=metrics.confusion_matrix(predictions.targets, predictions.predicted, predictions.num_labels).tolist(),
        before=_calibration(1.0, predictions, predictions.uncalibrated, _group(measured, scores.AS_TRAINED)),
        after=_calibration(manifest.temperature, predictions, predictions.probabilities, overall),
        histogram=score_bins(*predictions.claims(predictions.probabilities), _NUM_HISTOGRAM_BINS),
        by_length=_by_length(predictions.lengths, predictions.correct),
        worst=tuple(_worst(predictions, examples, predictor.labels)),
        by_truncation=_by_truncation(predictions.truncated, predictions.correct),
        thresholds=dict(manifest.thresholds),
        curves=_curves(predictions.probabilities, holds, predictor.labels),
        coverage=coverage_curve(predictions),
        abstention=measure_abstention(manifest.decision, predictions, _rejected(predictor, examples)),
        costs=measure_costs(manifest.decision, predictions, num_resamples=num_resamples, seed=seed),
    )


def _rejected(predictor: Predictor, examples: Examples) -> Bools | None:
    """Tell which texts the model leaves out of distribution; None if it asks no such question."""
    if not predictor.artifact.manifest.out_of_distribution:
        return None
    return predictor.out_of_distribution(predictor.encode(examples.texts))


def score_bins(claimed: Float32s, outcomes: Bools, num_bins: int) -> tuple[ScoreBin, ...]:
    """Gather claims of like probability.

    Args:
        claimed: Probabilities, of any shape.
        outcomes: Whether each claim came true, of the same shape.
        num_bins: Bins of equal width over [0, 1], >= 1.

    Returns:
        All ``num_bins`` bins, empty ones too.
    """
    bins = metrics.calibration_bins(claimed, num_bins).ravel()
    counts = np.bincount(bins, minlength=num_bins)
    num_true = np.bincount(bins, outcomes.ravel(), minlength=num_bins).astype(np.int64)
    means = np.bincount(bins, claimed.ravel(), minlength=num_bins) / np.maximum(counts, 1)
    edges = np.arange(num_bins + 1) / num_bins
    rows = zip(*(column.tolist() for column in (edges[:-1], edges[1:], counts, num_true, means)), strict=True)
    return tuple(ScoreBin(*row) for row in rows)


def _group(measured: Mapping[Name, Interval], group: str) -> dict[str, Interval]:
    return {metric: interval for (its_group, metric), interval in measured.items() if its_group == group}


def _calibration(
    temperature: float, predictions: LabeledPredictions, probabilities: Float32s, measured: Mapping[str, Interval]
) -> Calibration:
    bins = score_bins(*predictions.claims(probabilities), NUM_CALIBRATION_BINS)
    return Calibration(temperature, measured["log_loss"], measured["calibration_error"], bins)


def _in_order(measured: Mapping[str, Interval]) -> dict[str, Interval]:
    return {name: measured[name] for name in scores.TITLES if name in measured}


def _label_scores(
    predictions: LabeledPredictions,
    labels: Labels,
    measured: Mapping[Name, Interval],
    rankings: Sequence[Mapping[str, Interval]],
) -> tuple[LabelScores, ...]:
    counts = metrics.label_counts(predictions.targets, predictions.predicted, len(labels))
    support, num_predicted = (part.sum(axis=0).astype(int).tolist() for part in (counts.actual, counts.predicted))
    return tuple(
        LabelScores(
            name,
            support[index],
            num_predicted[index],
            precision=_never_certain(measured[index, "precision"], num_predicted[index]),
            recall=_never_certain(measured[index, "recall"], support[index]),
            f1=measured[index, "f1"],
            roc_auc=rankings[index].get("roc_auc"),
            pr_auc=rankings[index].get("pr_auc"),
        )
        for index, name in enumerate(labels.names)
    )


def _curves(probabilities: Float32s, holds: Bools, labels: Labels) -> tuple[ThresholdCurve, ...]:
    """Give the curves of the labels that some examples have and some have not, in order."""
    support = holds.sum(axis=0)
    frequent = np.argsort(-support, kind="stable")[:_MAX_CURVES]
    return tuple(
        ThresholdCurve(labels.names[index], *(tuple(row) for row in curve.round(4).tolist()))
        for index in sorted(frequent.tolist())
        if 0 < support[index] < len(holds)
        for curve in [Ranking.of(probabilities[:, index], holds[:, index]).curve(_MAX_CURVE_POINTS)]
    )


def _never_certain(share: Interval, count: int) -> Interval:
    """Give a share of exactly 0 or 1 its Wilson interval: all resamples of such examples are alike."""
    if share.value not in (0.0, 1.0) or not count:
        return share
    (interval,) = wilson(np.array([round(share.value * count)]), np.array([count]))
    return interval


def _by_length(lengths: Ints, correct: Bools) -> tuple[LengthBin, ...]:
    """Cut the texts, sorted by length, at whole lengths into bins of about as many texts each."""
    cuts = np.unique(np.quantile(lengths, np.arange(1, _NUM_LENGTH_BINS) / _NUM_LENGTH_BINS, method="lower"))
    _, bins = np.unique(np.searchsorted(cuts, lengths), return_inverse=True)  # a bin holds one text at least
    counts, hits = np.bincount(bins), np.bincount(bins, correct).astype(np.int64)
    groups = [lengths[bins == index] for index in range(len(counts))]
    return tuple(
        LengthBin(int(group.min()), int(group.max()), len(group), interval)
        for group, interval in zip(groups, wilson(hits, counts), strict=True)
    )


def _by_truncation(truncated: Bools, correct: Bools) -> tuple[TruncationBin, ...]:
    """Measure texts that were read whole beside those that were cut, where there are any."""
    groups = [(flag, correct[truncated == flag]) for flag in (False, True) if truncated.any()]
    return tuple(
        TruncationBin(flag, len(group), wilson(np.array([group.sum()]), np.array([len(group)]))[0])
        for flag, group in groups
        if len(group)
    )


def _worst(predictions: LabeledPredictions, examples: Examples, labels: Labels) -> Iterator[Mistake]:
    confidence = _confidence_in_what_is_wrong(predictions)
    mistakes = np.flatnonzero(~predictions.correct)
    order = mistakes[np.argsort(-confidence[mistakes], kind="stable")][:_NUM_WORST]
    for index in order.tolist():
        yield Mistake(
            position=index + 1,
            text=_shortened(examples.texts[index]),
            actual=_names(predictions.targets[index], labels),
            predicted=_names(predictions.predicted[index], labels),
            confidence=float(confidence[index]),
        )


def _confidence_in_what_is_wrong(predictions: LabeledPredictions) -> Float32s:
    """Find the probability given to the wrong label, or to the most wrong yes or no of a multi-label text, (N,)."""
    if predictions.targets.ndim == 1:
        return predictions.of_predicted(predictions.probabilities)
    wrong = predictions.targets != predictions.predicted
    confidences = np.where(predictions.predicted, predictions.probabilities, 1 - predictions.probabilities)
    return np.asarray(np.where(wrong, confidences, 0).max(axis=1))


def _names(target: Ints | Bools, labels: Labels) -> tuple[str, ...]:
    indices = [int(target)] if target.ndim == 0 else np.flatnonzero(target).tolist()
    return tuple(labels.names[index] for index in indices)


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN_CHARACTERS else text[: _MAX_SHOWN_CHARACTERS - 1] + "…"
