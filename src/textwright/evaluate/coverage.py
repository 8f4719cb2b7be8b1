"""What a model gains by answering only the texts that it is sure of: accuracy against coverage, and as it abstains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from textwright.core.decision import Decision
from textwright.core.types import Bools, Float32s
from textwright.evaluate.intervals import Interval, wilson
from textwright.evaluate.predictions import LabeledPredictions

_MAX_POINTS: Final = 100


@dataclass(frozen=True, slots=True)
class CoverageCurve:
    """Accuracy of the surest texts, from few to all.

    Args:
        coverage: Share of the texts that would be answered, rising to 1, (P,), P <= 100.
        accuracy: Share of these answers that is right in whole, (P,).
        min_confidence: The confidence from which on they would be answered, falling, (P,).

    Source:
        El-Yaniv & Wiener, 2010, "On the Foundations of Noise-free Selective Classification".
    """

    coverage: tuple[float, ...]
    accuracy: tuple[float, ...]
    min_confidence: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class AbstentionScores:
    """What abstaining comes to on the measured texts.

    Args:
        min_confidence: Below it the model abstains; 0 if confidence does not decide.
        num_out_of_distribution: Texts that it leaves, since they are unlike its training texts; None if it answers
            those too.
        num_answered: Texts that get an answer.
        num_wrong: Wrong answers among them.
        coverage: Share of the texts that get an answer.
        error_rate: Share of the answers that is wrong; None where there is no answer.
    """

    min_confidence: float
    num_out_of_distribution: int | None
    num_answered: int
    num_wrong: int
    coverage: Interval
    error_rate: Interval | None


def confidences_of(predictions: LabeledPredictions) -> Float32s:
    """Give how sure the model is of each whole answer, as ``Decision.confidence`` does, (N,)."""
    if predictions.targets.ndim == 1:
        return predictions.of_predicted(predictions.probabilities)
    probabilities = predictions.probabilities
    return np.asarray(np.where(predictions.predicted, probabilities, 1 - probabilities).min(axis=1))


def coverage_curve(predictions: LabeledPredictions) -> CoverageCurve:
    """Measure the accuracy of the surest texts.

    Args:
        predictions: N >= 1 labeled predictions.

    Returns:
        Points between which no two texts of equal confidence lie; the last one holds all texts.
    """
    confidences = confidences_of(predictions)
    order = np.argsort(-confidences, kind="stable")
    ranked, num_right = confidences[order], np.cumsum(predictions.correct[order])
    counts = np.flatnonzero(np.append(ranked[:-1] > ranked[1:], True)) + 1
    counts = counts[np.unique(np.linspace(0, len(counts) - 1, min(len(counts), _MAX_POINTS)).round().astype(int))]
    columns = counts / len(ranked), num_right[counts - 1] / counts, ranked[counts - 1].astype(np.float64)
    return CoverageCurve(*(tuple(column.round(4).tolist()) for column in columns))


def measure_abstention(
    decision: Decision, predictions: LabeledPredictions, rejected: Bools | None
) -> AbstentionScores | None:
    """Measure coverage and error rate of a model that abstains.

    Args:
        decision: From which confidence on the model answers.
        predictions: N >= 1 labeled predictions.
        rejected: Which texts are out of distribution, (N,); None for a model that does not ask.

    Returns:
        Both, with 95 % Wilson intervals; None for a model that answers every text.
    """
    if rejected is None and not decision.min_confidence:
        return None
    answers = ~decision.abstains(predictions.probabilities)
    if rejected is not None:
        answers &= ~rejected
    num_answered, num_wrong = int(answers.sum()), int((answers & ~predictions.correct).sum())
    coverage, *error_rate = (
        wilson(np.array([hits]), np.array([count]))[0]
        for hits, count in ((num_answered, len(answers)), (num_wrong, num_answered))
        if count
    )
    return AbstentionScores(
        decision.min_confidence,
        None if rejected is None else int(rejected.sum()),
        num_answered,
        num_wrong,
        coverage,
        error_rate[0] if error_rate else None,
    )
