"""How a model fares in each slice of its texts, and whether that is worse than on the other texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, lgamma, sqrt
from typing import Final

import numpy as np

from textwright.core.types import Bools
from textwright.evaluate.intervals import Interval, wilson
from textwright.evaluate.paired import SIGNIFICANCE, holm

MIN_SLICE_TEXTS: Final = 10
"""Texts that a slice, and what is not in it, need to be tested."""
_TIE: Final = 1 + 1e-7
"""Tables that are as probable as the observed one, but for rounding, count as extreme as it."""


@dataclass(frozen=True, slots=True)
class SliceScores:
    """One slice.

    Args:
        name: Of the slice.
        num_texts: Texts in it, N >= 1.
        share_right: Share of them that is right in whole, with its Wilson interval.
        difference: This share less that of all other texts, with its 95 % interval; None if there are no others.
        p_value: Of Fisher's exact test that texts in the slice and others are right equally often; None if either are
            too few.
        adjusted_p_value: The same after Holm's correction for all slices that are tested.
    """

    name: str
    num_texts: int
    share_right: Interval
    difference: Interval | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None

    @property
    def is_worse(self) -> bool:
        """Whether the model is significantly worse here than on other texts, after Holm's correction."""
        is_below = self.difference is not None and self.difference.value < 0
        return is_below and self.adjusted_p_value is not None and self.adjusted_p_value < SIGNIFICANCE


def measure_slices(
    slices: Mapping[str, Bools], right: Bools, *, min_texts: int = MIN_SLICE_TEXTS
) -> tuple[SliceScores, ...]:
    """Measure a model slice by slice, with Holm's correction over those that are tested.

    Args:
        slices: Name -> which texts are in the slice, (N,).
        right: Which texts are right in whole, (N,).
        min_texts: Texts that a slice, and the others, need to be tested, >= 1.

    Returns:
        The scores of each slice that has a text, in order.

    Source:
        Fisher, 1935, "The Logic of Inductive Inference"; Newcombe, 1998, "Interval Estimation for the Difference
        Between Independent Proportions", method 10; Holm, 1979.
    """
    scores = [_measure(name, right[rows], right[~rows], min_texts) for name, rows in slices.items() if rows.any()]
    tested = [number for number, item in enumerate(scores) if item.p_value is not None]
    adjusted = holm([scores[number].p_value or 0.0 for number in tested])
    for number, p_value in zip(tested, adjusted, strict=True):
        scores[number] = replace(scores[number], adjusted_p_value=p_value)
    return tuple(scores)


def _measure(name: str, inside: Bools, outside: Bools, min_texts: int) -> SliceScores:
    share = _share(inside)
    if not len(outside):
        return SliceScores(name, len(inside), share)
    is_tested = min(len(inside), len(outside)) >= min_texts
    table = int(inside.sum()), len(inside), int(outside.sum()), len(outside)
    p_value = fisher_p_value(*table) if is_tested else None
    return SliceScores(name, len(inside), share, _difference(share, _share(outside)), p_value)


def _share(right: Bools) -> Interval:
    return wilson(np.array([right.sum()]), np.array([len(right)]))[0]


def _difference(first: Interval, second: Interval) -> Interval:
    """Subtract two independent shares; the interval is made of the distances to the ends of theirs."""
    value = first.value - second.value
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Interval(value, value - below, value + above)


def fisher_p_value(hits: int, count: int, other_hits: int, other_count: int) -> float:
    """Test whether two independent shares are equal, exactly.

    Args:
        hits: In [0, count].
        count: >= 1.
        other_hits: In [0, other_count].
        other_count: >= 1.

    Returns:
        Two-sided p-value: the chance of all tables with these margins that are no more probable than the observed one.

    Source:
        Fisher, 1935, "The Logic of Inductive Inference".
    """
    total_hits, total = hits + other_hits, count + other_count
    possible = range(max(0, total_hits - other_count), min(count, total_hits) + 1)
    constant = _log_choose(total, total_hits)
    chances = np.array(
        [exp(_log_choose(count, k) + _log_choose(other_count, total_hits - k) - constant) for k in possible]
    )
    observed = chances[hits - possible.start]
    return float(min(chances[chances <= observed * _TIE].sum(), 1.0))


def _log_choose(number: int, chosen: int) -> float:
    return lgamma(number + 1) - lgamma(chosen + 1) - lgamma(number - chosen + 1)
