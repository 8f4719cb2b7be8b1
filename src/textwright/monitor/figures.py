"""The plots of monitoring, over time. Imported only where they are drawn, since this brings matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from textwright.evaluate.intervals import Interval
from textwright.report.svg import (
    DASHED,
    FULL_WIDTH,
    RIGHT,
    SERIES,
    Axes,
    draw_intervals,
    legend,
    page_svg,
    percent_ticks,
    shortened,
    whole_numbers,
)

if TYPE_CHECKING:
    from textwright.monitor.report import MonitorReport

_MARKERS: Final = "osD^vPX*"
_NUM_TICKS: Final = 4
_MINUTES: Final = timedelta(minutes=15)
_SIZE: Final = (FULL_WIDTH, 3.0)


def charts(report: MonitorReport) -> dict[str, str]:
    """Draw shares of labels, confidence, unknown tokens and the number of texts over time: name -> SVG."""
    times = [datetime.fromisoformat(window.start) for window in report.windows]
    windows = report.windows
    return {
        "labels_over_time": _plot("labels_over_time", lambda axes: _draw_labels(axes, times, report)),
        "confidence_over_time": _plot(
            "confidence_over_time", lambda axes: _draw_shares(axes, times, [window.confidence for window in windows])
        ),
        "unknown_over_time": _plot(
            "unknown_over_time", lambda axes: _draw_rates(axes, times, [window.unknown_rate for window in windows])
        ),
        "texts_over_time": _plot("texts_over_time", lambda axes: _draw_counts(axes, times, report)),
    }


def _plot(name: str, draw: Callable[[Axes], None]) -> str:
    return page_svg(name, _SIZE, draw)


def _draw_labels(axes: Axes, times: Sequence[datetime], report: MonitorReport) -> None:
    """Draw the labels that are predicted most often, at most as many as there are colors."""
    ranked = sorted(range(len(report.labels)), key=lambda index: -report.labels[index].predicted)[: len(SERIES)]
    for color, marker, index in zip(SERIES, _MARKERS, ranked, strict=False):
        row = report.labels[index]
        intervals = [window.label_shares[index] for window in report.windows]
        draw_intervals(axes, _numbers(times), intervals, color, marker, shortened(row.label))
        axes.axhline(row.predicted_reference, **{**DASHED, "color": color})
    _finish(axes, times)
    axes.set_ylabel("predicted")
    percent_ticks(axes.yaxis)
    legend(axes)


def _draw_shares(axes: Axes, times: Sequence[datetime], intervals: Sequence[Interval]) -> None:
    draw_intervals(axes, _numbers(times), intervals, RIGHT, "o")
    _finish(axes, times)
    percent_ticks(axes.yaxis)


def _draw_rates(axes: Axes, times: Sequence[datetime], intervals: Sequence[Interval]) -> None:
    """Draw shares that may all be 0, above which alone there is something to see."""
    _draw_shares(axes, times, intervals)
    axes.set_ylim(bottom=0, top=max(axes.get_ylim()[1], 0.01) if any(item.high for item in intervals) else 0.05)


def _draw_counts(axes: Axes, times: Sequence[datetime], report: MonitorReport) -> None:
    axes.plot(_numbers(times), [window.num_texts for window in report.windows], color=RIGHT, marker="o", markersize=4)
    axes.set_ylim(bottom=0)
    _finish(axes, times)
    whole_numbers(axes.yaxis)


def _finish(axes: Axes, times: Sequence[datetime]) -> None:
    """Write some times beneath the axis: with the day where there are several, with seconds where there are minutes.

    They are evenly spaced and few enough for a phone; what would be written twice is written once.
    """
    first, last = times[0], times[-1]
    form = "%b %d %H:%M" if first.date() != last.date() else "%H:%M" if last - first > _MINUTES else "%H:%M:%S"
    ticks = {
        time.strftime(form): time.timestamp()
        for time in (last - part / (_NUM_TICKS - 1) * (last - first) for part in range(_NUM_TICKS))
    }
    axes.set_xticks(list(ticks.values()), list(ticks))
    axes.set_xlabel("time, UTC")


def _numbers(times: Sequence[datetime]) -> list[float]:
    return [time.timestamp() for time in times]
