"""Dollars over traffic, and where the cheapest size of EC2 becomes cheaper than the cheapest of Lambda.

Lambda's line is straight; EC2's is a staircase. So they can cross more than once, and every crossing is found that is
wider than a step of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from textwright.deploy.sizing.choices import TARGETS, Sizes, Target, choose

_LEAST: Final = 1e2
_MOST: Final = 1e9
_PER_DECADE: Final = 40
_HALVINGS: Final = 40


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Two lines and where they cross.

    Args:
        requests_per_day: A grid of traffics, equally spaced in the logarithm, (G,).
        usd_per_month: Target -> dollars a month of its cheapest size, (G,); absent for one of which no size will do.
        crossings: Requests a day at which the cheaper target changes, rising.
        first: The cheaper target at the least traffic of the grid; None if one of them has no size that will do.
    """

    requests_per_day: Sequence[float]
    usd_per_month: dict[Target, Sequence[float]]
    crossings: Sequence[float]
    first: Target | None

    def to_json(self) -> dict[str, Any]:
        """Return JSON-ready values; the lines follow from the rest and are left out."""
        return {"requests_per_day": list(self.crossings), "cheaper_below": self.first, "words": self.words()}

    def words(self) -> str:
        """Say which is cheaper, and where."""
        if self.first is None:
            only = next(iter(self.usd_per_month), None)
            return f"only {only} has a size that will do" if only else "no size will do"
        other = _other(self.first)
        if not self.crossings:
            return f"{self.first} is cheaper at any traffic from {_LEAST:,.0f} to {_MOST:,.0f} requests a day"
        point, *more = (round_number(it) for it in self.crossings)
        said = f"{self.first} is cheaper below {point} requests a day, {other} above"
        return f"{said}; they change places again at {', '.join(more)}" if more else said


def find_break_even(sizes: Sizes) -> BreakEven:
    """Follow both targets from a hundred requests a day to a billion.

    Args:
        sizes: Every size at any traffic.

    Returns:
        The lines, and each crossing to six digits.
    """
    steps = round(_PER_DECADE * 7)
    grid = [_LEAST * (_MOST / _LEAST) ** (step / steps) for step in range(steps + 1)]
    lines: dict[Target, Sequence[float]] = {}
    for target in TARGETS:
        if choose(sizes.at(_LEAST), target) is not None:
            lines[target] = [_usd(sizes, target, traffic) for traffic in grid]
    if len(lines) < len(TARGETS):
        return BreakEven(grid, lines, (), None)
    ahead = [one < other for one, other in zip(*lines.values(), strict=True)]
    changes = [pair for pair, (before, after) in zip(pairwise(grid), pairwise(ahead), strict=True) if before != after]
    return BreakEven(grid, lines, [_halve(sizes, *pair) for pair in changes], TARGETS[not ahead[0]])


def round_number(requests: float) -> str:
    """Write a number of requests to three digits: a fourth is not known."""
    return f"{float(f'{requests:.3g}'):,.0f}"


def _halve(sizes: Sizes, low: float, high: float) -> float:
    was_ahead = _is_ahead(sizes, low)
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if _is_ahead(sizes, middle) == was_ahead else (low, middle)
    return math.sqrt(low * high)


def _is_ahead(sizes: Sizes, traffic: float) -> bool:
    one, other = (_usd(sizes, target, traffic) for target in TARGETS)
    return one < other


def _usd(sizes: Sizes, target: Target, traffic: float) -> float:
    return min(it.estimate.usd_per_month for it in sizes.at(traffic) if it.target == target and not it.refusal)


def _other(target: Target) -> Target:
    return TARGETS[1 - TARGETS.index(target)]
