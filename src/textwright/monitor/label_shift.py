"""How often does each label occur among texts without labels? Estimated from what the model says about them.

Where the labels' shares change but not what the texts of each label look like, the mean probabilities of the texts are
a mixture of those of each label, which the reference profile holds. The shares are those that mix them best. Where the
texts themselves have changed, the estimate means nothing: the other tests tell.

Source:
    Lipton, Wang & Smola, 2018, "Detecting and Correcting for Label Shift with Black Box Predictors"; with mean
    probabilities in place of counts of predictions, which vary less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from textwright.core.reference_profile import ReferenceProfile
from textwright.core.types import Floats
from textwright.evaluate.intervals import Interval, resamples
from textwright.monitor.sample import Sample

_MOST_RESAMPLES, _FEWEST_RESAMPLES = 1_000, 200
_WEIGHTS: Final = 20_000_000
"""Over all resamples and texts from which on fewer resamples are drawn: some seconds."""
_LEAST_SEPARATION: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class LabelShares:
    """Shares of the labels, with what other samples would have given.

    Args:
        reference: Among the reference texts, (K,).
        estimated: Among the texts, (K,).
        resampled: The estimate of each resample, (R, K).
        weights: Of the texts in each resample, (R, N), each row of mean 1.
    """

    reference: Floats
    estimated: Floats
    resampled: Floats
    weights: Floats

    def interval(self, label: int) -> Interval:
        """Give the estimated share of a label with its 95 % interval."""
        return interval_of(float(self.estimated[label]), self.resampled[:, label])


def estimate_label_shares(profile: ReferenceProfile, sample: Sample, *, seed: int = 0) -> LabelShares | None:
    """Estimate the share of each label.

    Both the texts and the reference are resampled: neither is known exactly.

    Args:
        profile: The reference.
        sample: N >= 1 texts.
        seed: Of the resamples.

    Returns:
        The shares; None for a profile of more labels than it can tell.
    """
    if not len(profile.mean_probabilities):
        return None
    means, deviations = np.array(profile.mean_probabilities), np.array(profile.probability_deviations)
    reference = np.array(profile.label_counts) / profile.num_texts
    num_resamples = int(np.clip(_WEIGHTS // len(sample), _FEWEST_RESAMPLES, _MOST_RESAMPLES))
    weights = np.concatenate(list(resamples(len(sample), num_resamples, seed)))
    current = sample.probabilities.astype(np.float64)
    solve = _solve_each if sample.is_multi_label else _solve_mixtures
    errors = _reference_errors(profile, deviations, num_resamples, seed, is_multi_label=sample.is_multi_label)
    (estimated,) = solve(means[None], current.mean(axis=0, keepdims=True))
    return LabelShares(reference, estimated, solve(means + errors, weights @ current / len(sample)), weights)


def interval_of(value: float, draws: Floats) -> Interval:
    """Make a 95 % interval of resamples, widened to hold the value."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def _reference_errors(
    profile: ReferenceProfile, deviations: Floats, num_resamples: int, seed: int, *, is_multi_label: bool
) -> Floats:
    """Draw what other reference texts would have added to the mean probabilities of each label, for R resamples.

    The probabilities of a text add up to 1, so their errors add up to 0; the factor keeps the deviation of each.
    """
    counts = np.array(profile.label_counts, dtype=np.float64)
    sizes = np.stack([profile.num_texts - counts, counts]) if is_multi_label else counts[:, None]
    scale = deviations / np.sqrt(np.maximum(sizes, 1))
    errors = np.random.default_rng([seed, 1]).standard_normal((num_resamples, *deviations.shape)) * scale
    if not is_multi_label and len(counts) > 1:
        errors -= errors.mean(axis=2, keepdims=True)
        errors *= np.sqrt(len(counts) / (len(counts) - 1))
    return np.asarray(errors)


def _solve_mixtures(means: Floats, current: Floats) -> Floats:
    """Find the shares, (R, K), with which the rows of (R, K, K) mix to the mean probabilities (R, K) best."""
    from scipy.optimize import nnls  # type: ignore[import-untyped]

    if current.shape[1] == 2:  # a line: its nearest point
        second = _solve_each(means[:, :, 1:], current[:, 1:])
        return np.concatenate([1 - second, second], axis=1)
    shares = np.stack([nnls(rows.T, np.maximum(row, 0))[0] for rows, row in zip(means, current, strict=True)])
    return np.asarray(shares / np.maximum(shares.sum(axis=1, keepdims=True), _LEAST_SEPARATION))


def _solve_each(means: Floats, current: Floats) -> Floats:
    """Find the share of each label by itself, (R, K), from rows without and with it, (R, 2, K)."""
    without, with_label = means[:, 0], means[:, 1]
    separation = np.maximum(with_label - without, _LEAST_SEPARATION)
    return np.asarray(np.clip((current - without) / separation, 0, 1))
