"""The bound of a drop: values worked out elsewhere, and that it holds on other texts as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.evaluate.paired_drop import PairedDrop, bound_in_words, num_texts_for, smallest_bound


def test_it_counts_the_texts_that_tell_two_models_apart():
    right = np.array([True, False, True, False, False])
    was_right = np.array([True, True, False, True, False])
    drop = PairedDrop.of(right, was_right)
    assert drop == PairedDrop(num_texts=5, num_lost=2, num_won=1)
    assert drop.points == pytest.approx(20.0)


def test_texts_without_a_difference_follow_the_rule_of_three():
    assert PairedDrop(214, 0, 0).upper_bound() == pytest.approx(1.39, abs=0.005)
    assert PairedDrop(300, 0, 0).upper_bound() == pytest.approx(300 / 300, rel=0.01)
    assert num_texts_for(0.01) == 299
    assert num_texts_for(0.003) == 998
    assert smallest_bound(299) <= 0.01 < smallest_bound(298)


def test_the_bound_is_the_score_bound():
    """Tango, 1998, the trial of 44 pairs of which 0 and 1 disagree: a two-sided 95 % interval up to 11.8 points."""
    assert PairedDrop(44, 1, 0).upper_bound(0.975) == pytest.approx(11.8, abs=0.05)


@given(st.integers(1, 2_000), st.integers(0, 40), st.integers(0, 40))
def test_a_bound_lies_above_what_was_measured_and_more_losses_raise_it(num, lost, won):
    drop = PairedDrop(num + lost + won, lost, won)
    worse = PairedDrop(drop.num_texts, lost + 1, won)
    assert drop.points - 1e-9 <= drop.upper_bound(0.5) + 1e-9 <= drop.upper_bound(0.95) + 2e-9 <= 100 + 1e-6
    assert worse.upper_bound() > drop.upper_bound() - 1e-9


@pytest.mark.parametrize(
    ("num", "lost", "won"), [(100, 0.02, 0.01), (300, 0.01, 0.0), (300, 0.05, 0.1), (1_000, 0.004, 0.002)]
)
def test_a_bound_holds_on_other_texts_as_often_as_it_says(num, lost, won):
    random = np.random.default_rng(0)
    draws = random.multinomial(num, [lost, won, 1 - lost - won], size=1_000)
    counts, times = np.unique(draws[:, :2], axis=0, return_counts=True)
    bounds = np.array([PairedDrop(num, *row).upper_bound() for row in counts.tolist()])
    assert times[bounds >= 100 * (lost - won) - 1e-9].sum() >= 0.925 * 1_000


def test_a_bound_is_said_in_words():
    assert bound_in_words(214, 1.39) == "214 texts cannot exclude a loss of up to 1.39 points (95 % confidence)"
    assert bound_in_words(1_057, -0.27) == "1,057 texts show a gain of at least 0.27 points (95 % confidence)"
