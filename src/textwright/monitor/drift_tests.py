"""Do texts come from another distribution than the reference? One test for each thing that is recorded.

Every test is valid for any distribution and for few texts: it alarms too seldom rather than too often. Together they
are corrected by Holm's procedure, so that a run in which nothing has changed alarms with a probability of at most the
alarm level. Besides being significant, a difference must be large enough to matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from textwright.core.labels import Labels
from textwright.core.reference_profile import (
    NUM_CONFIDENCE_BINS,
    NUM_LENGTH_BINS,
    NUM_UNKNOWN_BINS,
    ReferenceProfile,
    confidence_bins,
    counts_of,
    length_bins,
    unknown_bins,
)
from textwright.core.types import Floats
from textwright.data.dataset import Examples
from textwright.evaluate.linear import fit_linear
from textwright.evaluate.paired import holm
from textwright.monitor.sample import Sample

TITLES: Final = {
    "labels": "predicted labels",
    "confidence": "confidence",
    "length": "length",
    "unknown": "unknown tokens",
    "words": "words",
    "domain": "domain classifier",
}
"""What each test looks at."""
_SMALLEST_SHOWN: Final = 1e-15
_MOST_EXACT: Final = 16
_LEAST_VARIANCE: Final = 1e-9
_DOMAINS: Final = Labels(("current", "reference"))
_MAX_TEXTS: Final = 1_000
"""Of each side, for the domain classifier; one of more texts takes minutes and tells no more."""
_FEWEST_TEXTS: Final = 40


@dataclass(frozen=True, slots=True)
class DriftTest:
    """One comparison with the reference.

    Args:
        name: A key of :data:`TITLES`.
        effect: How far apart the two are, in [0, 1]: of confidence, length and unknown tokens the largest difference of
            the shares of texts below any value; of labels and words the largest change of a share; of the domain
            classifier the area under its ROC curve less one half.
        p_value: Probability of such a difference if nothing had changed.
        adjusted_p_value: The same for all tests of the run together (Holm).
        is_alarm: Whether that is below the alarm level, and the effect large enough.
    """

    name: str
    effect: float
    p_value: float
    adjusted_p_value: float = 1.0
    is_alarm: bool = False

    @property
    def title(self) -> str:
        """What it looks at."""
        return TITLES[self.name]


def p_in_words(p_value: float) -> str:
    """Write a p-value with two digits; one that is too small for them as a bound."""
    return f"{p_value:.2g}" if p_value >= _SMALLEST_SHOWN else f"<{_SMALLEST_SHOWN:g}"


def compare_distributions(profile: ReferenceProfile, sample: Sample) -> list[DriftTest]:
    """Compare all that a profile holds.

    Args:
        profile: The reference.
        sample: N >= 1 texts.

    Returns:
        Tests, not yet adjusted for being several.

    Source:
        Rabanser, Gunnemann & Lipton, 2019, "Failing Loudly: An Empirical Study of Methods for Detecting Dataset Shift",
        for tests on a model's outputs, each by itself, with a correction.
    """
    confidences = counts_of(confidence_bins(sample.confidences), NUM_CONFIDENCE_BINS)
    lengths = counts_of(length_bins(sample.num_tokens), NUM_LENGTH_BINS)
    unknown = counts_of(unknown_bins(sample.unknown_rates.astype(np.float64)), NUM_UNKNOWN_BINS)
    sizes = profile.num_texts, len(sample)
    labels = profile.predicted_counts, sample.predicted_counts
    is_binary = len(labels[0]) == 2 and not sample.is_multi_label
    if is_binary:  # one share says it all
        labels = labels[0][:1], labels[1][:1]
    return [
        DriftTest("labels", *_compare_shares(*labels, sizes)),
        DriftTest("confidence", *_compare_counts(profile.confidences, confidences)),
        DriftTest("length", *_compare_counts(profile.lengths, lengths)),
        DriftTest("unknown", *_compare_counts(profile.unknown_rates, unknown)),
        DriftTest("words", *_compare_shares(profile.words, sample.word_counts, sizes)),
    ]


def decide(tests: Sequence[DriftTest], *, alarm_level: float, min_effect: float) -> list[DriftTest]:
    """Correct for having made several tests, and say which are alarms.

    Args:
        tests: Of one run.
        alarm_level: Probability of any alarm where nothing has changed.
        min_effect: Smallest effect that is an alarm.
    """
    adjusted = holm([test.p_value for test in tests])
    return [
        replace(test, adjusted_p_value=value, is_alarm=value < alarm_level and test.effect >= min_effect)
        for test, value in zip(tests, adjusted, strict=True)
    ]


def _compare_counts(reference: Sequence[int], current: Sequence[int]) -> tuple[float, float]:
    """Compare ordered counts by the two-sample Kolmogorov-Smirnov test, which ties make careful: effect and p-value."""
    from scipy.stats import ks_2samp  # type: ignore[import-untyped]

    bins = np.arange(len(reference))
    outcome = ks_2samp(np.repeat(bins, reference), np.repeat(bins, current), method="asymp")
    return float(outcome.statistic), float(outcome.pvalue)


def _compare_shares(reference: Sequence[int], current: Sequence[int], sizes: tuple[int, int]) -> tuple[float, float]:
    """Compare shares of texts, each by Fisher's exact test, corrected for their number (Bonferroni).

    The shares may depend on each other in any way, as those of words do: the correction asks for nothing.
    """
    from scipy.stats import hypergeom

    before, after = np.asarray(reference), np.asarray(current)
    occurs = before + after > 0
    before, after = before[occurs], after[occurs]
    if not len(before):
        return 0.0, 1.0
    effect: Floats = np.abs(before / sizes[0] - after / sizes[1])
    pooled = (before + after) / sum(sizes)
    # The smallest p-value is among the largest differences in standard deviations; the exact test takes time.
    extreme = np.argsort(-effect / np.sqrt(np.maximum(pooled * (1 - pooled), _LEAST_VARIANCE)))[:_MOST_EXACT]
    drawn = hypergeom(sum(sizes), (before + after)[extreme], sizes[1])
    p_values = 2 * np.minimum(drawn.cdf(after[extreme]), drawn.sf(after[extreme] - 1))
    return float(effect.max()), float(min(p_values.min() * len(before), 1.0))


def tell_apart(reference: Sequence[str], current: Sequence[str], *, seed: int = 0) -> DriftTest | None:
    """Train a classifier to tell texts apart, and judge it: where it can, they are of another kind.

    It needs texts on both sides: recorded with ``--record-texts``, and those of a reference source. It learns from half
    of each and is judged on the other half, so that what it learned by heart does not count.

    Args:
        reference: Texts as at training.
        current: Later texts.
        seed: Of the halves.

    Returns:
        The test: its p-value is that of Mann and Whitney's test on the scores of the texts that were held out. None
        with fewer than 40 distinct texts on a side.

    Source:
        Lopez-Paz & Oquab, 2017, "Revisiting Classifier Two-Sample Tests".
    """
    from scipy.stats import mannwhitneyu

    random = np.random.default_rng(seed)
    sides = [list(dict.fromkeys(texts)) for texts in (current, reference)]  # a repeated text would stand in both halves
    both = set(sides[0]) & set(sides[1])
    sides = [[text for text in texts if text not in both] for texts in sides]
    size = min(*map(len, sides), _MAX_TEXTS)
    if size < _FEWEST_TEXTS:
        return None
    picked = [[texts[row] for row in random.permutation(len(texts))[:size].tolist()] for texts in sides]
    half = size // 2
    learned = Examples([*picked[0][:half], *picked[1][:half]], np.repeat([0, 1], half))
    model = fit_linear(learned, _DOMAINS)
    current_scores, reference_scores = (model.probabilities(texts[half:])[:, 0] for texts in picked)
    outcome = mannwhitneyu(current_scores, reference_scores, alternative="greater")
    area = float(outcome.statistic) / (len(current_scores) * len(reference_scores))
    return DriftTest("domain", max(area - 0.5, 0.0), float(outcome.pvalue))
