"""The break-even point is where both bills are the same, and the cheaper one changes there."""

from __future__ import annotations

import pytest

from textwright.deploy.cost_estimate.break_even import find_break_even


def usd(sizes, target: str, traffic: float) -> float:
    return min(it.estimate.usd_per_month for it in sizes.at(traffic) if it.target == target and not it.rejection_reason)


def test_both_cost_the_same_at_the_point_and_change_places_there(sizes):
    it = sizes(instance_types=("t3.small",), memory_mb=(1769,))
    found = find_break_even(it)
    assert found.cheapest[0] == "Lambda"
    point = found.crossings[0]
    assert usd(it, "Lambda", point) == pytest.approx(usd(it, "EC2", point), rel=1e-4)
    assert usd(it, "Lambda", 0.9 * point) < usd(it, "EC2", 0.9 * point)
    assert usd(it, "Lambda", 1.1 * point) > usd(it, "EC2", 1.1 * point)


def test_every_crossing_of_a_staircase_is_found(sizes):
    # The second instance brings a load balancer, which makes Lambda the cheaper one once more for a while.
    it = sizes(instance_types=("c7i.large",), memory_mb=(1769,), cold_share=0, peak_factor=1.5)
    found = find_break_even(it)
    assert len(found.crossings) > 1
    assert list(found.crossings) == sorted(found.crossings)
    places = [usd(it, "Lambda", t * f) < usd(it, "EC2", t * f) for t in found.crossings for f in (0.999, 1.001)]
    assert all(before != after for before, after in zip(places[::2], places[1::2], strict=True))
    assert "change places again" in found.words()


def test_the_words_say_which_is_cheaper_where(sizes):
    found = find_break_even(sizes(instance_types=("t3.small",)))
    assert found.words().startswith("Lambda is cheaper below ")
    assert found.words().endswith(" requests a day, EC2 above")


def test_a_fleet_that_must_stand_ready_moves_the_point_up(sizes):
    one, two = (find_break_even(sizes(min_instances=number)).crossings[0] for number in (1, 2))
    assert two > 1.5 * one


def test_with_provisioned_concurrency_the_instance_is_cheaper_from_the_start(sizes):
    found = find_break_even(sizes(instance_types=("t3.small",), memory_mb=(1769,), provisioned=10))
    assert found.cheapest[0] == "EC2"
    assert found.words().startswith("EC2 is cheaper")


def test_where_one_has_no_size_that_will_do_there_is_no_point(sizes):
    found = find_break_even(sizes(memory_mb=(256,)))
    assert found.words() == "only EC2 has a size that will do"
    assert not found.crossings
    nothing = find_break_even(sizes(memory_mb=(256,), instance_types=("t3.micro",)))
    assert nothing.words() == "no size will do"
