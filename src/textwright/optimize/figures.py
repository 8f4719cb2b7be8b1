"""The plot of an optimization. Imported only where it is drawn, since this brings matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Final, NamedTuple

from textwright.evaluate.scores import TITLES
from textwright.report.svg import (
    FULL_WIDTH,
    MARKERS,
    MUTED,
    RIGHT,
    SERIES,
    Axes,
    legend,
    page_svg,
    percent_ticks,
    shortened,
)

if TYPE_CHECKING:
    from textwright.optimize.outcome import OptimizationResult

_HEIGHT: Final = 4.6
_AREA_PER_MB: Final = 14.0
_LEAST_SPAN: Final = 0.02
"""Of the accuracies that are shown: less would make much of what is chance."""


class _Bubble(NamedTuple):
    """One variant: milliseconds for one text, share answered right, bytes, and whether it is in the artifact."""

    name: str
    latency_ms: float
    accuracy: float
    size_bytes: float
    is_kept: bool


def tradeoff(outcome: OptimizationResult) -> str:
    """Draw accuracy on the gate texts against the time of one text; the area of a bubble is the size of the graph.

    Args:
        outcome: With at least one variant whose cost was measured.

    Returns:
        SVG. Names with a check mark were kept; the line joins the variants that no other one beats in both.
    """
    bubbles = _bubbles(outcome)

    def draw(axes: Axes) -> None:
        _draw_frontier(axes, bubbles)
        for item, color, marker in zip(bubbles, _colors(len(bubbles)), cycle(MARKERS), strict=False):
            area = _AREA_PER_MB * item.size_bytes / 1e6
            axes.scatter(item.latency_ms, item.accuracy, s=area, color=color, alpha=0.25, linewidths=0)
            name = shortened(item.name) + (" \N{CHECK MARK}" if item.is_kept else "")
            axes.plot(item.latency_ms, item.accuracy, color=color, marker=marker, linestyle="", label=name)
        axes.set(xlabel="Milliseconds for one text", ylabel=f"{TITLES[outcome.metric]} on the gate texts")
        axes.set_xlim(0, 1.25 * max(item.latency_ms for item in bubbles))
        axes.set_ylim(*_accuracies(bubbles))
        percent_ticks(axes.yaxis)
        axes.yaxis.get_major_formatter().decimals = 1
        legend(axes)

    return page_svg("tradeoff", (FULL_WIDTH, _HEIGHT), draw)


def _bubbles(outcome: OptimizationResult) -> list[_Bubble]:
    """List the reference, then every variant that was timed.

    Places follow from the gains, which were measured in turn: milliseconds of different moments cannot be compared.
    """
    timed = [(it, it.gate, it.cost) for it in outcome.candidates if it.gate and it.cost]
    reference = outcome.reference_cost()
    if reference is None:
        return []
    latency = reference.latency_ms
    bubbles = [_Bubble(outcome.reference, latency, outcome.accuracy, reference.size_bytes, is_kept=True)]
    for candidate, gate, cost in timed:
        if gate is not None and cost is not None:
            is_kept = candidate.name in outcome.kept
            bubbles.append(
                _Bubble(candidate.name, latency / cost.latency_gain, gate.accuracy, cost.size_bytes, is_kept)
            )
    return bubbles


def _accuracies(bubbles: Sequence[_Bubble]) -> tuple[float, float]:
    low, high = (choose(item.accuracy for item in bubbles) for choose in (min, max))
    middle, half = (low + high) / 2, max(high - low, _LEAST_SPAN) * 0.7
    return middle - half, middle + half


def _colors(count: int) -> list[str]:
    colors = cycle(SERIES)
    return [MUTED, *(next(colors) for _ in range(count - 1))]


def _draw_frontier(axes: Axes, bubbles: Sequence[_Bubble]) -> None:
    best: list[_Bubble] = []
    for item in sorted(bubbles, key=lambda it: (it.latency_ms, -it.accuracy)):
        if not best or item.accuracy > best[-1].accuracy:
            best.append(item)
    axes.plot([item.latency_ms for item in best], [item.accuracy for item in best], color=RIGHT, linewidth=1, zorder=1)
