"""What behavioral tests of one model and of two have in common: kinds, failures, and where a model fails."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from textwright.core.percent import percent
from textwright.core.types import Bools
from textwright.runtime.predictor import TextPrediction

_NUM_SHOWN: Final = 3
_MAX_SHOWN: Final = 300


class TestKind(StrEnum):
    """What a behavioral test asks."""

    __test__ = False  # no test of pytest's

    INVARIANCE = "invariance"
    DIRECTION = "direction"
    FUNCTIONALITY = "minimum functionality"


class Failure(NamedTuple):
    """A text at which the candidate fails.

    Args:
        text: The text, or its edited form.
        expected: What it should say.
        predicted: What it says.
    """

    text: str
    expected: str
    predicted: str


def changes(before: Sequence[TextPrediction], after: Sequence[TextPrediction]) -> Bools:
    """Say which of N texts are labeled otherwise after an edit, (N,)."""
    return np.array([set(old.labels) != set(new.labels) for old, new in zip(before, after, strict=True)])


def misses(predictions: Sequence[TextPrediction], labels: Sequence[str]) -> Bools:
    """Say which of N texts lack the label that they must have, (N,)."""
    return np.array([label not in item.labels for item, label in zip(predictions, labels, strict=True)])


def shown_failures(
    texts: Sequence[str], expected: Sequence[str], predicted: Sequence[TextPrediction], failed: Bools
) -> tuple[Failure, ...]:
    """Return the first failures, at most three, with what should be said and what is said."""
    positions = np.flatnonzero(failed)[:_NUM_SHOWN].tolist()
    return tuple(Failure(texts[at][:_MAX_SHOWN], expected[at], describe_prediction(predicted[at])) for at in positions)


def describe_prediction(prediction: TextPrediction) -> str:
    """Write a prediction with its confidence."""
    return f"{predicted_labels(prediction)} ({percent(prediction.confidence)})"


def predicted_labels(prediction: TextPrediction) -> str:
    """Write the labels of a prediction; "none" for none."""
    return ", ".join(prediction.labels) or "none"
