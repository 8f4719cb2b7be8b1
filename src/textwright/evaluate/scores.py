"""Which metrics belong to which task, as functions of how often each observed example counts.

The names here are the names in JSON, in the manifest, in the report and in the model card.
"""

from __future__ import annotations

from typing import Final

from textwright.core import metrics
from textwright.core.types import Float32s, Floats
from textwright.evaluate.observe import Observations

TITLES: Final = {
    "accuracy": "Accuracy",
    "exact_match": "Exact match",
    "macro_f1": "Macro F1",
    "micro_f1": "Micro F1",
    "hamming_loss": "Hamming loss",
    "log_loss": "Log loss",
    "brier_score": "Brier score",
    "calibration_error": "Calibration error",
}
"""What people call each metric."""

MEANINGS: Final = {
    "accuracy": "Share of texts whose label is right.",
    "exact_match": "Share of texts whose labels are all right, with none missing and none too many.",
    "macro_f1": "Mean over labels of F1, rare labels as heavy as frequent ones.",
    "micro_f1": "F1 of all single decisions together.",
    "hamming_loss": "Share of single decisions that are wrong; 0 is perfect.",
    "log_loss": "Surprise at the truth, in nats; 0 is perfect.",
    "brier_score": "Squared distance of the probabilities from the truth; 0 is perfect.",
    "calibration_error": "Mean distance between stated probability and observed frequency, 15 bins; 0 is perfect.",
}
"""What each metric says, in one line."""

LOWER_IS_BETTER: Final = frozenset({"hamming_loss", "log_loss", "brier_score", "calibration_error"})


def overall(seen: Observations, weights: Floats) -> dict[str, Floats]:
    """Measure the whole, the headline first.

    Args:
        seen: N observations.
        weights: (R, N), how often each counts.

    Returns:
        Metric name -> values, (R,).
    """
    counts = metrics.label_counts(seen.targets, seen.predicted, seen.num_labels, weights)
    right = metrics.accuracy(seen.targets, seen.predicted, weights)
    values = {"accuracy" if seen.targets.ndim == 1 else "exact_match": right, "macro_f1": metrics.macro_f1(counts)}
    if seen.targets.ndim == 2:
        values["micro_f1"] = metrics.micro_f1(counts)
        values["hamming_loss"] = metrics.hamming_loss(seen.targets.astype(bool), seen.predicted.astype(bool), weights)
    values["brier_score"] = metrics.brier_score(seen.targets, seen.probabilities, weights)
    return values | honesty(seen, seen.probabilities, weights)


def honesty(seen: Observations, probabilities: Float32s, weights: Floats) -> dict[str, Floats]:
    """Measure how far the probabilities can be believed: what a temperature changes.

    Args:
        seen: N observations.
        probabilities: Theirs, (N, K), at either temperature.
        weights: (R, N).

    Returns:
        "log_loss" and "calibration_error" -> values, (R,).
    """
    return {
        "log_loss": metrics.log_loss(seen.targets, probabilities, weights),
        "calibration_error": metrics.expected_calibration_error(*seen.claims(probabilities), weights),
    }


def per_label(seen: Observations, weights: Floats) -> dict[tuple[str, int], Floats]:
    """Measure each label by itself.

    Args:
        seen: N observations.
        weights: (R, N).

    Returns:
        ("precision" | "recall" | "f1", label index) -> values, (R,).
    """
    counts = metrics.label_counts(seen.targets, seen.predicted, seen.num_labels, weights)
    tables = {"precision": metrics.precision(counts), "recall": metrics.recall(counts), "f1": metrics.f1(counts)}
    return {(name, index): table[:, index] for name, table in tables.items() for index in range(seen.num_labels)}
