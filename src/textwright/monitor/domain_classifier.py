"""Can a classifier tell later texts from the reference texts? Where it can, they are of another kind.

Needs texts on both sides: recorded with ``--record-texts``, and those of a reference source. The classifier learns from
half of each and is judged on the other half, so that what it learned by heart does not count.

Source:
    Lopez-Paz & Oquab, 2017, "Revisiting Classifier Two-Sample Tests".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from textwright.core.labels import Labels
from textwright.data.dataset import Examples
from textwright.evaluate.linear import fit_linear
from textwright.monitor.drift_tests import DriftTest

_DOMAINS: Final = Labels(("current", "reference"))
_MAX_TEXTS: Final = 1_000
"""Of each side; a classifier of more takes minutes and tells no more."""
_FEWEST_TEXTS: Final = 40


def tell_apart(reference: Sequence[str], current: Sequence[str], *, seed: int = 0) -> DriftTest | None:
    """Train a classifier to tell texts apart, and judge it.

    Args:
        reference: Texts as at training.
        current: Later texts.
        seed: Of the halves.

    Returns:
        The test: its p-value is that of Mann and Whitney's test on the scores of the texts that were held out. None
        with fewer than 40 distinct texts on a side.
    """
    from scipy.stats import mannwhitneyu  # type: ignore[import-untyped]

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
