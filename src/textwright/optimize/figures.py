"""The plot of an optimization. Imported only where it is drawn, since this brings matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Final, NamedTuple

from textwright.evaluate.scores import TITLES
from textwright.report.svg import FULL_WIDTH, INK, MUTED, RIGHT, SERIES, Axes, page_svg, percent_ticks

if TYPE_CHECKING:
    from textwright.optimize.outcome import OptimizationResult

_HEIGHT: Final = 4.6
_AREA_PER_MB: Final = 14.0
_LEAST_SPAN: Final = 0.02
"""Of the accuracies that are shown: less would make much of what is chance."""
_LINE: Final = 13.0
"""Points from one line of labels to the next."""
_LETTER: Final = 5.6
"""Points of a letter's width, on average."""


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
        SVG. Each bubble bears its name; names with a tick were kept. The line joins the variants that no other one
        beats in both.
    """
    bubbles = _bubbles(outcome)

    def draw(axes: Axes) -> None:
        _draw_frontier(axes, bubbles)
        for item, color in zip(bubbles, _colors(len(bubbles)), strict=True):
            area = _AREA_PER_MB * item.size_bytes / 1e6
            axes.scatter(item.latency_ms, item.accuracy, s=area, color=color, alpha=0.25, linewidths=0)
            axes.plot(item.latency_ms, item.accuracy, color=color, marker="o", markersize=4, linestyle="")
        axes.set(xlabel="Milliseconds for one text", ylabel=f"{TITLES[outcome.metric]} on the gate texts")
        axes.set_xlim(0, 1.25 * max(item.latency_ms for item in bubbles))
        axes.set_ylim(*_accuracies(bubbles))
        percent_ticks(axes.yaxis)
        axes.yaxis.get_major_formatter().decimals = 1
        _label(axes, bubbles)

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


def _label(axes: Axes, bubbles: Sequence[_Bubble]) -> None:
    """Write each name beside its bubble, on the nearest line where no other name stands."""
    axes.figure.draw_without_rendering()  # the scales are known only now
    per_point = axes.figure.dpi / 72
    boxes: list[tuple[float, float, float]] = []
    for item in sorted(bubbles, key=lambda it: (not it.is_kept, it.latency_ms)):
        name = item.name + (" \N{CHECK MARK}" if item.is_kept else "")
        x, y = axes.transData.transform((item.latency_ms, item.accuracy)) / per_point
        width, lift = _LETTER * len(name), _LINE
        while any(abs(y + lift - row) < _LINE and x < end and x + width > start for start, end, row in boxes):
            lift = -lift if lift > 0 else -lift + _LINE
        boxes.append((x, x + width, y + lift))
        style = {"color": INK if item.is_kept else MUTED, "fontweight": "bold" if item.is_kept else "normal"}
        line = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6}
        axes.annotate(
            name,
            (item.latency_ms, item.accuracy),
            xytext=(4, lift),
            textcoords="offset points",
            va="center",
            arrowprops=line if abs(lift) > _LINE else None,
            **style,
        )
