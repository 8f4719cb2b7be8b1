"""The curve is a sum that can be checked by hand, and a bound holds on other texts as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textwright.errors import NoGainError
from textwright.optimize.cascade.curve import Curve
from textwright.optimize.cascade.gate_answers import GateAnswers

TEXTS = st.lists(st.tuples(st.sampled_from([0.5, 0.6, 0.75, 0.9, 0.99, 1.0]), st.booleans(), st.booleans()), min_size=1)


def curve_of(rows):
    confidences, fast, strong = (np.array(column) for column in zip(*rows, strict=True))
    return Curve.of(confidences.astype(np.float32), fast.astype(np.bool_), strong.astype(np.bool_))


@given(TEXTS)
def test_every_point_is_what_running_the_cascade_there_gives(rows):
    curve = curve_of(rows)
    assert len(curve) == 1 + len({row[0] for row in rows})
    for index in range(len(curve)):
        point = curve.point(index)
        escalated = [confidence < point.min_confidence for confidence, _, _ in rows]
        right = [strong if sent else fast for sent, (_, fast, strong) in zip(escalated, rows, strict=True)]
        assert point.share_escalated == pytest.approx(np.mean(escalated))
        assert point.accuracy == pytest.approx(np.mean(right))


@given(TEXTS)
def test_thinning_keeps_both_ends(rows):
    curve = curve_of(rows)
    for most in (2, 5, 1_000):
        points = curve.thinned(most)
        assert len(points) <= most
        assert (points[0].share_escalated, points[-1].share_escalated) == (1.0, 0.0)


def draw(random, count):
    """Draw texts: the surer the fast stage, the more often it is right; the strong one is right in 88 %."""
    confidences = random.uniform(0.5, 1.0, count)
    return confidences.astype(np.float32), random.random(count) < confidences, random.random(count) < 0.88


def test_a_bound_holds_on_other_texts_as_often_as_it_says():
    random = np.random.default_rng(0)
    held = {0.5: 0, 0.8: 0, 0.95: 0}
    shares = dict.fromkeys(held, 0.0)
    for _ in range(200):
        curve = Curve.of(*draw(random, 1_000))
        for confidence in held:
            point = curve.cheapest_within(2.0, confidence)
            start = point.min_confidence
            drop = 0.88 * (1 - start) * 2 - (1 - start**2)  # expected: strong less fast, over certainties in [start, 1]
            held[confidence] += 100 * drop <= 2.0
            shares[confidence] += point.share_escalated / 200
    assert held[0.8] >= 0.72 * 200
    assert held[0.95] >= 0.9 * 200
    assert held[0.5] < held[0.8] < held[0.95]
    assert shares[0.5] < shares[0.8] < shares[0.95] < 0.9


def test_a_text_that_nobody_disagrees_about_costs_nothing_but_doubt():
    rows = [(0.9, True, True)] * 500 + [(0.6, False, True)] * 500
    point = curve_of(rows).cheapest_within(0.3, 0.8)
    assert (point.share_escalated, point.accuracy) == (0.5, 1.0)
    assert point.min_confidence == pytest.approx(0.75)


def test_no_point_within_the_bound_is_said_with_what_each_reaches():
    rows = [(0.9, False, True)] * 300
    with pytest.raises(
        NoGainError, match=r"strong model has an accuracy of 100\.0 % and the fast one of 0\.0 % on 300"
    ):
        curve_of(rows).cheapest_within(0.3, 0.8)


def test_a_budget_takes_the_most_accurate_point_and_of_equal_ones_the_cheapest():
    rows = [(0.9, True, False), (0.8, True, True), (0.7, True, True), (0.6, False, True)]
    curve = curve_of(rows)
    assert curve.best_within(1.0).share_escalated == pytest.approx(0.25)
    assert curve.best_within(0.2).share_escalated == 0.0


def test_few_texts_take_the_bound_that_they_can_show_but_not_one_measured_loss_more():
    rows = [(0.9, True, True)] * 40 + [(0.8, False, True)] + [(0.6, False, True)] * 59
    curve = curve_of(rows)
    with pytest.raises(NoGainError):
        curve.cheapest_within(0.3, 0.95)
    assert curve.cheapest_within(0.3, 0.95, shown_bound=3.0).share_escalated == pytest.approx(0.6)


def test_a_choice_is_tried_on_texts_that_it_was_not_made_on():
    random = np.random.default_rng(0)
    lost = []
    for _ in range(20):
        sure, fast_right, strong_right = draw(random, 200)
        answers = GateAnswers(sure, fast_right, strong_right, np.arange(200) % 5)
        measured = answers.curve().cheapest_within(0.5, 0.5)
        lost.append(answers.cross_validate(lambda curve: curve.cheapest_within(0.5, 0.5)).points)
        assert 100 * (strong_right.mean() - measured.accuracy) <= 0.5 + 1e-9
    assert np.mean(lost) > 0.5
