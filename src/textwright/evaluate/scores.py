"""Which metrics belong to which task: what is taken from each example, and what is made of the means.

The names here are the names in JSON, in the manifest, in the report and in the model card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import numpy as np

from textwright.core import metrics
from textwright.core.metrics import LabelCounts
from textwright.core.types import Floats
from textwright.evaluate.observe import Observations

Name: TypeAlias = tuple[str | int, str]
"""Group and metric, for example ("overall", "accuracy") or (3, "recall")."""

OVERALL: Final = "overall"
AS_TRAINED: Final = "as trained"

TITLES: Final = {
    "accuracy": "Accuracy",
    "exact_match": "Exact match",
    "balanced_accuracy": "Balanced accuracy",
    "macro_f1": "Macro F1",
    "micro_f1": "Micro F1",
    "hamming_loss": "Hamming loss",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier_score": "Brier score",
    "log_loss": "Log loss",
    "calibration_error": "Calibration error",
}
"""What people call each metric, in the order in which they are shown."""

MEANINGS: Final = {
    "accuracy": "Share of texts whose label is right.",
    "exact_match": "Share of texts whose labels are all right, with none missing and none too many.",
    "balanced_accuracy": "Mean over labels of recall, rare labels as heavy as frequent ones; of a multi-label task, "
    "mean over labels of the recall of yes and of no.",
    "macro_f1": "Mean over labels of F1, rare labels as heavy as frequent ones.",
    "micro_f1": "F1 of all single decisions together.",
    "hamming_loss": "Share of single decisions that are wrong; 0 is perfect.",
    "roc_auc": "Chance that a text with a label gets a higher probability of it than one without; mean over labels, "
    "0.5 by chance. No threshold is involved.",
    "pr_auc": "Average precision: area under precision against recall; mean over labels, by chance a label's share of "
    "the texts. No threshold is involved.",
    "log_loss": "Surprise at the truth, in nats; 0 is perfect.",
    "brier_score": "Squared distance of the probabilities from the truth; 0 is perfect.",
    "calibration_error": "Mean distance between stated probability and observed frequency, 15 bins; 0 is perfect.",
}
"""What each metric says, in one line."""

_IN_PERCENT: Final = frozenset({"accuracy", "exact_match", "balanced_accuracy"})

LOWER_IS_BETTER: Final = frozenset({"hamming_loss", "log_loss", "brier_score", "calibration_error"})


def shown(metric: str, *values: float) -> str:
    """Write values of a metric for people, as "0.8123" or "75.2 to 80.5 %"; accuracies are percentages.

    Args:
        metric: One of :data:`TITLES`.
        values: The metric's value, or both ends of its interval.
    """
    if metric in _IN_PERCENT:
        return " to ".join(f"{100 * value:.1f}" for value in values) + " %"
    return " to ".join(f"{value:.4f}" for value in values)


def numbers(seen: Observations) -> dict[str, Floats]:
    """Take from each example the few numbers whose means make every metric.

    Args:
        seen: N observations.

    Returns:
        Name -> numbers, (N, D).
    """
    counts = metrics.label_counts(seen.targets, seen.predicted, seen.num_labels)
    found = {
        "correct": seen.correct[:, None].astype(np.float64),
        **counts._asdict(),
        "brier_score": metrics.brier_scores(seen.targets, seen.probabilities)[:, None],
    }
    for side, probabilities in ((OVERALL, seen.probabilities), (AS_TRAINED, seen.uncalibrated)):
        found[f"{side}/log_loss"] = metrics.log_losses(seen.targets, probabilities)[:, None]
        found[f"{side}/gaps"] = metrics.calibration_gaps(*seen.claims(probabilities))
    if seen.targets.ndim == 2:
        found["wrong_decisions"] = metrics.wrong_decisions(seen.targets, seen.predicted)[:, None]
    return found


def measure(means: Mapping[str, Floats]) -> dict[Name, Floats]:
    """Make every metric from means of :func:`numbers`.

    Args:
        means: Name -> means, (R, D).

    Returns:
        (group, metric) -> values, (R,). The groups are ``OVERALL``, its headline first; ``AS_TRAINED``, what a
        temperature changes, at temperature 1; and each label index.
    """
    counts = LabelCounts(means["hits"], means["predicted"], means["actual"])
    found: dict[Name, Floats] = {(OVERALL, name): values for name, values in _overall(means, counts).items()}
    for side in (OVERALL, AS_TRAINED):
        found[side, "log_loss"] = means[f"{side}/log_loss"][:, 0]
        found[side, "calibration_error"] = metrics.expected_calibration_error(means[f"{side}/gaps"])
    for metric in (metrics.precision, metrics.recall, metrics.f1):
        found |= {(index, metric.__name__): values for index, values in enumerate(metric(counts).T)}
    return found


def _overall(means: Mapping[str, Floats], counts: LabelCounts) -> dict[str, Floats]:
    correct, macro_f1, brier_score = means["correct"][:, 0], metrics.macro_f1(counts), means["brier_score"][:, 0]
    if "wrong_decisions" not in means:
        balanced = metrics.balanced_accuracy(counts)
        return {"accuracy": correct, "balanced_accuracy": balanced, "macro_f1": macro_f1, "brier_score": brier_score}
    return {
        "exact_match": correct,
        "balanced_accuracy": metrics.mean_balanced_accuracy(counts),
        "macro_f1": macro_f1,
        "micro_f1": metrics.micro_f1(counts),
        "hamming_loss": means["wrong_decisions"][:, 0],
        "brier_score": brier_score,
    }
