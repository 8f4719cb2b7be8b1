"""The plot of a promotion. Imported only where it is drawn, since this brings matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textwright.report.svg import DASHED, FULL_WIDTH, GRID, INK, MUTED, RIGHT, WRONG, Axes, legend, numbers, page_svg

if TYPE_CHECKING:
    from textwright.promotion.paired_groups import PairedGroup
    from textwright.promotion.report import PromotionReport

_MAX_ROWS: Final = 40
_MAX_NAME: Final = 34


def differences(report: PromotionReport) -> str:
    """Draw by how many points the candidate is better, on all texts and in each slice.

    Args:
        report: A promotion.

    Returns:
        SVG with a row for each, bars are 95 % intervals; left of the dashed line the candidate is worse.
    """
    groups = [report.overall, *report.slices][:_MAX_ROWS]

    def draw(axes: Axes) -> None:
        axes.axvline(0, **DASHED)
        axes.axvspan(
            -report.settings.margin, 0, color=GRID, alpha=0.7, label=f"margin: {report.settings.margin:g} points"
        )
        for row, group in enumerate(groups):
            gain = -group.drop.value
            whiskers = [[gain + group.drop.high], [-group.drop.low - gain]]
            color = _color(group, is_whole=row == 0)
            axes.errorbar(
                [gain], [row], xerr=whiskers, color=color, marker="o" if row else "s", markersize=6, elinewidth=1.4
            )
        axes.set_yticks(range(len(groups)), [_named(group) for group in groups])
        axes.set(xlabel="Points won by the candidate", ylim=(len(groups) - 0.5, -0.5))
        numbers(axes.xaxis, "{:+g}")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        legend(axes)

    return page_svg("differences", (FULL_WIDTH, 1.4 + 0.32 * len(groups)), draw)


def _color(group: PairedGroup, *, is_whole: bool) -> str:
    if is_whole:
        return INK
    if group.is_worse:
        return WRONG
    return RIGHT if group.is_tested else MUTED


def _named(group: PairedGroup) -> str:
    name = group.name or "all texts"
    short = name if len(name) <= _MAX_NAME else name[: _MAX_NAME - 1] + "…"
    return f"{short}  (n = {group.num_texts:,})"
