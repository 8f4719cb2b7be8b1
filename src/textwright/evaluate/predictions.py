"""Run a predictor over labeled texts and keep what every metric needs, in arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from textwright.core.labels import Labels, Task
from textwright.core.metrics import is_correct
from textwright.core.numerics import activate
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.dataset import Examples, label_counts
from textwright.errors import DataError
from textwright.runtime.predictor import Predictor, TextPrediction

THRESHOLD: Final = 0.5
"""A label of a multi-label task holds from this probability on, as by default in an artifact."""
_TEXTS_AT_ONCE: Final = 4_096
"""Texts encoded before they are sorted by length: enough that batches hold little padding."""


@dataclass(frozen=True, slots=True)
class LabeledPredictions:
    """What was true and what the predictor said, for N texts.

    Args:
        targets: (N,) label indices, or (N, K) which labels hold.
        predicted: What was predicted, of the same shape; where the model abstains, its most probable label.
        probabilities: As served, (N, K).
        uncalibrated: At temperature 1, (N, K).
        lengths: Tokens read, (N,).
        truncated: Which texts were longer than that, (N,).
    """

    targets: Ints | Bools
    predicted: Ints | Bools
    probabilities: Float32s
    uncalibrated: Float32s
    lengths: Ints
    truncated: Bools

    @property
    def num_labels(self) -> int:
        """K."""
        return int(self.probabilities.shape[1])

    @property
    def correct(self) -> Bools:
        """Which predictions are right in whole, (N,)."""
        return is_correct(self.targets, self.predicted)

    def agrees_with(self, other: LabeledPredictions) -> Bools:
        """Which of the same texts another model predicts alike in whole, (N,)."""
        return np.asarray((self.predicted == other.predicted).reshape(len(self.predicted), -1).all(axis=1))

    def claims(self, probabilities: Float32s) -> tuple[Float32s, Bools]:
        """Say what probabilities claim, and what came true.

        Args:
            probabilities: (N, K), at either temperature.

        Returns:
            The confidence in the predicted label and whether it is right, (N,) each; for a multi-label task the
            probability of each label and whether it holds, (N, K) each.
        """
        if self.targets.ndim == 1:
            return self.of_predicted(probabilities), self.correct
        return probabilities, self.targets.astype(np.bool_)

    def of_predicted(self, probabilities: Float32s) -> Float32s:
        """Take the probability of the predicted label of a single-label task, (N, K) -> (N,)."""
        return np.take_along_axis(probabilities, self.predicted[:, None].astype(np.int64), axis=1)[:, 0]


def observe(
    predictor: Predictor, examples: Examples, progress: Callable[[int], object] | None = None
) -> LabeledPredictions:
    """Predict labeled texts by the three calls of every prediction: encode, infer, decode.

    Args:
        predictor: What is shipped.
        examples: N labeled texts, with targets in the order of the predictor's labels.
        progress: Called with the number of texts done since the last call.

    Returns:
        N observations, in order.

    Raises:
        DataError: If there is no example, or if the targets are not of the predictor's task.
        BackendError: If the engine fails.
    """
    _check(predictor.labels, examples)
    blocks = []
    for start in range(0, len(examples), _TEXTS_AT_ONCE):
        texts = examples.texts[start : start + _TEXTS_AT_ONCE]
        blocks.append(_observe_block(predictor, texts))
        if progress is not None:
            progress(len(texts))
    predicted, probabilities, uncalibrated, lengths, truncated = (
        np.concatenate(part) for part in zip(*blocks, strict=True)
    )
    return LabeledPredictions(examples.targets, predicted, probabilities, uncalibrated, lengths, truncated)


def _observe_block(predictor: Predictor, texts: Sequence[str]) -> tuple[Ints | Bools, Float32s, Float32s, Ints, Bools]:
    scores = predictor.score(texts)
    return (
        _indices(scores.predictions, predictor.labels),
        predictor.probabilities(scores.logits),
        activate(scores.logits, predictor.labels.task),
        scores.lengths,
        np.array([item.truncated for item in scores.predictions], dtype=np.bool_),
    )


def _indices(predictions: Sequence[TextPrediction], labels: Labels) -> Ints | Bools:
    """Turn predicted names back into targets: (B,) indices, or (B, K) which labels hold.

    Where a model abstains, it is the most probable label.
    """
    index = labels.index
    if labels.task is Task.SINGLE_LABEL:
        return np.array([index[item.best_label] for item in predictions], dtype=np.int64)
    holds = np.zeros((len(predictions), len(labels)), dtype=np.bool_)
    for row, item in enumerate(predictions):
        holds[row, [index[name] for name in item.labels]] = True
    return holds


def _check(labels: Labels, examples: Examples) -> None:
    if not len(examples):
        raise DataError("there are no examples to measure; give a source, or a split, with at least one labeled text")
    columns = 1 if labels.task is Task.SINGLE_LABEL else len(labels)
    if examples.targets.ndim != (1 if labels.task is Task.SINGLE_LABEL else 2) or (
        examples.targets.size != columns * len(examples)
    ):
        raise DataError(
            f"the model's task is {labels.task} with {len(labels)} labels, but the targets have the shape "
            f"{examples.targets.shape} for {len(examples)} texts; give a source of the same task"
        )


def label_shares(examples: Examples, labels: Labels) -> Float32s:
    """Return the share of the examples that have each label, (K,)."""
    return (label_counts(examples, labels) / len(examples)).astype(np.float32)


def choose_labels(probabilities: Float32s, labels: Labels) -> Ints | Bools:
    """Predict from probabilities: the most probable label, (N,), or all that hold, (N, K)."""
    if labels.task is Task.MULTI_LABEL:
        return np.asarray(probabilities >= THRESHOLD)
    return np.asarray(probabilities.argmax(axis=1))
