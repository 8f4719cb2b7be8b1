"""The paired test agrees with counting every case by hand."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textwright.errors import DataError
from textwright.evaluate.paired import holm, paired_p_value

RIGHT = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=9)


@given(rows=RIGHT)
@settings(max_examples=80)
def test_it_is_the_share_of_reversals_that_are_as_extreme(rows: list[tuple[int, int]]) -> None:
    first, second = np.array(rows).T
    differences = first * 2 - second * 3
    totals = [abs(int((differences * signs).sum())) for signs in itertools.product([1, -1], repeat=len(rows))]
    expected = np.mean([total >= abs(int(differences.sum())) for total in totals])
    assert paired_p_value(first, second, runs=(3, 2)) == pytest.approx(expected, abs=1e-12)


@given(wins=st.integers(0, 40), losses=st.integers(0, 40), ties=st.integers(0, 5))
@settings(max_examples=80)
def test_with_one_run_each_it_is_mcnemars_exact_test(wins: int, losses: int, ties: int) -> None:
    first = np.repeat([1, 0, 1], [wins, losses, ties])
    second = np.repeat([0, 1, 1], [wins, losses, ties])
    num = wins + losses
    tail = sum(comb(num, k) for k in range(min(wins, losses) + 1)) / 2**num
    assert paired_p_value(first, second) == pytest.approx(min(1.0, 2 * tail), abs=1e-12)


def test_equal_runs_repeated_change_nothing() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 2, (2, 500))
    assert paired_p_value(5 * first, second, runs=(5, 1)) == pytest.approx(paired_p_value(first, second), abs=1e-12)


def test_under_the_null_small_values_are_as_rare_as_they_say() -> None:
    random = np.random.default_rng(0)
    values = [paired_p_value(*random.integers(0, 6, (2, 200)), runs=(5, 5)) for _ in range(400)]
    assert np.mean(np.array(values) < 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(np.array(values) < 0.5) == pytest.approx(0.5, abs=0.08)


def test_a_clear_difference_on_many_examples_is_seen() -> None:
    random = np.random.default_rng(0)
    first, second = random.binomial(5, 0.87, 20_000), random.binomial(5, 0.80, 20_000)
    assert paired_p_value(first, second, runs=(5, 5)) < 1e-10


def test_other_examples_cannot_be_paired() -> None:
    with pytest.raises(DataError, match="3 and 4 examples cannot be paired"):
        paired_p_value(np.ones(3, int), np.ones(4, int))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
