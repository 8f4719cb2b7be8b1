"""Dollars over traffic, and where another target becomes the cheapest one.

What is paid for by use has a straight line; what is paid for by the hour has a staircase. So they can cross more than
once, and every crossing is found that is wider than a step of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from textwright.deploy.cost_estimate.choices import Sizes, choose

_LEAST: Final = 1e2
_MOST: Final = 1e9
_PER_DECADE: Final = 40
_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class BreakEven:
    """A line for each target, and where they cross.

    Args:
        requests_per_day: A grid of traffics, equally spaced in the logarithm, (G,).
        usd_per_month: Target -> dollars a month of its cheapest size, (G,); absent for one of which no size will do.
        crossings: Requests a day at which another target becomes the cheapest, rising, (C,).
        cheapest: The cheapest target below the first crossing and above each one, (C + 1,); none if fewer than two
            targets have a size that will do.
    """

    requests_per_day: Sequence[float]
    usd_per_month: dict[str, Sequence[float]]
    crossings: Sequence[float]
    cheapest: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values; the lines follow from the rest and are left out."""
        first = self.cheapest[0] if self.cheapest else None
        return {"requests_per_day": list(self.crossings), "cheaper_below": first, "words": self.words()}

    def words(self) -> str:
        """Say which is cheaper, and where."""
        if not self.cheapest:
            only = next(iter(self.usd_per_month), None)
            return f"only {only} has a size that will do" if only else "no size will do"
        first, *others = self.cheapest
        if not self.crossings:
            return f"{first} is cheaper at any traffic from {_LEAST:,.0f} to {_MOST:,.0f} requests a day"
        point, *more = (round_number(it) for it in self.crossings)
        words = f"{first} is cheaper below {point} requests a day, {others[0]} above"
        if len(set(self.cheapest)) > 2:
            later = zip(others[1:], more, strict=True)
            return ", ".join([words, *(f"{name} above {point}" for name, point in later)])
        return f"{words}; they change places again at {', '.join(more)}" if more else words


def find_break_even(sizes: Sizes) -> BreakEven:
    """Follow each target from a hundred requests a day to a billion.

    Args:
        sizes: Every size at any traffic.

    Returns:
        The lines, and each crossing to six digits.
    """
    steps = round(_PER_DECADE * 7)
    grid = [_LEAST * (_MOST / _LEAST) ** (step / steps) for step in range(steps + 1)]
    targets = [title for title in sizes.titles if choose(sizes.at(_LEAST), title) is not None]
    costs = [_costs(sizes, targets, traffic) for traffic in grid]
    lines: dict[str, Sequence[float]] = {target: [usd[target] for usd in costs] for target in targets}
    if len(targets) < 2:
        return BreakEven(grid, lines, (), ())
    cheapest = [_cheapest(usd) for usd in costs]
    changes = [
        (pair, after)
        for pair, (before, after) in zip(pairwise(grid), pairwise(cheapest), strict=True)
        if before != after
    ]
    crossings = [_halve(sizes, targets, *pair) for pair, _ in changes]
    return BreakEven(grid, lines, crossings, [cheapest[0], *(after for _, after in changes)])


def round_number(requests: float) -> str:
    """Write a number of requests to three digits: a fourth is not known."""
    return f"{float(f'{requests:.3g}'):,.0f}"


def _halve(sizes: Sizes, targets: Iterable[str], low: float, high: float) -> float:
    before = _cheapest(_costs(sizes, targets, low))
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _cheapest(_costs(sizes, targets, middle)) == before else (low, middle)
    return math.sqrt(low * high)


def _costs(sizes: Sizes, targets: Iterable[str], traffic: float) -> dict[str, float]:
    """Return what the cheapest size of each target costs a month."""
    choices = [it for it in sizes.at(traffic) if not it.rejection_reason]
    return {name: min(it.estimate.usd_per_month for it in choices if it.target == name) for name in targets}


def _cheapest(usd_per_month: dict[str, float]) -> str:
    return min(usd_per_month, key=lambda name: usd_per_month[name])
