"""The plots of a comparison. Imported only where they are drawn, since this brings matplotlib."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Final

from textwright.evaluate.intervals import Interval
from textwright.evaluate.scores import TITLES
from textwright.report.svg import (
    DASHED,
    FULL_WIDTH,
    MARKERS,
    SERIES,
    Axes,
    draw_intervals,
    legend,
    numbers,
    page_svg,
    percent_ticks,
    shortened,
)

if TYPE_CHECKING:
    from textwright.comparison.leaderboard import Leaderboard, LeaderboardRow

_HEIGHT: Final = 4.6
_DODGE: Final = 0.015
"""How far the points of neighboring rows are moved apart, as a share of their position."""
_FLOOR: Final = "majority"
"""The row that looks at no text: a line to be above, not a candidate."""


def tradeoff(board: Leaderboard) -> str:
    """Draw the primary metric against the time of one text; the area of a point grows with the size.

    Args:
        board: With at least one row whose speed was measured.

    Returns:
        SVG; bars are 95 % intervals.
    """

    def draw(axes: Axes) -> None:
        for row, color, marker in _styled(board):
            if row.speed is not None and row.metrics:
                metric = row.metrics[board.primary_metric]
                interval = Interval(metric.value, metric.low, metric.high)
                draw_intervals(axes, [row.speed.latency_ms], [interval], color, marker)
                axes.scatter(
                    [row.speed.latency_ms],
                    [metric.value],
                    s=_area(row),
                    color=color,
                    alpha=0.25,
                    linewidths=0,
                    label=None,
                )
                axes.plot([], [], color=color, marker=marker, linestyle="", label=shortened(row.name))
        axes.set_xscale("log")
        numbers(axes.xaxis, "{:g}")
        axes.set(xlabel="Milliseconds for one text", ylabel=TITLES[board.primary_metric])
        axes.margins(x=0.12, y=0.12)
        percent_ticks(axes.yaxis)
        legend(axes)

    return page_svg("tradeoff", (FULL_WIDTH, _HEIGHT), draw)


def curves(board: Leaderboard) -> str:
    """Draw the primary metric against the number of training texts.

    Args:
        board: With at least one row that was measured on two sizes.

    Returns:
        SVG with a line for each row; bars are 95 % intervals, and the most frequent label is a dashed line.
    """

    def draw(axes: Axes) -> None:
        for number, (row, color, marker) in enumerate(_styled(board)):
            intervals = [Interval(point.metric.value, point.metric.low, point.metric.high) for point in row.curve]
            places = [point.num_train * (1 + _DODGE * number) for point in row.curve]
            draw_intervals(axes, places, intervals, color, marker, shortened(row.name))
        floor = next((row for row in board.rows if row.name == _FLOOR and row.curve), None)
        if floor is not None:
            lowest = floor.curve[-1].metric.value
            axes.axhline(lowest, **DASHED, label=floor.name)
        sizes = sorted({point.num_train for row in board.rows for point in row.curve})
        axes.set_xscale("log")
        axes.set_xticks(sizes)
        numbers(axes.xaxis, "{:,.0f}")
        axes.set(xlabel="Training texts", ylabel=TITLES[board.primary_metric])
        percent_ticks(axes.yaxis)
        legend(axes)

    return page_svg("curves", (FULL_WIDTH, _HEIGHT), draw)


def _styled(board: Leaderboard) -> list[tuple[LeaderboardRow, str, str]]:
    """Give each row that looks at texts a color and a marker, which it has in every plot."""
    rows = [row for row in board.rows if row.name != _FLOOR]
    return list(zip(rows, cycle(SERIES), cycle(MARKERS), strict=False))


def _area(row: LeaderboardRow) -> float:
    """Turn bytes into square points: the fourth root, so that 1 kB and 1 GB fit beside each other."""
    return 12 * (row.size_bytes or 1) ** 0.25
