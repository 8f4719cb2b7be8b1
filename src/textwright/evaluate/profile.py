"""Make the reference profile of a model: what its validation texts, or those of another source, look like to it.

Called by the pipeline at each training, and by ``monitor`` for a source that stands in for the profile.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from textwright.core.reference_profile import (
    MOST_SHIFT_LABELS,
    NUM_CALIBRATION_BINS,
    NUM_CONFIDENCE_BINS,
    NUM_LENGTH_BINS,
    NUM_UNKNOWN_BINS,
    ReferenceProfile,
    confidence_bins,
    counts_of,
    length_bins,
    unknown_bins,
)
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.core.word_sketch import count_buckets
from textwright.data.dataset import Examples
from textwright.evaluate.predictions import LabeledPredictions
from textwright.runtime.predictor import Predictor
from textwright.runtime.text_facts import describe_texts

MAX_TEXTS: Final = 20_000
"""Of a large split the first so many are counted; more would not make the comparison surer, but training slower."""
_DIGITS: Final = 5


def make_profile(
    predictor: Predictor, examples: Examples, predictions: LabeledPredictions, *, split: str
) -> ReferenceProfile:
    """Count what a model sees in labeled texts.

    Args:
        predictor: The model.
        examples: N >= 1 texts that it was not trained on; the first 20,000 count.
        predictions: What it says about them.
        split: What the texts are called.

    Returns:
        The profile; it holds counts and means alone, no text and no word.
    """
    texts = examples.texts[:MAX_TEXTS]
    targets, predicted = predictions.targets[:MAX_TEXTS], predictions.predicted[:MAX_TEXTS]
    probabilities = predictions.probabilities[:MAX_TEXTS]
    facts, num_labels = describe_texts(predictor, texts), predictions.num_labels
    means, deviations = _by_true_label(targets, probabilities)
    confidences = confidence_of(predicted, probabilities)
    return ReferenceProfile(
        split=split,
        num_texts=len(texts),
        label_counts=_label_counts(targets, num_labels),
        predicted_counts=_label_counts(predicted, num_labels),
        mean_probabilities=means,
        probability_deviations=deviations,
        confidences=counts_of(confidence_bins(confidences), NUM_CONFIDENCE_BINS),
        lengths=counts_of(length_bins(facts.num_tokens), NUM_LENGTH_BINS),
        unknown_rates=counts_of(unknown_bins(facts.unknown_rates.astype(np.float64)), NUM_UNKNOWN_BINS),
        words=count_buckets(facts.words),
        calibration=_calibration(targets, predicted, probabilities),
    )


def confidence_of(predicted: Ints | Bools, probabilities: Float32s) -> Floats:
    """Give the confidence of each prediction, as ``TextPrediction.confidence`` does.

    Args:
        predicted: (N,) label indices, or (N, K) which labels were predicted.
        probabilities: (N, K).

    Returns:
        (N,), in [0, 1].
    """
    if predicted.ndim == 1:
        rows = np.take_along_axis(probabilities, predicted[:, None].astype(np.int64), axis=1)[:, 0]
        return np.asarray(rows, dtype=np.float64)
    held = np.where(predicted, probabilities, -1).max(axis=1)
    return np.asarray(np.where(held >= 0, held, probabilities.max(axis=1)), dtype=np.float64)


def decision_confidence(predicted: Ints | Bools, probabilities: Float32s) -> Floats:
    """Give the probability, after the model, that each decision is right.

    Args:
        predicted: As for :func:`confidence_of`.
        probabilities: (N, K).

    Returns:
        That of the predicted label, (N, 1); of a multi-label task for each label whether it holds, (N, K).
    """
    if predicted.ndim == 1:
        return confidence_of(predicted, probabilities)[:, None]
    return np.asarray(np.where(predicted, probabilities, 1 - probabilities), dtype=np.float64)


def _label_counts(targets: Ints | Bools, num_labels: int) -> list[int]:
    if targets.ndim == 1:
        return counts_of(np.asarray(targets, dtype=np.int64), num_labels)
    counts: list[int] = targets.sum(axis=0).tolist()
    return counts


def _by_true_label(targets: Ints | Bools, probabilities: Float32s) -> tuple[list[list[float]], list[list[float]]]:
    """Average the probabilities over the texts of each true label; a label without a text is given its own row of 0."""
    num_labels = probabilities.shape[1]
    if num_labels > MOST_SHIFT_LABELS:
        return [], []
    wide = np.asarray(probabilities, dtype=np.float64)
    if targets.ndim == 1:
        weights = np.eye(num_labels)[np.asarray(targets, dtype=np.int64)]  # (N, K)
        counts = np.maximum(weights.sum(axis=0), 1)[:, None]
        means, squares = weights.T @ wide / counts, weights.T @ wide**2 / counts
    else:
        holds = np.stack([~targets.astype(np.bool_), targets.astype(np.bool_)]).astype(np.float64)  # (2, N, K)
        counts = np.maximum(holds.sum(axis=1), 1)
        means, squares = (holds * wide).sum(axis=1) / counts, (holds * wide**2).sum(axis=1) / counts
    deviations = np.sqrt(np.maximum(squares - means**2, 0))
    return means.round(_DIGITS).tolist(), deviations.round(_DIGITS).tolist()


def _calibration(targets: Ints | Bools, predicted: Ints | Bools, probabilities: Float32s) -> list[list[float]]:
    confidences, right = decision_confidence(predicted, probabilities), predicted == targets
    columns = predicted if predicted.ndim == 1 else np.broadcast_to(np.arange(right.shape[1]), right.shape)
    tenths = np.minimum((confidences * NUM_CALIBRATION_BINS).astype(np.int64), NUM_CALIBRATION_BINS - 1)
    keys = np.asarray(columns, dtype=np.int64).ravel() * NUM_CALIBRATION_BINS + tenths.ravel()
    distinct, places, counts = np.unique(keys, return_inverse=True, return_counts=True)
    num_right = np.bincount(places, weights=right.ravel())
    means = np.bincount(places, weights=confidences.ravel()) / counts
    label_indices, bins = np.divmod(distinct, NUM_CALIBRATION_BINS)
    rows = zip(label_indices, bins, counts, num_right, means.round(_DIGITS), strict=True)
    return [[int(label), int(place), int(count), int(hits), float(mean)] for label, place, count, hits, mean in rows]
