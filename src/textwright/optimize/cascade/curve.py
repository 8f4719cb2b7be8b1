"""Accuracy against the share of texts sent on, and the point on it that keeps a bound. Arrays in, numbers out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textwright.core.types import Bools, Float32s, Floats, Ints
from textwright.errors import NoGainError


@dataclass(frozen=True, slots=True)
class Point:
    """One way to run a cascade.

    Args:
        certainty: The fast stage answers from this certainty on.
        share_sent_on: Share of the texts that the strong stage answers, in [0, 1].
        accuracy: Share of the texts that are right in whole.
    """

    certainty: float
    share_sent_on: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Every way to run a cascade on N texts, from all texts sent on to none.

    Args:
        certainties: What the fast stage answers from, falling, (M,).
        num_sent_on: Texts that the strong stage answers, falling from N to 0, (M,).
        num_right: Texts that are right in whole, (M,).
        num_texts: N.
    """

    certainties: Floats
    num_sent_on: Ints
    num_right: Ints
    num_texts: int

    @classmethod
    def of(cls, certainty: Float32s, fast_right: Bools, strong_right: Bools) -> Curve:
        """Measure every point.

        Args:
            certainty: The fast stage's, (N,), in [0, 1].
            fast_right: Which of its answers are right, (N,).
            strong_right: Which of the strong stage's, (N,).

        Returns:
            A point before all texts, and one behind each group of texts of one certainty. The certainty that tells a
            group from the next lies in the middle between both, so that rounding on another machine moves no text.
        """
        order = np.argsort(-certainty, kind="stable")
        ranked = certainty[order].astype(np.float64)
        gains = fast_right[order].astype(np.int64) - strong_right[order]
        is_last = np.append(ranked[1:] < ranked[:-1], True)  # of its group
        below = np.append(ranked[1:], 0.0)
        middles = (ranked + below) / 2
        num_answered = np.arange(1, len(ranked) + 1)[is_last]
        right = int(strong_right.sum())
        return cls(
            certainties=np.concatenate([[(1 + ranked[0]) / 2 if ranked[0] < 1 else np.inf], middles[is_last]]),
            num_sent_on=len(ranked) - np.concatenate([[0], num_answered]),
            num_right=right + np.concatenate([[0], np.cumsum(gains)[is_last]]),
            num_texts=len(ranked),
        )

    def __len__(self) -> int:
        return len(self.certainties)

    @property
    def shares(self) -> Floats:
        """Share of the texts sent on, (M,)."""
        return np.asarray(self.num_sent_on / self.num_texts)

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
        return Point(float(self.certainties[index]), float(self.shares[index]), float(self.accuracies[index]))

    def thinned(self, most: int) -> list[Point]:
        """Give at most so many points, evenly over the shares, both ends among them."""
        wanted = np.unique(np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(int))
        return [self.point(index) for index in wanted.tolist()]

    def cheapest_above(self, accuracy: float) -> Point:
        """Find the point that sends on least while accuracy holds, there and wherever more is sent on.

        So a lucky dip of the curve below its bound and back is not taken.

        Args:
            accuracy: Least share of right texts, in [0, 1].

        Raises:
            NoGainError: If not even a text can be left to the fast stage; says what each stage reaches alone.
        """
        holds = self.num_right >= np.ceil(accuracy * self.num_texts - 1e-9)
        first_below = int(holds.argmin()) if not holds.all() else len(self)
        if first_below < 2:
            raise NoGainError(
                f"no text can be left to the fast model within the bound of {accuracy:.2%} accuracy: alone, the strong "
                f"model reaches {self.strong_accuracy:.2%} and the fast one {self.fast_accuracy:.2%} on "
                f"{self.num_texts:,} validation texts; allow more, or give a better fast model"
            )
        return self.point(first_below - 1)

    def best_within(self, share_sent_on: float) -> Point:
        """Find the most accurate point that sends on at most a share of the texts; of equal ones, the cheapest.

        Args:
            share_sent_on: In [0, 1].
        """
        allowed = np.flatnonzero(self.shares <= share_sent_on)
        right = self.num_right[allowed]
        return self.point(int(allowed[np.flatnonzero(right == right.max())[-1]]))
