"""How often is the model right about texts without labels? As often as it says it is, if its confidence can be trusted.

The mean of calibrated confidences is the expected accuracy, plus what it was off by on the reference. It holds as long
as the probabilities mean what they meant there. A model that meets texts of another kind is often surer than it should
be, and no text without a label can show that. Where only the shares of the labels have changed, the probabilities are
corrected for it first.

Source:
    Guillory et al., 2021, "Predicting with Confidence on Unseen Distributions" (difference of confidences);
    Saerens, Latinne & Decaestecker, 2002, "Adjusting the Outputs of a Classifier to New a Priori Probabilities".
"""

from __future__ import annotations

from typing import Final

import numpy as np

from textwright.core.reference_profile import ReferenceProfile
from textwright.core.types import Bools, Floats, Ints
from textwright.evaluate.intervals import Interval, resamples
from textwright.evaluate.profile import confidence_of, decision_confidence
from textwright.monitor.label_shift import LabelShares, interval_of
from textwright.monitor.sample import Sample

_NUM_RESAMPLES: Final = 200
_RARE: Final = 1e-4
"""Shares of labels below are read as this one: a label without a reference text has no ratio."""
_LEAST: Final = 1e-12
_BLOCK: Final = 4_000_000
"""Texts times resamples that are computed at once."""


def reference_accuracy(profile: ReferenceProfile) -> float:
    """Give the share of right decisions on the reference texts, in [0, 1]."""
    rows = np.array(profile.calibration)
    return float(rows[:, 3].sum() / rows[:, 2].sum())


def _calibration_gap(profile: ReferenceProfile) -> float:
    """Give what the mean confidence was too low by on the reference; next to nothing for a calibrated model."""
    rows = np.array(profile.calibration)
    return reference_accuracy(profile) - float(rows[:, 2] @ rows[:, 4] / rows[:, 2].sum())


def expected_accuracy(profile: ReferenceProfile, sample: Sample, *, seed: int = 0) -> Interval:
    """Estimate the accuracy on texts without labels, of a multi-label task the share of right decisions.

    Args:
        profile: The reference; its size says how sure the calibration is.
        sample: N >= 1 texts.
        seed: Of the resamples.

    Returns:
        The mean confidence, corrected by the reference, with a 95 % interval of the accuracy on these very texts.
    """
    confidences = decision_confidence(sample.predicted, sample.probabilities).mean(axis=1)
    weights = np.concatenate(list(resamples(len(sample), _NUM_RESAMPLES, seed)))
    draws = weights @ confidences / len(sample)
    return _with_errors(float(confidences.mean()), draws, profile, confidences, seed)


def accuracy_after_label_shift(
    profile: ReferenceProfile, sample: Sample, shares: LabelShares, *, seed: int = 0
) -> Interval:
    """Estimate the accuracy where the shares of the labels have changed, and nothing else.

    Args:
        profile: The reference.
        sample: N >= 1 texts.
        shares: Of the labels among them, as estimated.
        seed: Of the errors.

    Returns:
        As for :func:`expected_accuracy`.
    """
    (confidences,) = _corrected(sample, shares.reference, shares.estimated[None])
    blocks = np.array_split(np.arange(len(shares.resampled)), max(len(sample) * len(shares.resampled) // _BLOCK, 1))
    draws = [
        (shares.weights[block] * _corrected(sample, shares.reference, shares.resampled[block])).mean(axis=1)
        for block in blocks
    ]
    return _with_errors(float(confidences.mean()), np.concatenate(draws), profile, confidences, seed)


def _corrected(sample: Sample, reference: Floats, current: Floats) -> Floats:
    """Correct the confidence of each decision for other shares of the labels, (R, K): (R, N)."""
    wide = sample.probabilities.astype(np.float64)
    ratio = np.maximum(current, _RARE) / np.maximum(reference, _RARE)  # (R, K)
    if sample.is_multi_label:
        other = np.maximum(1 - current, _RARE) / np.maximum(1 - reference, _RARE)
        return np.stack(
            [_corrected_decisions(sample.predicted, wide, *rows) for rows in zip(ratio, other, strict=True)]
        )
    chosen = confidence_of(sample.predicted, sample.probabilities) * ratio[:, sample.predicted]  # (R, N)
    return np.asarray(chosen / np.maximum(ratio @ wide.T, _LEAST))


def _corrected_decisions(predicted: Ints | Bools, wide: Floats, ratio: Floats, other: Floats) -> Floats:
    """Correct the decisions of a multi-label task, and average them over the labels, (N,)."""
    corrected = wide * ratio / np.maximum(wide * ratio + (1 - wide) * other, _LEAST)
    return np.asarray(decision_confidence(predicted, corrected.astype(np.float32)).mean(axis=1))


def _with_errors(value: float, draws: Floats, profile: ReferenceProfile, confidences: Floats, seed: int) -> Interval:
    """Add what is not known of the calibration, and that an accuracy of few texts differs from its expectation."""
    random, right = np.random.default_rng([seed, 2]), reference_accuracy(profile)
    calibration = np.sqrt(right * (1 - right) / profile.num_texts)
    chance = np.sqrt((confidences * (1 - confidences)).mean() / len(confidences))
    noise = random.standard_normal(len(draws)) * np.hypot(calibration, chance)
    gap = _calibration_gap(profile)
    interval = interval_of(value + gap, draws + gap + noise)
    return Interval(*(min(max(number, 0.0), 1.0) for number in (interval.value, interval.low, interval.high)))
