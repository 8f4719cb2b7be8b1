"""Metrics of a ranking by score, in numpy: ROC-AUC and average precision of one label, for many resamples at once.

They are no function of a mean over the examples, unlike those of ``core.metrics``: each resample needs the whole
ranking. The examples are sorted once, and a resample is the number of times that each of them was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from textwright.core.types import Bools, Float32s, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """N examples of one label, sorted by falling score; only scores that some positive example has are looked at.

    Examples with equal scores form a group, since no threshold tells them apart.

    Args:
        order: Positions of the examples, by falling score, (N,).
        starts: Where each group that holds a positive begins in ``order``, (G,).
        stops: Where it ends, (G,).
        positives: Positions of the positives, by falling score, (P,).
        first_positives: Index in ``positives`` of each group's first, (G,).
    """

    order: Ints
    starts: Ints
    stops: Ints
    positives: Ints
    first_positives: Ints

    @classmethod
    def of(cls, scores: Float32s, holds: Bools) -> Ranking:
        """Sort examples by score.

        Args:
            scores: Probability of the label, (N,).
            holds: Which examples have it, (N,).
        """
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        is_first = np.concatenate([[True], ranked[1:] != ranked[:-1]])
        begins = np.flatnonzero(is_first)
        group = np.cumsum(is_first) - 1  # (N,): of each place in the order
        places = np.flatnonzero(holds[order])
        groups, first_positives = np.unique(group[places], return_index=True)
        ends = np.append(begins[1:], len(order))
        return cls(order, begins[groups], ends[groups], order[places], first_positives)

    def coarse(self, max_groups: int) -> Ranking:
        """Take neighboring groups for one, as if their scores were equal, until at most ``max_groups`` are left.

        Both metrics change a little, and what a resample changes in them stays: enough for an interval.
        """
        step = -(-len(self.starts) // max_groups)
        if step <= 1:
            return self
        last = np.minimum(np.arange(step - 1, len(self.stops) + step - 1, step), len(self.stops) - 1)
        return Ranking(self.order, self.starts[::step], self.stops[last], self.positives, self.first_positives[::step])

    def measure(self, weights: Floats) -> tuple[Floats, Floats]:
        """Measure both metrics of some resamples.

        Args:
            weights: How often each example was drawn, (N, R); ones for the examples as they are.

        Returns:
            ROC-AUC and average precision, (R,) each, in [0, 1]: the chance that a random positive is ranked before a
            random negative, ties counted half, and the mean over the positives of the precision at their score. NaN
            where the resample has no positive, or, for ROC-AUC, no negative.

        Source:
            Fawcett, 2006, "An introduction to ROC analysis", section 7; average precision as in scikit-learn, without
            interpolation.
        """
        total = weights.sum(axis=0)  # (R,)
        if not len(self.positives):
            return np.full_like(total, np.nan), np.full_like(total, np.nan)
        gained = np.add.reduceat(weights[self.positives], self.first_positives, axis=0)  # (G, R): positives per group
        true_positives = np.cumsum(gained, axis=0)  # (G, R): positives down to the group's score
        before, ranked = self._sums(weights)  # (G, R): examples above the group, and down to its end
        num_positive = true_positives[-1]
        num_negative = total - num_positive
        false_before, false_ranked = before - (true_positives - gained), ranked - true_positives
        beaten = num_negative - (false_before + false_ranked) / 2  # (G, R): negatives ranked after, ties half
        precision = true_positives / np.maximum(ranked, 1)
        with np.errstate(invalid="ignore"):  # 0 / 0 is what is not defined
            auc = (gained * beaten).sum(axis=0, dtype=np.float64) / (num_positive * num_negative)
            average_precision = (gained * precision).sum(axis=0, dtype=np.float64) / num_positive
        return auc, average_precision

    def curve(self, max_points: int) -> Floats:
        """Give what a threshold at each score comes to, from the highest score down.

        Args:
            max_points: At most so many thresholds, evenly spread over the positives, >= 2.

        Returns:
            (3, P): false positive rate, recall (the true positive rate) and precision; a rate without an example to
            count is 0.
        """
        ones = np.ones((len(self.order), 1))
        _, ranked = self._sums(ones)  # (G, 1)
        ends = np.append(self.first_positives[1:], len(self.positives))
        chosen = np.unique(np.linspace(0, len(ends) - 1, min(max_points, len(ends))).round().astype(np.int64))
        true_positives, all_ranked = ends[chosen], ranked[chosen, 0]
        false = all_ranked - true_positives
        num_negative = max(len(self.order) - len(self.positives), 1)
        return np.stack(
            [
                false / num_negative,
                true_positives / max(len(self.positives), 1),
                true_positives / np.maximum(all_ranked, 1),
            ]
        )

    def _sums(self, weights: Floats) -> tuple[Floats, Floats]:
        """Add the weights up along the ranking, to the start and to the end of each group, (G, R) each."""
        bounds = np.unique(np.concatenate([[0], self.starts, self.stops]))  # (S,), of which the last may be N
        cuts = bounds[bounds < len(self.order)]
        segments = np.add.reduceat(weights[self.order], cuts, axis=0)  # (S or S - 1, R)
        up_to = np.concatenate([np.zeros_like(segments[:1]), np.cumsum(segments, axis=0)])  # (., R): up to each bound
        return up_to[np.searchsorted(bounds, self.starts)], up_to[np.searchsorted(bounds, self.stops)]
