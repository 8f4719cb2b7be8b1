"""The candidate and the champion on the same texts: all of them, and slice by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from textwright.core.types import Bools
from textwright.evaluate.intervals import Interval
from textwright.evaluate.paired import SIGNIFICANCE, holm, paired_p_value
from textwright.evaluate.paired_drop import PairedDrop, num_texts_for

_TWO_SIDED: Final = 0.975
"""Confidence of each end of a two-sided 95 % interval."""


class Standing(StrEnum):
    """How a candidate stands to the champion on some texts."""

    BETTER = "better"
    NOT_WORSE = "not worse"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class PairedGroup:
    """Two models on the same texts.

    Args:
        name: Of the slice; empty for all texts.
        num_texts: N.
        candidate: Share that the candidate has right in whole.
        champion: The same of the champion.
        num_lost: Texts that only the champion has right.
        num_won: Texts that only the candidate has right.
        drop: The champion's share less the candidate's, in points, with its 95 % interval; below 0 is a gain.
        drop_bound: Most points that may be lost on other texts of this kind, with a confidence of 95 %.
        p_value: Of the exact paired test that both are right equally often.
        adjusted_p_value: The same after Holm's correction for all slices; None for all texts, or too few to test.
    """

    name: str
    num_texts: int
    candidate: float
    champion: float
    num_lost: int
    num_won: int
    drop: Interval
    drop_bound: float
    p_value: float
    adjusted_p_value: float | None = None

    @classmethod
    def of(cls, name: str, candidate: Bools, champion: Bools) -> PairedGroup:
        """Compare two models.

        Args:
            name: Of the slice.
            candidate: Which answers of the candidate are right, (N,), N >= 1.
            champion: Which of the champion's, (N,).

        Source:
            Tango, 1998, "Equivalence Test and Confidence Interval for the Difference in Proportions for the
            Paired-Sample Design"; McNemar, 1947, "Note on the Sampling Error of the Difference Between Correlated
            Proportions or Percentages".
        """
        drop = PairedDrop.of(candidate, champion)
        gain = PairedDrop.of(champion, candidate)
        points = drop.points
        interval = Interval(
            points, min(-gain.upper_bound(_TWO_SIDED), points), max(drop.upper_bound(_TWO_SIDED), points)
        )
        return cls(
            name=name,
            num_texts=len(candidate),
            candidate=float(candidate.mean()),
            champion=float(champion.mean()),
            num_lost=drop.num_lost,
            num_won=drop.num_won,
            drop=interval,
            drop_bound=drop.upper_bound(),
            p_value=paired_p_value(candidate.astype(np.int64), champion.astype(np.int64)),
        )

    @property
    def is_tested(self) -> bool:
        """Whether the slice has texts enough to be tested."""
        return self.adjusted_p_value is not None

    @property
    def is_worse(self) -> bool:
        """Whether the candidate is significantly worse here, after Holm's correction."""
        return self.adjusted_p_value is not None and self.adjusted_p_value < SIGNIFICANCE and self.drop.value > 0

    def standing(self, margin: float) -> Standing:
        """Say how the candidate stands on all texts.

        What is not significant is not called better. A loss that is significant, but that the texts exclude to be
        larger than the margin, is not worse in the sense of non-inferiority.

        Args:
            margin: Points that may be lost, > 0.
        """
        is_significant = self.p_value < SIGNIFICANCE
        if is_significant and self.drop.value < 0:
            return Standing.BETTER
        if self.drop_bound <= margin:
            return Standing.NOT_WORSE
        return Standing.WORSE if is_significant and self.drop.value > 0 else Standing.UNDECIDED

    def in_words(self, margin: float) -> str:
        """Say the same in a sentence, with what would decide where nothing is decided."""
        gain = Interval(0 - self.drop.value, 0 - self.drop.high, 0 - self.drop.low)
        points = f"{gain.value:+.2f} points (95 % interval {gain.low:+.2f} to {gain.high:+.2f})"
        match self.standing(margin):
            case Standing.BETTER:
                return f"better: {points} on {self.num_texts:,} texts, p = {self.p_value:.2g}"
            case Standing.NOT_WORSE:
                which = "significant but smaller than" if self._is_significant_loss else "no loss above"
                return f"not worse: {points} on {self.num_texts:,} texts, {which} the margin of {margin:g} points"
            case Standing.WORSE:
                return f"worse: {points} on {self.num_texts:,} texts, p = {self.p_value:.2g}"
        return (
            f"undecided: {points}; {self.num_texts:,} texts cannot exclude a loss of up to {self.drop_bound:.2f} "
            f"points, and the margin is {margin:g}; {_needed(self, margin)}"
        )

    @property
    def _is_significant_loss(self) -> bool:
        return self.p_value < SIGNIFICANCE and self.drop.value > 0


def _needed(group: PairedGroup, margin: float) -> str:
    """Say about how many texts would decide: the bound narrows with the root of their number."""
    if group.drop.value >= margin:
        return f"measure on more texts, or state a --margin above {group.drop_bound:.1f}"
    width = group.drop_bound - group.drop.value
    needed = group.num_texts * (width / (margin - group.drop.value)) ** 2
    needed = max(needed, num_texts_for(margin / 100))
    digits = 10 ** max(len(str(int(needed))) - 2, 0)
    return f"about {-(-int(needed) // digits) * digits:,} texts such as these would decide, or a larger --margin"


def compare_slices(
    slices: Mapping[str, Bools], candidate: Bools, champion: Bools, *, min_texts: int
) -> tuple[PairedGroup, ...]:
    """Compare two models slice by slice, with Holm's correction over those that are tested.

    Args:
        slices: Name -> which texts are in the slice, (N,).
        candidate: Which answers of the candidate are right, (N,).
        champion: Which of the champion's, (N,).
        min_texts: Texts that a slice needs to be tested, >= 1.

    Returns:
        A comparison for each slice that has a text, in order.

    Source:
        Holm, 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    groups = [PairedGroup.of(name, candidate[rows], champion[rows]) for name, rows in slices.items() if rows.any()]
    tested = [group for group in groups if group.num_texts >= min_texts]
    adjusted = dict(zip(_names(tested), holm([group.p_value for group in tested]), strict=True))
    return tuple(replace(group, adjusted_p_value=adjusted.get(group.name)) for group in groups)


def _names(groups: Sequence[PairedGroup]) -> list[str]:
    return [group.name for group in groups]
