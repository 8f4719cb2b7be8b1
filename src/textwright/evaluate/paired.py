"""Is one model better than another, or was it these texts? Tests on the same examples, exact to the last bit.

Called by ``compare``. Every model is measured on the same examples, so what is tested is the difference on each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from textwright.core.types import Floats, Ints
from textwright.errors import DataError

SIGNIFICANCE: Final = 0.05
"""A p-value from this on is called "not distinguishable"."""


def paired_p_value(first: Ints, second: Ints, *, runs: tuple[int, int] = (1, 1)) -> float:
    """Test whether two models, each trained once or with several seeds, are right equally often.

    If neither is better, an example's difference is as likely to be the other way round. The p-value is the share of
    all 2^N such reversals whose total is as far from 0 as the observed one. It is exact: the totals are integers, and
    their distribution is the inverse Fourier transform of a product of cosines. With one run each this is McNemar's
    exact test. Like that test it speaks of the models as they were trained, on other texts of this kind; how much
    another seed would change is the deviation over seeds.

    Args:
        first: In how many of its runs the first model was right about each example, (N,), in [0, runs[0]].
        second: The same of the second, (N,), in [0, runs[1]].
        runs: Runs of the first and of the second, >= 1.

    Returns:
        A two-sided p-value in [0, 1], right to about 1e-12; 1 if no example tells them apart.

    Raises:
        DataError: If the examples are not the same number.

    Source:
        McNemar, 1947, "Note on the Sampling Error of the Difference Between Correlated Proportions or Percentages";
        Pitman, 1937, "Significance Tests Which May be Applied to Samples from any Populations"; Dietterich, 1998,
        "Approximate Statistical Tests for Comparing Supervised Classification Learning Algorithms", section 3.1.
    """
    if first.shape != second.shape:
        raise DataError(f"{len(first):,} and {len(second):,} examples cannot be paired; measure both on the same ones")
    differences = first * runs[1] - second * runs[0]  # (N,), in units of 1 / (runs[0] * runs[1])
    differences = differences // max(int(np.gcd.reduce(differences)), 1)
    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    if not len(sizes):
        return 1.0
    chances = _chances(sizes, counts)  # (2 * total + 1,), of the totals 0, 1, ..., total, -total, ..., -1
    observed = abs(int(differences.sum()))
    nearer = chances[:observed].sum() + chances[len(chances) - observed + 1 :].sum() if observed else 0.0
    return float(np.clip(1.0 - nearer, 0.0, 1.0))


def _chances(sizes: Ints, counts: Ints) -> Floats:
    """Give the distribution of a sum of integers of given sizes whose signs are tossed."""
    total = int((sizes * counts).sum())
    length = 2 * total + 1
    frequency = np.arange(total + 1)
    transform = np.ones(total + 1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        transform *= np.cos(2 * np.pi * (frequency * size % length) / length) ** count
    return np.asarray(np.fft.irfft(transform, length))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for having asked several questions at once.

    Args:
        p_values: One for each question, in any order.

    Returns:
        Adjusted p-values, in the same order, each at least as large; calling those below 0.05 significant errs in any
        of them with a probability of at most 0.05.

    Source:
        Holm, 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    order = np.argsort(p_values, kind="stable")
    ranked = np.asarray(p_values, dtype=np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(ranked), 1.0)
    return [float(value) for value in adjusted]
