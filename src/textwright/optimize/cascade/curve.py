"""Accuracy against the share of texts escalated, and the point on it that keeps a bound. Arrays in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from textwright.core.percent import percent
from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.errors import NoGainError


@dataclass(frozen=True, slots=True)
class Point:
    """One way to run a cascade.

    Args:
        min_confidence: The fast stage answers from this confidence on.
        share_escalated: Share of the texts that the strong stage answers, in [0, 1].
        accuracy: Share of the texts that are right in whole.
    """

    min_confidence: float
    share_escalated: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Every way to run a cascade on N texts, from all texts escalated to none.

    Args:
        min_confidences: What the fast stage answers from, falling, (M,).
        num_escalated: Texts that the strong stage answers, falling from N to 0, (M,).
        num_right: Texts that are right in whole, (M,).
        num_discordant: Texts that the fast stage answers and about which exactly one stage is right, (M,).
        num_texts: N.
    """

    min_confidences: Floats
    num_escalated: Ints
    num_right: Ints
    num_discordant: Ints
    num_texts: int

    @classmethod
    def of(cls, confidences: Float32s, fast_right: Bools, strong_right: Bools) -> Curve:
        """Measure every point.

        Args:
            confidences: The fast stage's, (N,), in [0, 1].
            fast_right: Which of its answers are right, (N,).
            strong_right: Which of the strong stage's, (N,).

        Returns:
            A point before all texts, and one behind each group of texts of one confidence. The confidence that tells a
            group from the next lies in the middle between both, so that rounding on another machine moves no text.
        """
        order = np.argsort(-confidences, kind="stable")
        ranked = confidences[order].astype(np.float64)
        gains = fast_right[order].astype(np.int64) - strong_right[order]
        is_last = np.append(ranked[1:] < ranked[:-1], True)  # of its group
        below = np.append(ranked[1:], 0.0)
        middles = (ranked + below) / 2
        num_answered = np.arange(1, len(ranked) + 1)[is_last]
        right = int(strong_right.sum())
        return cls(
            min_confidences=np.concatenate([[(1 + ranked[0]) / 2 if ranked[0] < 1 else np.inf], middles[is_last]]),
            num_escalated=len(ranked) - np.concatenate([[0], num_answered]),
            num_right=right + np.concatenate([[0], np.cumsum(gains)[is_last]]),
            num_discordant=np.concatenate([[0], np.cumsum(np.abs(gains))[is_last]]),
            num_texts=len(ranked),
        )

    def __len__(self) -> int:
        return len(self.min_confidences)

    @property
    def shares(self) -> Floats:
        """Share of the texts escalated, (M,)."""
        return np.asarray(self.num_escalated / self.num_texts)

    @property
    def accuracies(self) -> Floats:
        """Share of the texts that are right, (M,)."""
        return np.asarray(self.num_right / self.num_texts)

    @property
    def strong_accuracy(self) -> float:
        """Accuracy of the strong stage alone."""
        return float(self.accuracies[0])

    @property
    def fast_accuracy(self) -> float:
        """Accuracy of the fast stage alone."""
        return float(self.accuracies[-1])

    def point(self, index: int) -> Point:
        """Give one point."""
        return Point(float(self.min_confidences[index]), float(self.shares[index]), float(self.accuracies[index]))

    def thinned(self, most: int) -> list[Point]:
        """Give at most so many points, evenly over the shares, both ends among them."""
        wanted = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))
        return [self.point(index) for index in wanted.tolist()]

    def drops(self, confidence: float) -> Floats:
        """Bound the drop of each point against the strong stage alone, in points.

        Only texts about which exactly one stage is right count, and the spread of their sum is what other texts would
        change. One such text is added, so that seeing none does not prove that there is none.

        Args:
            confidence: With which the drop stays below, in [0.5, 1); 0.5 is the measured drop itself.

        Returns:
            (M,); below 0 where the cascade is better.
        """
        drop = self.strong_accuracy - self.accuracies
        variance = ((self.num_discordant + 1) / self.num_texts - drop**2) / self.num_texts
        return np.asarray(100 * (drop + NormalDist().inv_cdf(confidence) * np.sqrt(variance)))

    def cheapest_within(self, max_drop: float, confidence: float, shown_bound: float | None = None) -> Point:
        """Find the point that escalates least while its drop stays within a bound.

        Args:
            max_drop: In points.
            confidence: With which it stays within, in [0.5, 1).
            shown_bound: What it stays within with that confidence, in points, where the texts are too few to show
                ``max_drop``; the measured drop stays within ``max_drop`` all the same. None is ``max_drop``.

        Raises:
            NoGainError: If not even a text can be left to the fast stage; says what each stage reaches alone.
        """
        bound = max_drop if shown_bound is None else max(shown_bound, max_drop)
        is_within = (self.drops(confidence) <= bound + 1e-9) & (self.drops(0.5) <= max_drop + 1e-9)
        within = np.flatnonzero(is_within[1:])
        if not len(within):
            raise NoGainError(
                f"no text can be left to the fast model: no point of the curve stays within {bound:.2f} points of "
                f"the strong model with a confidence of {percent(confidence, digits=0)}. Alone, the strong model "
                f"has an accuracy of {percent(self.strong_accuracy)} and the fast one of {percent(self.fast_accuracy)} "
                f"on {self.num_texts:,} texts; allow more, lower --confidence, or give a better fast model"
            )
        return self.point(int(within[-1]) + 1)

    def best_within(self, share_escalated: float) -> Point:
        """Find the most accurate point that escalates at most a share of the texts; of equal ones, the cheapest.

        Args:
            share_escalated: In [0, 1].
        """
        allowed = np.flatnonzero(self.shares <= share_escalated)
        right = self.num_right[allowed]
        return self.point(int(allowed[np.flatnonzero(right == right.max())[-1]]))
