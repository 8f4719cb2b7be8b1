"""The choice is a pure function of what was measured and of the constraints."""

from __future__ import annotations

import pytest

from textwright.model_search.choice import Finalist, choose, front, misses
from textwright.model_search.measure import candidates_of
from textwright.model_search.settings import Constraints
from textwright.model_search.trials import FinishedModel


def finalist(name: str, score: float, latency_ms: float, mb: float = 1.0, usd: float | None = None) -> Finalist:
    model = FinishedModel(name, name, name, "fp32", name, score, score, latency_ms / 1000, int(1e6 * mb))
    return Finalist(model, latency_ms, 1000 / latency_ms, usd)


FAST, MIDDLE, BEST = finalist("fast", 0.80, 0.1), finalist("middle", 0.857, 2.0, 25), finalist("best", 0.86, 8.0, 90)


def test_the_fastest_within_the_tolerance_of_the_best_is_taken() -> None:
    choice = choose([FAST, MIDDLE, BEST], Constraints(), 0.005, "accuracy")
    assert (choice.chosen, choice.best) == ("middle", "best")
    assert "4 times as many texts a second as best" in " ".join(choice.why)


def test_without_tolerance_the_best_is_taken() -> None:
    assert choose([FAST, MIDDLE, BEST], Constraints(), 0.0, "accuracy").chosen == "best"


@pytest.mark.parametrize(
    ("constraints", "chosen"),
    [
        (Constraints(max_latency_ms=5), "middle"),
        (Constraints(max_latency_ms=1), "fast"),
        (Constraints(max_size_mb=10), "fast"),
        (Constraints(min_accuracy=85.9), "best"),
    ],
)
def test_a_constraint_decides(constraints: Constraints, chosen: str) -> None:
    choice = choose([FAST, MIDDLE, BEST], constraints, 0.005, "accuracy")
    assert choice.chosen == chosen
    assert not choice.misses


def test_constraints_that_nothing_keeps_ship_nothing_and_say_by_how_much() -> None:
    choice = choose([FAST, MIDDLE, BEST], Constraints(max_latency_ms=1.9, min_accuracy=86), 0.005, "accuracy")
    assert choice.chosen == ""
    assert choice.nearest == "middle"
    assert [miss.name for miss in choice.misses] == ["max_latency_ms", "min_accuracy"]
    words = " ".join(choice.why)
    assert "nothing is shipped" in words
    assert "2 ms for one text, 1.1 times the 1.9 allowed" in words
    assert "0.3 points below 86 %" in words


def test_a_price_that_could_not_be_measured_keeps_no_bound() -> None:
    bound = Constraints(max_cost_per_million=5)
    assert not misses(finalist("a", 0.8, 1.0, usd=4.0), bound)
    assert misses(finalist("a", 0.8, 1.0, usd=8.0), bound)[0].words.startswith("8 dollars")
    assert "could not be measured" in misses(finalist("a", 0.8, 1.0), bound)[0].words


def test_the_front_holds_what_nothing_beats() -> None:
    beaten = finalist("beaten", 0.79, 0.2, 2.0)
    assert front([FAST, MIDDLE, BEST, beaten]) == {"fast", "middle", "best"}


def test_equals_are_both_on_the_front() -> None:
    assert front([FAST, finalist("twin", 0.80, 0.1)]) == {"fast", "twin"}


def test_of_graphs_that_cost_alike_the_best_is_timed() -> None:
    models = [
        FinishedModel(f"bert{number}", "", "", "fp32", "bert", score, score, 0.01, 90_000_000 + number)
        for number, score in enumerate((0.85, 0.87, 0.86))
    ]
    light = FinishedModel("bow", "", "", "fp32", "bow", 0.8, 0.8, 1e-5, 400_000)
    assert [model.name for model in candidates_of([*models, light])] == ["bert1", "bow"]
