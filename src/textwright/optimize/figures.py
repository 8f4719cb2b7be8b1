"""The plot of an optimisation. Only ``page`` imports this module."""

from __future__ import annotations

from itertools import cycle
from typing import Final

from matplotlib.ticker import FuncFormatter, NullFormatter

from textwright.evaluate.canvas import FULL_WIDTH, MUTED, SERIES, Axes, legend, percent, shortened, svg_of
from textwright.optimize.outcome import Outcome

_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "h", "*")
_HEIGHT: Final = 4.6


def tradeoff(outcome: Outcome) -> str:
    """Draw accuracy on the gate texts against the time of one text; the area of a bubble grows with the size.

    Args:
        outcome: With at least one variant whose cost was measured.

    Returns:
        SVG; the dashed line is the reference's accuracy, and names in the legend with a tick were kept.
    """
    shown = [(trial, trial.gate, trial.cost) for trial in outcome.trials]

    def draw(axes: Axes) -> None:
        label = f"{shortened(outcome.reference)}: {outcome.accuracy:.1%}"
        axes.axhline(outcome.accuracy, color=MUTED, linestyle=(0, (4, 3)), linewidth=1, label=label)
        for (trial, gate, cost), colour, marker in zip(shown, cycle(SERIES), cycle(_MARKERS), strict=False):
            if gate is not None and cost is not None:
                kept = " \N{CHECK MARK}" if trial.name in outcome.kept else ""
                place = [cost.latency_ms], [gate.accuracy]
                axes.scatter(*place, s=12 * cost.size_bytes**0.25, color=colour, alpha=0.25, linewidths=0)
                axes.plot(*place, color=colour, marker=marker, linestyle="", label=shortened(trial.name) + kept)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel="Milliseconds for one text", ylabel="Accuracy on the gate texts")
        axes.margins(x=0.12, y=0.2)
        percent(axes.yaxis)
        axes.yaxis.get_major_formatter().decimals = 1
        legend(axes)

    return svg_of("tradeoff", (FULL_WIDTH, _HEIGHT), draw)
