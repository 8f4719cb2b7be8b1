"""The plot of a cascade. Imported only where it is drawn, since this brings matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textwright.core.percent import percent
from textwright.evaluate.scores import TITLES
from textwright.report.svg import DASHED, FULL_WIDTH, GRID, RIGHT, SERIES, Axes, legend, page_svg, percent_ticks

if TYPE_CHECKING:
    from textwright.optimize.cascade.outcome import Outcome

_HEIGHT: Final = 4.4


def curve(outcome: Outcome) -> str:
    """Draw accuracy on texts that neither model was trained on against the share that is escalated.

    Args:
        outcome: A cascade.

    Returns:
        SVG; the dashed line is the strong model alone, the large mark is the chosen point.
    """
    points, point = outcome.curve, outcome.point
    strong, bound = points[0].accuracy, outcome.settings.drop_bound

    def draw(axes: Axes) -> None:
        axes.axhline(strong, **DASHED, label=f"strong alone: {percent(strong)}")
        if bound is not None:
            axes.axhspan(strong - bound / 100, strong, color=GRID, alpha=0.7, label=f"within {bound:g} points")
        shares, accuracies = [item.share_escalated for item in points], [item.accuracy for item in points]
        axes.step(shares, accuracies, where="mid", color=SERIES[0], linewidth=1.6, label="cascade")
        chosen = f"chosen: {percent(point.share_escalated)} escalated, {percent(point.accuracy)}"
        axes.plot(
            [point.share_escalated], [point.accuracy], color=RIGHT, marker="o", markersize=9, linestyle="", label=chosen
        )
        axes.set(xlabel="Share of the texts escalated to the strong model", ylabel=TITLES[outcome.metric], xlim=(0, 1))
        axes.margins(y=0.12)
        percent_ticks(axes.xaxis, axes.yaxis)
        axes.yaxis.get_major_formatter().decimals = 1
        legend(axes)

    return page_svg("curve", (FULL_WIDTH, _HEIGHT), draw)
