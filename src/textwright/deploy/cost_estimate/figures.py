"""The plot of an estimate. Imported only where it is drawn, since this brings matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textwright.deploy.cost_estimate.break_even import round_number
from textwright.report.svg import DASHED, FULL_WIDTH, INK, SERIES, Axes, legend, numbers, page_svg

if TYPE_CHECKING:
    from textwright.deploy.cost_estimate.report import CostReport

_HEIGHT: Final = 4.6
_AROUND: Final = 30
"""The plot shows this factor on either side of what is asked and of where the lines cross."""
_MARKERS: Final = "os^Dv"


def dollars_over_traffic(report: CostReport) -> str:
    """Draw what the cheapest size of each target costs a month, over the traffic.

    Args:
        report: With at least one size that will do.

    Returns:
        SVG; a dashed line where the cheaper target changes, a marker on each line at the traffic that is asked.
    """
    lines = report.break_even
    first, last = _extent(report)
    shown = [number for number, it in enumerate(lines.requests_per_day) if first <= it <= last]

    def draw(axes: Axes) -> None:
        for target, usd in lines.usd_per_month.items():
            index = report.targets.index(target)
            color, marker = SERIES[index % len(SERIES)], _MARKERS[index % len(_MARKERS)]
            places = [lines.requests_per_day[number] for number in shown]
            axes.plot(places, [usd[number] for number in shown], color=color, linewidth=1.8)
            choice = report.cheapest(target)
            if choice is not None:
                here = choice.estimate.usd_per_month
                name = f"{target}: {choice.size}, {here:,.2f} dollars at {round_number(report.requests_per_day)} a day"
                axes.plot([report.requests_per_day], [here], color=color, marker=marker, markersize=7, label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        for point in lines.crossings:
            if first <= point <= last:
                axes.axvline(point, **DASHED)
        if lines.crossings:
            _name_break_even(axes, lines.crossings[0])
        numbers(axes.xaxis, "{:,.0f}")
        numbers(axes.yaxis, "{:,g}")
        axes.set(xlabel="Requests a day", ylabel="Dollars a month", xlim=(first, last))
        legend(axes)

    return page_svg("traffic", (FULL_WIDTH, _HEIGHT), draw)


def _name_break_even(axes: Axes, point: float) -> None:
    axes.annotate(
        f" break-even: {round_number(point)} a day",
        (point, 0.03),
        xycoords=("data", "axes fraction"),
        color=INK,
        fontsize=9,
    )


def _extent(report: CostReport) -> tuple[float, float]:
    grid = report.break_even.requests_per_day
    points = [report.requests_per_day, *report.break_even.crossings[:1]]
    return max(grid[0], min(points) / _AROUND), min(grid[-1], max(points) * _AROUND)
