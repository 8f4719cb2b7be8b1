"""The plots of a search. Imported only where they are drawn, since this brings matplotlib."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Final

from textwright.evaluate.scores import TITLES
from textwright.report.svg import (
    DASHED,
    FULL_WIDTH,
    INK,
    MUTED,
    SERIES,
    Axes,
    legend,
    numbers,
    page_svg,
    percent_ticks,
    shortened,
)

if TYPE_CHECKING:
    from textwright.model_search.report import AutoReport

_HEIGHT: Final = 4.8
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "h")


def tradeoff(report: AutoReport) -> str:
    """Draw the deciding metric on validation against the time of one text; the line is the Pareto front of both.

    Args:
        report: With at least one finalist.

    Returns:
        SVG; the ring is the choice, the dashed lines are the constraints, areas grow with the size.
    """

    def draw(axes: Axes) -> None:
        _front(axes, report)
        for item, color, marker in zip(report.finalists, cycle(SERIES), cycle(_MARKERS), strict=False):
            place = [item.latency_ms], [item.model.score]
            axes.scatter(*place, s=12 * item.model.size_bytes**0.25, color=color, alpha=0.25, linewidths=0)
            axes.plot(*place, color=color, marker=marker, linestyle="", label=shortened(item.name))
        chosen = report.chosen
        if chosen is not None:
            axes.scatter(
                [chosen.latency_ms], [chosen.model.score], s=170, facecolors="none", edgecolors=INK, linewidths=1.4
            )
        _bounds(axes, report)
        axes.set_xscale("log")
        numbers(axes.xaxis, "{:g}")
        axes.set(xlabel="Milliseconds for one text", ylabel=f"{TITLES[report.metric]} on validation")
        axes.margins(x=0.12, y=0.15)
        percent_ticks(axes.yaxis)
        legend(axes)

    return page_svg("tradeoff", (FULL_WIDTH, _HEIGHT), draw)


def _front(axes: Axes, report: AutoReport) -> None:
    """Join what is the best of all that are as fast."""
    steps, best = [], -1.0
    for item in sorted(report.finalists, key=lambda item: (item.latency_ms, -item.model.score)):
        if item.model.score > best:
            best = item.model.score
            steps.append((item.latency_ms, best))
    axes.plot(*zip(*steps, strict=True), color=MUTED, linewidth=1, drawstyle="steps-post", zorder=1)


def _bounds(axes: Axes, report: AutoReport) -> None:
    if report.settings.max_latency_ms is not None:
        axes.axvline(report.settings.max_latency_ms, **DASHED)
    if report.settings.min_accuracy is not None and report.metric == report.primary_metric:
        axes.axhline(report.settings.min_accuracy / 100, **DASHED)


def curves(report: AutoReport) -> str:
    """Draw the deciding metric on validation against the number of training texts, a line for each family.

    Args:
        report: With at least one family that was trained on two sizes.
    """

    def draw(axes: Axes) -> None:
        for (family, points), color, marker in zip(report.curves.items(), cycle(SERIES), cycle(_MARKERS), strict=False):
            places = zip(*points, strict=True)
            axes.plot(*places, color=color, marker=marker, markersize=5, linewidth=1.2, label=shortened(family))
        axes.set_xscale("log")
        axes.set_xticks(sorted({size for points in report.curves.values() for size, _ in points}))
        numbers(axes.xaxis, "{:,.0f}")
        axes.set(xlabel="Training texts", ylabel=f"{TITLES[report.metric]} on validation")
        percent_ticks(axes.yaxis)
        legend(axes)

    return page_svg("curves", (FULL_WIDTH, _HEIGHT), draw)
