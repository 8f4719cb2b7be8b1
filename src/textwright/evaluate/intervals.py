"""How sure a measured number is: bootstrap intervals of any metric, Wilson intervals of a share.

A metric is a function of the mean over the examples of a few numbers per example (``core.metrics``). A bootstrap
resample of N examples is a row of N integer weights, so the means of many resamples are one matrix product. They are
made block by block: memory does not grow with the number of resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from textwright.core.types import Floats, Ints
from textwright.errors import DataError, SettingsError

NUM_RESAMPLES: Final = 2_000
_BLOCK_WEIGHTS: Final = 1 << 21
"""Weights made at once: 16 MB of float64, and twice that while they are drawn."""
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
        An interval for each metric, in their order; all metrics see the same resamples.

    Raises:
        DataError: If there is no example.
        SettingsError: If ``num_resamples`` is negative.

    Source:
        Efron & Tibshirani, 1993, "An Introduction to the Bootstrap", chapter 13.
    """
    columns = np.concatenate(list(numbers.values()), axis=1)  # (N, D of all)
    if not len(columns):
        raise DataError("there are no examples to measure; give a source with at least one labelled text")
    if num_resamples < 0:
        raise SettingsError(f"num_resamples is {num_resamples}; it must be 0 or more")
    ends = np.cumsum([values.shape[1] for values in numbers.values()])[:-1]

    def of_means(means: Floats) -> Mapping[Name, Floats]:
        return metrics(dict(zip(numbers, np.split(means, ends, axis=1), strict=True)))

    measured = of_means(columns.mean(axis=0, keepdims=True))
    weighted = _resamples(len(columns), num_resamples, seed)
    blocks = [measured, *(of_means(weights @ columns / len(columns)) for weights in weighted)]
    return {name: _interval(np.concatenate([block[name] for block in blocks])) for name in measured}


def _interval(values: Floats) -> Interval:
    """Make an interval of the measured value, the first, and its resamples, the rest."""
    value, (low, high) = float(values[0]), np.quantile(values[1:] if len(values) > 1 else values, [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def _resamples(num_examples: int, num_resamples: int, seed: int) -> Iterator[Floats]:
    """Draw ``num_resamples`` rows of weights in blocks, each row the counts of N draws with replacement."""
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
    centre = (share + square / (2 * counts)) / (1 + square / counts)
    half = _Z95 / (1 + square / counts) * np.sqrt(share * (1 - share) / counts + square / (4 * counts**2))
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    rows = zip(share, np.minimum(low, share), np.maximum(high, share), strict=True)
    return [Interval(*map(float, row)) for row in rows]
