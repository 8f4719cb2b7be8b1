"""What the answers of a model that decides by costs come to, beside those of the most probable label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from textwright.core.decision import Decision
from textwright.core.types import Floats
from textwright.evaluate.intervals import Interval, bootstrap
from textwright.evaluate.predictions import LabeledPredictions


@dataclass(frozen=True, slots=True)
class CostScores:
    """Mean cost of an answer, in the unit of the cost matrix.

    Args:
        mean_cost: Of the labels that are predicted, those of the lowest expected cost.
        of_most_probable: Of the most probable labels.
        difference: The first minus the second; below 0 where deciding by costs pays.
    """

    mean_cost: Interval
    of_most_probable: Interval
    difference: Interval


def measure_costs(
    decision: Decision, predictions: LabeledPredictions, *, num_resamples: int, seed: int
) -> CostScores | None:
    """Measure what the answers cost.

    Args:
        decision: Holds the cost matrix.
        predictions: N >= 1 labeled predictions.
        num_resamples: Bootstrap resamples behind each interval.
        seed: Of the resamples.

    Returns:
        The costs; None for a model that does not decide by costs.
    """
    if not decision.costs:
        return None
    matrix, targets = decision.cost_matrix, np.asarray(predictions.targets, dtype=np.int64)
    served = matrix[targets, np.asarray(predictions.predicted, dtype=np.int64)]
    most_probable = matrix[targets, predictions.probabilities.argmax(axis=1)]
    costs = np.stack([served, most_probable, served - most_probable], axis=1)  # (N, 3)
    return CostScores(**bootstrap({"costs": costs}, _by_name, num_resamples=num_resamples, seed=seed))


def _by_name(means: Mapping[str, Floats]) -> dict[str, Floats]:
    return dict(zip(("mean_cost", "of_most_probable", "difference"), means["costs"].T, strict=True))
