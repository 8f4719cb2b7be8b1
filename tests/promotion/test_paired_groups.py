"""How a candidate stands to the champion on the same texts."""

from __future__ import annotations

import numpy as np
import pytest

from textwright.promotion.paired_groups import PairedGroup, Standing, compare_slices


def group(num_both, num_lost, num_won, num_neither=0):
    candidate = np.repeat([True, False, True, False], [num_both, num_lost, num_won, num_neither])
    champion = np.repeat([True, True, False, False], [num_both, num_lost, num_won, num_neither])
    return PairedGroup.of("", candidate, champion)


@pytest.mark.parametrize(
    ("counts", "standing"),
    [
        ((900, 10, 40), Standing.BETTER),
        ((900, 40, 10), Standing.WORSE),
        ((5000, 20, 22), Standing.NOT_WORSE),
        ((9900, 60, 20), Standing.NOT_WORSE),  # significantly worse, by less than the margin
        ((900, 25, 26), Standing.UNDECIDED),  # a gain that is none
        ((500, 0, 0), Standing.NOT_WORSE),
        ((50, 0, 0), Standing.UNDECIDED),  # 50 like answers exclude no loss of a point
    ],
)
def test_standing(counts, standing):
    assert group(*counts).standing(1.0) is standing


def test_a_gain_that_is_not_significant_is_not_called_better():
    words = group(900, 25, 26).in_words(1.0)
    assert words.startswith("undecided: +0.11 points")
    assert "texts such as these would decide" in words


def test_the_interval_holds_the_difference():
    for counts in ((900, 10, 40), (10, 1, 0), (3, 0, 0), (0, 2, 0)):
        drop = group(*counts).drop
        assert drop.low <= drop.value <= drop.high


def test_the_texts_that_are_asked_for_would_decide():
    few = group(950, 25, 25)
    times = int(few.in_words(1.0).split("about ")[1].split(" texts")[0].replace(",", "")) / few.num_texts
    more = group(round(950 * times), round(25 * times), round(25 * times))
    assert more.standing(1.0) is Standing.NOT_WORSE


def test_a_slice_that_is_worse_is_named_and_small_ones_are_not_tested():
    candidate, champion = np.ones(400, dtype=bool), np.ones(400, dtype=bool)
    candidate[:40] = False
    where = np.arange(400)
    slices = {"first": where < 100, "rest": where >= 100, "tiny": where < 5, "none": where > 1000}
    groups = {item.name: item for item in compare_slices(slices, candidate, champion, min_texts=30)}
    assert set(groups) == {"first", "rest", "tiny"}
    assert groups["first"].is_worse
    assert not groups["rest"].is_worse
    assert not groups["tiny"].is_tested


def test_many_slices_without_a_difference_raise_no_alarm():
    generator = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        candidate, champion = generator.random((2, 600)) < 0.8
        slices = {str(number): np.arange(600) % 12 == number for number in range(12)}
        alarms += any(item.is_worse for item in compare_slices(slices, candidate, champion, min_texts=30))
    assert alarms <= 7  # Holm keeps it at 5 % for either direction, so 2.5 % are expected here
