"""Which metrics belong to which task: what is taken from each example, and what is made of the means.

The names here are the names in JSON, in the manifest, in the report and in the model card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from textwright.core import metrics
from textwright.core.labels import Task
from textwright.core.metrics import LabelCounts
from textwright.core.percent import percent
from textwright.core.types import Floats
from textwright.evaluate.predictions import LabeledPredictions

Name: TypeAlias = tuple[str | int, str]
"""Group and metric, for example ("overall", "accuracy") or (3, "recall")."""

OVERALL: Final = "overall"
AS_TRAINED: Final = "as trained"
_WRONG: Final = "wrong_decisions"
"""Counted for multi-label tasks alone."""


class Metric(NamedTuple):
    """A metric of a whole evaluation.

    Args:
        title: What people call it.
        meaning: What it says, in one line.
        of_means: From means of :func:`numbers`, (R, D), and of the label counts, (R, K), to its values, (R,); None for
            a metric of the ranking, which ``core.ranking`` measures for each label.
        task: The task that has it; None for both.
        is_error: Whether lower is better.
    """

    title: str
    meaning: str
    of_means: Callable[[Mapping[str, Floats], LabelCounts], Floats] | None
    task: Task | None = None
    is_error: bool = False


METRICS: Final[Mapping[str, Metric]] = {
    "accuracy": Metric(
        "Accuracy", "Share of texts whose label is right.", lambda means, _: means["correct"][:, 0], Task.SINGLE_LABEL
    ),
    "exact_match": Metric(
        "Exact match",
        "Share of texts whose labels are all right, with none missing and none too many.",
        lambda means, _: means["correct"][:, 0],
        Task.MULTI_LABEL,
    ),
    "balanced_accuracy": Metric(
        "Balanced accuracy",
        "Mean over labels of recall, rare labels as heavy as frequent ones; of a multi-label task, mean over labels of "
        "the recall of yes and of no.",
        lambda means, counts: (
            metrics.mean_balanced_accuracy(counts) if _WRONG in means else metrics.balanced_accuracy(counts)
        ),
    ),
    "macro_f1": Metric(
        "Macro F1",
        "Mean over labels of F1, rare labels as heavy as frequent ones.",
        lambda _, counts: metrics.macro_f1(counts),
    ),
    "micro_f1": Metric(
        "Micro F1",
        "F1 of all single decisions together.",
        lambda _, counts: metrics.micro_f1(counts),
        Task.MULTI_LABEL,
    ),
    "hamming_loss": Metric(
        "Hamming loss",
        "Share of single decisions that are wrong; 0 is perfect.",
        lambda means, _: means[_WRONG][:, 0],
        Task.MULTI_LABEL,
        is_error=True,
    ),
    "roc_auc": Metric(
        "ROC-AUC",
        "Chance that a text with a label gets a higher probability of it than one without; mean over labels, 0.5 by "
        "chance. No threshold is involved.",
        None,
    ),
    "pr_auc": Metric(
        "PR-AUC",
        "Average precision: area under precision against recall; mean over labels, by chance a label's share of the "
        "texts. No threshold is involved.",
        None,
    ),
    "brier_score": Metric(
        "Brier score",
        "Squared distance of the probabilities from the truth; 0 is perfect.",
        lambda means, _: means["brier_score"][:, 0],
        is_error=True,
    ),
    "log_loss": Metric(
        "Log loss",
        "Surprise at the truth, in nats; 0 is perfect.",
        lambda means, _: means[f"{OVERALL}/log_loss"][:, 0],
        is_error=True,
    ),
    "calibration_error": Metric(
        "Calibration error",
        "Mean distance between stated probability and observed frequency, 15 bins; 0 is perfect.",
        lambda means, _: metrics.expected_calibration_error(means[f"{OVERALL}/gaps"]),
        is_error=True,
    ),
}
"""Every metric, in the order in which they are shown; the first of a task is its primary metric.

A new metric is a function in ``core.metrics`` (of the ranking in ``core.ranking``) and a row here: JSON, manifest,
model card, page, terminal and notebook show what stands here.
"""

_IN_PERCENT: Final = frozenset({"accuracy", "exact_match", "balanced_accuracy"})

TITLES: Final = {name: metric.title for name, metric in METRICS.items()}
LOWER_IS_BETTER: Final = frozenset(name for name, metric in METRICS.items() if metric.is_error)


def primary_metric(task: Task) -> str:
    """Name the metric that ranks models of a task: "accuracy", or "exact_match" for several labels."""
    return next(name for name, metric in METRICS.items() if metric.task in (None, task))


def shown(metric: str, *values: float) -> str:
    """Write values of a metric for people, as "0.8123" or "75.2 to 80.5 %"; accuracies are percentages.

    Args:
        metric: One of :data:`TITLES`.
        values: The metric's value, or both ends of its interval.
    """
    if metric in _IN_PERCENT:
        return percent(*values)
    return " to ".join(f"{value:.4f}" for value in values)


def numbers(predictions: LabeledPredictions) -> dict[str, Floats]:
    """Take from each example the few numbers whose means make every metric.

    Args:
        predictions: N observations.

    Returns:
        Name -> numbers, (N, D).
    """
    counts = metrics.label_counts(predictions.targets, predictions.predicted, predictions.num_labels)
    statistics = {
        "correct": predictions.correct[:, None].astype(np.float64),
        **counts._asdict(),
        "brier_score": metrics.brier_scores(predictions.targets, predictions.probabilities)[:, None],
    }
    for side, probabilities in ((OVERALL, predictions.probabilities), (AS_TRAINED, predictions.uncalibrated)):
        statistics[f"{side}/log_loss"] = metrics.log_losses(predictions.targets, probabilities)[:, None]
        statistics[f"{side}/gaps"] = metrics.calibration_gaps(*predictions.claims(probabilities))
    if predictions.targets.ndim == 2:
        statistics[_WRONG] = metrics.wrong_decisions(predictions.targets, predictions.predicted)[:, None]
    return statistics


def measure(means: Mapping[str, Floats]) -> dict[Name, Floats]:
    """Make every metric from means of :func:`numbers`.

    Args:
        means: Name -> means, (R, D).

    Returns:
        (group, metric) -> values, (R,). The groups are ``OVERALL``, its primary metric first; ``AS_TRAINED``, what a
        temperature changes, at temperature 1; and each label index.
    """
    counts = LabelCounts(means["hits"], means["predicted"], means["actual"])
    task = Task.MULTI_LABEL if _WRONG in means else Task.SINGLE_LABEL
    measured: dict[Name, Floats] = {
        (OVERALL, name): metric.of_means(means, counts)
        for name, metric in METRICS.items()
        if metric.of_means is not None and metric.task in (None, task)
    }
    measured[AS_TRAINED, "log_loss"] = means[f"{AS_TRAINED}/log_loss"][:, 0]
    measured[AS_TRAINED, "calibration_error"] = metrics.expected_calibration_error(means[f"{AS_TRAINED}/gaps"])
    for of_label in (metrics.precision, metrics.recall, metrics.f1):
        measured |= {(index, of_label.__name__): values for index, values in enumerate(of_label(counts).T)}
    return measured
