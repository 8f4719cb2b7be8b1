"""Metrics of classification, in numpy: pure functions from targets and predictions to numbers.

Every metric is made in two steps. First, a few numbers for each example: was it right, how surprised was the model, in
which calibration bin did it fall? Then the metric, a function of their mean over the examples. A bootstrap resample
changes the mean alone, so the first step is done once, and R resamples are one matrix product (``evaluate.intervals``).

Single-label targets are label indices, (N,); multi-label targets say which labels hold, (N, K). The second step takes
means with any leading axes, (...).
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
    """What precision, recall and F1 are made of: for each example, (N, K), or as counts or means of them, (..., K)."""

    hits: Floats
    predicted: Floats
    actual: Floats


def is_correct(targets: Ints | Bools, predicted: Ints | Bools) -> Bools:
    """Tell which predictions are right in whole; their share is the accuracy, or the exact match.

    Args:
        targets: (N,) or (N, K).
        predicted: The same shape as ``targets``.

    Returns:
        (N,); of a multi-label example every label must agree.
    """
    agrees: Bools = np.equal(targets, predicted).reshape(len(targets), -1)  # (N, 1) or (N, K)
    return np.asarray(agrees.all(axis=1))


def wrong_decisions(targets: Ints | Bools, predicted: Ints | Bools) -> Floats:
    """Measure which share of an example's decisions -- does this label hold? -- is wrong; their mean is Hamming loss.

    Args:
        targets: (N, K).
        predicted: (N, K).

    Returns:
        (N,), each in [0, 1].
    """
    return np.asarray(np.not_equal(targets, predicted).mean(axis=1))


def label_counts(targets: Ints | Bools, predicted: Ints | Bools, num_labels: int) -> LabelCounts:
    """Tell for each example which label was right, predicted and true.

    Args:
        targets: (N,) or (N, K).
        predicted: The same shape as ``targets``.
        num_labels: K.

    Returns:
        Three arrays of zeros and ones, (N, K), with hits <= predicted and hits <= actual.
    """
    actual, chosen = one_column_each(targets, num_labels), one_column_each(predicted, num_labels)
    return LabelCounts(*(flags.astype(np.float64) for flags in (actual & chosen, chosen, actual)))


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
        counts: Counts, or means, of shape (..., K).

    Returns:
        (...), each in [0, 1]. A label that neither occurs nor is predicted has no F1 and is left out, as
        scikit-learn does for single-label targets.
    """
    present = (counts.predicted + counts.actual) > 0
    return _ratio(f1(counts).sum(axis=-1), present.sum(axis=-1))


def balanced_accuracy(counts: LabelCounts) -> Floats:
    """Average recall over the labels: what chance or the most frequent label alone reaches is 1 / K.

    Args:
        counts: Means of a single-label task, (..., K).

    Returns:
        (...), each in [0, 1]. A label that does not occur has no recall and is left out, as in scikit-learn.
    """
    return _ratio(recall(counts).sum(axis=-1), (counts.actual > 0).sum(axis=-1))


def mean_balanced_accuracy(means: LabelCounts) -> Floats:
    """Average over the labels of a multi-label task the balanced accuracy of "does this label hold?".

    Args:
        means: Means over the examples, (..., K), each in [0, 1].

    Returns:
        (...), each in [0, 1], 0.5 by chance: the mean of recall and of the share of examples without the label that
        were not given it. A label that holds always or never is left out; NaN if none is left.
    """
    absent = 1 - means.actual
    specificity = _ratio(absent - (means.predicted - means.hits), absent)
    is_defined = (means.actual > 0) & (absent > 0)
    count = is_defined.sum(axis=-1)
    total = np.where(is_defined, recall(means) + specificity, 0).sum(axis=-1) / 2
    return np.where(count > 0, _ratio(total, count), np.nan)


def micro_f1(counts: LabelCounts) -> Floats:
    """Take F1 of all decisions together, (...); of a single-label task this equals the accuracy."""
    return f1(LabelCounts(*(count.sum(axis=-1) for count in counts)))


def log_losses(targets: Ints | Bools, probabilities: Float32s) -> Floats:
    """Measure for each example how surprised the model is by the truth; their mean is the log loss.

    Args:
        targets: (N,) or (N, K).
        probabilities: (N, K), calibrated.

    Returns:
        (N,), in nats, in [0, 15.9]: the negative log of the true label's probability; for multi-label targets the
        mean over labels of the binary cross-entropy. A coin toss between two labels has 0.69. A probability is
        clipped to [1.2e-7, 1 - 1.2e-7], as in scikit-learn, so that one certain mistake stays finite.
    """
    if targets.ndim == 1:
        of_targets = probabilities[np.arange(len(targets)), targets][:, None]
    else:
        of_targets = np.where(targets, probabilities, 1 - probabilities)
    return np.asarray(-np.log(np.clip(of_targets.astype(np.float64), _SMALLEST, 1 - _SMALLEST)).mean(axis=1))


def brier_scores(targets: Ints | Bools, probabilities: Float32s) -> Floats:
    """Measure for each example the squared distance of the probabilities from the truth.

    Args:
        targets: (N,) or (N, K).
        probabilities: (N, K), calibrated.

    Returns:
        (N,), in [0, 2] for single-label targets (summed over labels), in [0, 1] for multi-label ones (averaged over
        labels); 0 is perfect. Their mean is the Brier score.

    Source:
        Brier, 1950, "Verification of forecasts expressed in terms of probability", equation 2.
    """
    squares = (one_column_each(targets, probabilities.shape[1]) - probabilities.astype(np.float64)) ** 2
    return np.asarray(squares.sum(axis=1) if targets.ndim == 1 else squares.mean(axis=1))


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


def calibration_gaps(scores: Float32s, outcomes: Bools, num_bins: int = NUM_CALIBRATION_BINS) -> Floats:
    """Measure for each example and bin how far the outcome is from the claim.

    Args:
        scores: What was claimed: the confidence in the predicted label, (N,), or the probability of each label of a
            multi-label task, (N, K).
        outcomes: Whether it came true, of the shape of ``scores``.
        num_bins: Bins of equal width over [0, 1], >= 1.

    Returns:
        (N, num_bins): outcome minus score in the bin of the score and 0 elsewhere; for several claims their mean.
    """
    num_examples = len(scores)
    gaps = np.subtract(outcomes, scores, dtype=np.float64).reshape(num_examples, -1)  # (N, claims)
    bins = calibration_bins(scores, num_bins).reshape(num_examples, -1)
    cells = (np.arange(num_examples)[:, None] * num_bins + bins).ravel()
    sums = np.bincount(cells, gaps.ravel(), minlength=num_examples * num_bins)
    return np.asarray(sums.reshape(num_examples, num_bins) / gaps.shape[1])


def expected_calibration_error(mean_gaps: Floats) -> Floats:
    """Measure how far stated probabilities are from observed frequencies.

    Args:
        mean_gaps: :func:`calibration_gaps`, averaged over the examples, (..., num_bins).

    Returns:
        (...), in [0, 1]: the distance between mean score and frequency, averaged over the bins by their mass. A
        finite sample of a perfect model is above 0.

    Source:
        Guo et al., 2017, "On Calibration of Modern Neural Networks", equation 3, with their 15 bins.
    """
    return np.asarray(np.abs(mean_gaps).sum(axis=-1))


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


def one_column_each(labels: Ints | Bools, num_labels: int) -> Bools:
    """Turn label indices, (N,), into one column per label, (N, K); targets of that form already stay."""
    return np.asarray(labels[:, None] == np.arange(num_labels)) if labels.ndim == 1 else labels.astype(np.bool_)


def _ratio(numerator: Floats, denominator: Floats | Ints) -> Floats:
    """Divide, with 0 for 0 / 0."""
    return np.asarray(numerator / np.where(denominator > 0, denominator, 1))
