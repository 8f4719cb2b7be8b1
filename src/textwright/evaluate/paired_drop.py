"""How much accuracy one model can have lost against another: the measured drop on the same texts, and its upper bound.

Called by ``optimize``. Most texts are answered alike, so the difference is known much better than either accuracy; but
the fewer texts there are, the larger a loss they cannot exclude.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Self

import numpy as np

from textwright.core.types import Bools

CONFIDENCE: Final = 0.95
"""Of a bound, unless another is asked for."""
_NUM_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class PairedDrop:
    """Two models' answers to the same texts.

    Args:
        num_texts: N >= 1.
        num_lost: Texts that only the reference answers right.
        num_won: Texts that only the other model answers right.
    """

    num_texts: int
    num_lost: int
    num_won: int

    @classmethod
    def of(cls, right: Bools, reference_right: Bools) -> Self:
        """Count the texts that tell two models apart.

        Args:
            right: Which answers of the model are right, (N,).
            reference_right: Which of the reference's, (N,).
        """
        lost, won = np.count_nonzero(reference_right & ~right), np.count_nonzero(right & ~reference_right)
        return cls(len(right), int(lost), int(won))

    @property
    def points(self) -> float:
        """Reference's accuracy less the model's, in points; below 0 the model is better."""
        return 100 * (self.num_lost - self.num_won) / self.num_texts

    def upper_bound(self, confidence: float = CONFIDENCE) -> float:
        """Bound the drop on other texts of this kind, in points.

        It is the score bound of the difference of two paired proportions: the largest drop that a one-sided score test
        does not reject. Where no text tells the models apart it is exact: the largest share of losses of which N texts
        show none with a probability of 1 - confidence.

        Args:
            confidence: In [0.5, 1).

        Returns:
            At least the measured drop, at most 100.

        Source:
            Tango, 1998, "Equivalence Test and Confidence Interval for the Difference in Proportions for the
            Paired-Sample Design"; Hanley & Lippman-Hand, 1983, "If Nothing Goes Wrong, Is Everything All Right?".
        """
        if not self.num_lost and not self.num_won:
            return 100 * smallest_bound(self.num_texts, confidence)
        quantile = NormalDist().inv_cdf(confidence)
        low, high = self.points / 100, 1.0
        for _ in range(_NUM_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self._score(middle) > -quantile else (low, middle)
        return 100 * high

    def _score(self, drop: float) -> float:
        """Test the hypothesis that the drop is ``drop``, a share: the score statistic, near N(0, 1) if it is true."""
        num, lost, won = self.num_texts, self.num_lost, self.num_won
        # The share won under the hypothesis, by maximum likelihood: the larger root of a q^2 + b q + c.
        a, b, c = 2 * num, -lost - won + (2 * num - lost + won) * drop, -won * drop * (1 - drop)
        share_won = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        variance = num * (2 * share_won + drop * (1 - drop))
        return (lost - won - num * drop) / math.sqrt(variance) if variance > 0 else -math.inf


def bound_in_words(num_texts: int, bound: float) -> str:
    """Say in words how large a loss some texts leave possible.

    Args:
        num_texts: Texts compared.
        bound: As :meth:`PairedDrop.upper_bound` gives it with a confidence of 95 %, in points.
    """
    if bound < 0:
        return f"{num_texts:,} texts show a gain of at least {-bound:.2f} points (95 % confidence)"
    return f"{num_texts:,} texts cannot exclude a loss of up to {bound:.2f} points (95 % confidence)"


def smallest_bound(num_texts: int, confidence: float = CONFIDENCE) -> float:
    """Say which share of differences N texts exclude at best: if they show none.

    Args:
        num_texts: N >= 1.
        confidence: In [0, 1).

    Returns:
        A share in [0, 1].

    Source:
        Hanley & Lippman-Hand, 1983, "If Nothing Goes Wrong, Is Everything All Right?" (the rule of three).
    """
    return float(1 - (1 - confidence) ** (1 / num_texts))


def num_texts_for(bound: float, confidence: float = CONFIDENCE) -> int:
    """Count the texts without a difference that exclude a larger share of differences than a bound.

    Args:
        bound: In (0, 1); 1 needs a single text.
        confidence: With which they exclude it, in (0, 1).
    """
    return 1 if bound >= 1 else math.ceil(math.log(1 - confidence) / math.log1p(-bound))
