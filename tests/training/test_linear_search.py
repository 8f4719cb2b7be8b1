"""Choosing a linear model: by how much a score has to be better, and which of several noisy scores is taken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from textwright.models.linear import Features
from textwright.training.linear_search import SearchCandidate, SearchResult, smooth


def make_choice(fold_scores: Sequence[float], *, strength: float = 1.0) -> SearchResult:
    scores = np.array(fold_scores)
    settings = SearchCandidate(Features.WORDS, is_cased=False, strength=strength)
    return SearchResult(settings, (float(scores.mean()), -1.0), 0.5, scores, np.zeros((3, 2), dtype=np.float32))


@pytest.mark.parametrize(
    ("fold_scores", "is_better"),
    [
        ((0.72, 0.71, 0.73), True),  # 0.02 in each fold
        ((0.90, 0.60, 0.65), False),  # 0.017 on average, and noise
        ((0.70, 0.69, 0.71), False),  # equal
        ((0.60, 0.60, 0.60), False),
    ],
)
def test_a_difference_counts_where_the_folds_agree(fold_scores: Sequence[float], *, is_better: bool) -> None:
    assert make_choice(fold_scores).is_clearly_better(make_choice((0.70, 0.69, 0.71))) is is_better


def test_of_one_fold_any_difference_counts() -> None:
    assert make_choice([0.71]).is_clearly_better(make_choice([0.70]))
    assert not make_choice([0.70]).is_clearly_better(make_choice([0.70]))


def test_a_score_that_those_beside_it_do_not_share_is_not_the_best() -> None:
    path = [make_choice([score]) for score in (0.80, 0.60, 0.70, 0.75, 0.74, 0.60)]
    means = [mean for mean, _ in smooth(path)]
    assert means == pytest.approx([0.70, 0.70, 0.6833333, 0.73, 0.6966667, 0.67])
    assert np.argmax(means) == 3
