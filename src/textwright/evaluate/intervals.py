"""How sure a measured number is: bootstrap intervals of any metric, Wilson intervals of a share.

Most metrics are a function of the mean over the examples of a few numbers per example (``core.metrics``). A bootstrap
resample of N examples is a row of N integer weights, so the means of many resamples are one matrix product. They are
made block by block: memory does not grow with the number of resamples. Metrics of a ranking (``core.ranking``) take the
weights themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from textwright.core.ranking import Ranking
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.errors import DataError, SettingsError

NUM_RESAMPLES: Final = 2_000
_BLOCK_WEIGHTS: Final = 1 << 21
"""Weights made at once: 16 MB of float64, and twice that while they are drawn."""
_MOST_RANKED, _FEWEST_RANKED = 1_000, 200
"""Resamples behind an interval of a ranking's metric: with many labels or examples fewer than with few."""
_RANKED_WEIGHTS: Final = 1 << 27
"""Weights over all resamples and labels from which on fewer resamples are drawn: some three seconds."""
_RANKED_GROUPS: Final = 500
"""Groups of scores that a resample is ranked by; see :meth:`Ranking.coarse`."""
_Z95: Final = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value with its 95 % interval.

    Args:
        value: Measured on the examples as they are.
        low: 2.5 % of what other samples of this size would give lies below.
        high: 2.5 % lies above.
    """

    value: float
    low: float
    high: float


def bootstrap(
    numbers: Mapping[str, Floats],
    metrics: Callable[[Mapping[str, Floats]], Mapping[Name, Floats]],
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict[Name, Interval]:
    """Measure metrics with their 95 % percentile bootstrap intervals.

    The percentile interval of a biased metric, such as the calibration error, need not hold the measured value; it is
    widened to hold it, so that no reader sees a value outside its interval.

    Args:
        numbers: A few numbers for each of N >= 1 examples, (N, D) under each name; D may differ.
        metrics: From their means, (R, D) under each name, to each metric's values, (R,).
        num_resamples: R; 2,000 fixes the ends of an interval to about a twentieth of its width, 0 gives intervals of
            width 0.
        seed: Of the resamples; the same seed gives the same intervals.

    Returns:
        An interval for each metric, in their order; all metrics see the same resamples. A metric that is NaN, so not
        defined on these examples, is left out; a resample on which it is NaN does not count.

    Raises:
        DataError: If there is no example.
        SettingsError: If ``num_resamples`` is negative.

    Source:
        Efron & Tibshirani, 1993, "An Introduction to the Bootstrap", chapter 13.
    """
    columns = np.concatenate(list(numbers.values()), axis=1)  # (N, D of all)
    if not len(columns):
        raise DataError("there are no examples to measure; give a source with at least one labeled text")
    if num_resamples < 0:
        raise SettingsError(f"num_resamples is {num_resamples}; it must be 0 or more")
    ends = np.cumsum([values.shape[1] for values in numbers.values()])[:-1]

    def of_means(means: Floats) -> Mapping[Name, Floats]:
        return metrics(dict(zip(numbers, np.split(means, ends, axis=1), strict=True)))

    measured = of_means(columns.mean(axis=0, keepdims=True))
    weighted = resamples(len(columns), num_resamples, seed)
    blocks = [measured, *(of_means(weights @ columns / len(columns)) for weights in weighted)]
    return {
        name: _interval(np.concatenate([block[name] for block in blocks]))
        for name, values in measured.items()
        if not np.isnan(values[0])
    }


def bootstrap_rankings(
    scores: Float32s, holds: Bools, *, num_resamples: int = _MOST_RANKED, seed: int = 0
) -> tuple[list[dict[str, Interval]], dict[str, Interval]]:
    """Measure ROC-AUC and average precision of each label and their means, with 95 % percentile bootstrap intervals.

    Args:
        scores: Probability of each label, (N, K), N >= 1.
        holds: Which labels hold, (N, K).
        num_resamples: At most 1,000 are drawn, and down to 200 where N * K is above some 130,000.
        seed: Of the resamples, which are the same for all labels.

    Returns:
        For each label, and for the mean over the labels: "roc_auc" and "pr_auc". What is not defined is absent:
        ROC-AUC of a label that holds for all examples or none, average precision of one that holds for none.
    """
    num_examples, num_labels = scores.shape
    rankings = [Ranking.of(scores[:, label], holds[:, label]) for label in range(num_labels)]
    affordable = max(_RANKED_WEIGHTS // (num_examples * num_labels), _FEWEST_RANKED)
    weighted = resamples(num_examples, min(num_resamples, _MOST_RANKED, affordable), seed)
    ones, coarse = np.ones((num_examples, 1)), [ranking.coarse(_RANKED_GROUPS) for ranking in rankings]
    measured = _measure_rankings(rankings, ones)  # (2, K, 1)
    blocks = [_measure_rankings(coarse, np.ascontiguousarray(weights.T, np.float32)) for weights in weighted]
    shift = measured - _measure_rankings(coarse, ones)
    values = np.concatenate([measured, *(np.clip(block + shift, 0, 1) for block in blocks)], axis=2)  # (2, K, 1 + R)
    return [_both(values[:, label]) for label in range(num_labels)], _both(_mean_of_defined(values))


def _measure_rankings(rankings: Sequence[Ranking], weights: Floats) -> Floats:
    """Measure both metrics of every label, (2, K, R)."""
    return np.stack([np.stack(ranking.measure(weights)) for ranking in rankings], axis=1)


def _mean_of_defined(values: Floats) -> Floats:
    """Average over the labels where a metric is defined, (2, K, R) -> (2, R); NaN where it is for none."""
    is_defined = ~np.isnan(values)
    count = is_defined.sum(axis=1)
    return np.where(count > 0, np.where(is_defined, values, 0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _both(values: Floats) -> dict[str, Interval]:
    named = zip(("roc_auc", "pr_auc"), values, strict=True)
    return {name: _interval(row) for name, row in named if not np.isnan(row[0])}


def _interval(values: Floats) -> Interval:
    """Make an interval of the measured value, the first, and its resamples, the rest; of these NaN does not count."""
    values = values[~np.isnan(values)]
    value, (low, high) = float(values[0]), np.quantile(values[1:] if len(values) > 1 else values, [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def resamples(num_examples: int, num_resamples: int, seed: int) -> Iterator[Floats]:
    """Draw ``num_resamples`` rows of weights in blocks, each row the counts of N draws with replacement.

    Args:
        num_examples: N.
        num_resamples: R.
        seed: The same gives the same rows.

    Yields:
        Blocks, (b, N), of R rows together.
    """
    random = np.random.default_rng(seed)
    block = max(_BLOCK_WEIGHTS // num_examples, 1)
    for start in range(0, num_resamples, block):
        drawn = random.integers(0, num_examples, (min(block, num_resamples - start), num_examples))
        yield np.stack([np.bincount(row, minlength=num_examples) for row in drawn]).astype(np.float64)


def wilson(hits: Ints, counts: Ints) -> list[Interval]:
    """Measure shares with their 95 % Wilson intervals, which hold for few examples and for shares of 0 and 1.

    Args:
        hits: (S,), each in [0, counts].
        counts: (S,), each >= 1.

    Returns:
        S intervals inside [0, 1].

    Source:
        Wilson, 1927, "Probable Inference, the Law of Succession, and Statistical Inference", page 210.
    """
    share, square = hits / counts, _Z95**2
    center = (share + square / (2 * counts)) / (1 + square / counts)
    half = _Z95 / (1 + square / counts) * np.sqrt(share * (1 - share) / counts + square / (4 * counts**2))
    low, high = np.maximum(center - half, 0.0), np.minimum(center + half, 1.0)
    rows = zip(share, np.minimum(low, share), np.maximum(high, share), strict=True)
    return [Interval(*map(float, row)) for row in rows]


def share(holds: Bools) -> Interval:
    """Give the share of texts for which something holds, (N,), with its 95 % interval."""
    (interval,) = wilson(np.array([int(holds.sum())]), np.array([len(holds)]))
    return interval
