"""Metrics of classification, in numpy: pure functions from targets and predictions to numbers.

Callers: ``evaluate`` (with intervals) and ``train`` (on validation). Every metric takes ``weights`` of shape (..., N),
how often each example counts, and answers with its leading axes. Without weights each example counts once. A bootstrap
resample is nothing but a row of integer weights, so R resamples are one matrix product (``evaluate.intervals``).

Single-label targets are label indices, (N,); multi-label targets say which labels hold, (N, K).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from textwright.core.types import Bools, Float32s, Floats, Ints

NUM_CALIBRATION_BINS: Final = 15
"""Equal-width bins of [0, 1] in the calibration error, as in Guo et al., 2017."""

_SMALLEST: Final = float(np.finfo(np.float32).eps)
"""float32 tells no probability nearer to 1 than this; one decision costs at most -ln of it, 15.9 nats."""


class LabelCounts(NamedTuple):
    """What precision, recall and F1 are made of, each (..., K): examples per label."""

    hits: Floats
    predicted: Floats
    actual: Floats


def is_correct(targets: Ints | Bools, predicted: Ints | Bools) -> Bools:
    """Tell which predictions are right in whole.

    Args:
        targets: (N,) or (N, K).
        predicted: The same shape as ``targets``.

    Returns:
        (N,); of a multi-label example every label must agree.
    """
    agrees: Bools = np.equal(targets, predicted).reshape(len(targets), -1)  # (N, 1) or (N, K)
    return np.asarray(agrees.all(axis=1))


def accuracy(targets: Ints | Bools, predicted: Ints | Bools, weights: Floats | None = None) -> Floats:
    """Measure the share of examples that are right in whole; for multi-label targets this is the exact match.

    Args:
        targets: (N,) or (N, K), N >= 1.
        predicted: The same shape as ``targets``.
        weights: (..., N), >= 0, of positive sum.

    Returns:
        (...), each in [0, 1].
    """
    return _mean(is_correct(targets, predicted), weights)


def hamming_loss(targets: Bools, predicted: Bools, weights: Floats | None = None) -> Floats:
    """Measure the share of single decisions -- does this label hold for this text? -- that are wrong.

    Args:
        targets: (N, K), N >= 1.
        predicted: (N, K).
        weights: (..., N), >= 0, of positive sum.

    Returns:
        (...), each in [0, 1]; 0 is perfect.
    """
    return _mean((targets != predicted).mean(axis=1), weights)


def label_counts(
    targets: Ints | Bools, predicted: Ints | Bools, num_labels: int, weights: Floats | None = None
) -> LabelCounts:
    """Count for each label how often it was right, predicted and true.

    Args:
        targets: (N,) or (N, K).
        predicted: The same shape as ``targets``.
        num_labels: K.
        weights: (..., N), >= 0.

    Returns:
        Three arrays of shape (..., K), with hits <= predicted and hits <= actual.
    """
    actual, chosen = _holds(targets, num_labels), _holds(predicted, num_labels)
    rows = _weights(weights, len(targets))
    return LabelCounts(rows @ (actual & chosen), rows @ chosen, rows @ actual)


def precision(counts: LabelCounts) -> Floats:
    """Divide hits by predictions for each label, (..., K); 0 for a label that was never predicted."""
    return _ratio(counts.hits, counts.predicted)


def recall(counts: LabelCounts) -> Floats:
    """Divide hits by occurrences for each label, (..., K); 0 for a label that never occurs."""
    return _ratio(counts.hits, counts.actual)


def f1(counts: LabelCounts) -> Floats:
    """Take the harmonic mean of precision and recall for each label, (..., K); 0 where there is nothing to count.

    Source:
        Van Rijsbergen, 1979, "Information Retrieval", chapter 7.
    """
    return _ratio(2 * counts.hits, counts.predicted + counts.actual)


def macro_f1(counts: LabelCounts) -> Floats:
    """Average F1 over the labels, rare ones as heavy as frequent ones.

    Args:
        counts: Arrays of shape (..., K).

    Returns:
        (...), each in [0, 1]. A label that neither occurs nor is predicted has no F1 and is left out, as
        scikit-learn does for single-label targets.
    """
    present = (counts.predicted + counts.actual) > 0
    return _ratio(f1(counts).sum(axis=-1), present.sum(axis=-1))


def micro_f1(counts: LabelCounts) -> Floats:
    """Take F1 of all decisions together, (...); of a single-label task this equals the accuracy."""
    return f1(LabelCounts(*(count.sum(axis=-1) for count in counts)))


def log_losses(targets: Ints | Bools, probabilities: Float32s) -> Floats:
    """Measure for each example how surprised the model is by the truth.

    Args:
        targets: (N,) or (N, K).
        probabilities: (N, K), calibrated.

    Returns:
        (N,), in nats, >= 0: the negative log of the true label's probability; for multi-label targets the mean
        over labels of the binary cross-entropy. A probability is clipped to [1.2e-7, 1 - 1.2e-7], as in
        scikit-learn, so that one certain mistake stays finite.
    """
    if targets.ndim == 1:
        given = probabilities[np.arange(len(targets)), targets][:, None]
    else:
        given = np.where(targets, probabilities, 1 - probabilities)
    return np.asarray(-np.log(np.clip(given.astype(np.float64), _SMALLEST, 1 - _SMALLEST)).mean(axis=1))


def log_loss(targets: Ints | Bools, probabilities: Float32s, weights: Floats | None = None) -> Floats:
    """Average :func:`log_losses` over the examples.

    Args:
        targets: (N,) or (N, K), N >= 1.
        probabilities: (N, K), calibrated.
        weights: (..., N), >= 0, of positive sum.

    Returns:
        (...), in nats, in [0, 15.9]; a coin toss between two labels has 0.69.
    """
    return _mean(log_losses(targets, probabilities), weights)


def brier_score(targets: Ints | Bools, probabilities: Float32s, weights: Floats | None = None) -> Floats:
    """Measure the squared distance between the probabilities and the truth.

    Args:
        targets: (N,) or (N, K), N >= 1.
        probabilities: (N, K), calibrated.
        weights: (..., N), >= 0, of positive sum.

    Returns:
        (...), in [0, 2] for single-label targets (summed over labels), in [0, 1] for multi-label ones (averaged over
        labels); 0 is perfect.

    Source:
        Brier, 1950, "Verification of forecasts expressed in terms of probability", equation 2.
    """
    squares = (_holds(targets, probabilities.shape[1]) - probabilities.astype(np.float64)) ** 2
    return _mean(squares.sum(axis=1) if targets.ndim == 1 else squares.mean(axis=1), weights)


def calibration_bins(scores: Float32s, num_bins: int = NUM_CALIBRATION_BINS) -> Ints:
    """Sort scores into bins of equal width.

    Args:
        scores: Probabilities in [0, 1], of any shape.
        num_bins: Number of bins of [0, 1], >= 1.

    Returns:
        Bin indices in [0, num_bins), of the shape of ``scores``; a score on an edge falls into the upper bin, 1.0
        into the last.
    """
    return np.minimum((scores.astype(np.float64) * num_bins).astype(np.int64), num_bins - 1)


def expected_calibration_error(
    scores: Float32s, outcomes: Bools, weights: Floats | None = None, *, num_bins: int = NUM_CALIBRATION_BINS
) -> Floats:
    """Measure how far stated probabilities are from observed frequencies.

    Args:
        scores: What was claimed: the confidence in the predicted label, (N,), or the probability of each label of a
            multi-label task, (N, S).
        outcomes: Whether it came true, of the shape of ``scores``.
        weights: (..., N), >= 0, of positive sum.
        num_bins: Bins of equal width over [0, 1], >= 1.

    Returns:
        (...), in [0, 1]: the distance between mean score and frequency, averaged over the bins by their mass. A
        finite sample of a perfect model is above 0.

    Source:
        Guo et al., 2017, "On Calibration of Modern Neural Networks", equation 3, with their 15 bins.
    """
    num_examples = len(scores)
    gaps = np.subtract(outcomes, scores, dtype=np.float64).reshape(num_examples, -1)  # (N, S)
    bins = calibration_bins(scores, num_bins).reshape(num_examples, -1)
    cells = (np.arange(num_examples)[:, None] * num_bins + bins).ravel()
    by_bin = np.bincount(cells, gaps.ravel(), minlength=num_examples * num_bins).reshape(num_examples, num_bins)
    rows = _weights(weights, num_examples)
    return np.asarray(np.abs(rows @ by_bin).sum(axis=-1) / (rows.sum(axis=-1) * gaps.shape[1]))


def confusion_matrix(targets: Ints | Bools, predicted: Ints | Bools, num_labels: int) -> Ints:
    """Count what was predicted for what is true.

    Args:
        targets: (N,) or (N, K).
        predicted: The same shape as ``targets``.
        num_labels: K.

    Returns:
        (K, K) for single-label targets: a row for each true label, a column for each predicted one. (K, 2, 2) for
        multi-label ones: for each label a row for what is true (no, yes), a column for what was predicted (no, yes).
    """
    if targets.ndim == 1:
        counts = np.bincount(targets * num_labels + predicted, minlength=num_labels**2)
        return counts.reshape(num_labels, num_labels).astype(np.int64)
    cells = 2 * targets.astype(np.int64) + predicted + 4 * np.arange(num_labels)  # (N, K)
    return np.bincount(cells.ravel(), minlength=4 * num_labels).reshape(num_labels, 2, 2).astype(np.int64)


def _holds(labels: Ints | Bools, num_labels: int) -> Bools:
    """Spread label indices into one column per label, (N, K); what is spread already stays."""
    return np.asarray(labels[:, None] == np.arange(num_labels)) if labels.ndim == 1 else labels.astype(np.bool_)


def _weights(weights: Floats | None, num_examples: int) -> Floats:
    return np.ones(num_examples) if weights is None else weights


def _mean(values: Floats | Bools, weights: Floats | None) -> Floats:
    rows = _weights(weights, len(values))
    return np.asarray((rows @ values.astype(np.float64)) / rows.sum(axis=-1))


def _ratio(numerator: Floats, denominator: Floats | Ints) -> Floats:
    """Divide, with 0 for 0 / 0."""
    return np.asarray(numerator / np.where(denominator > 0, denominator, 1))
