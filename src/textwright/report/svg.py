"""The canvas of every plot: inline SVG that follows the page, its font, its width, its light or dark colors.

matplotlib draws each role of a color (ink, grid, right, wrong, a series) in a placeholder, which is then replaced by
the page's CSS variable of that name. The same plot gives the same bytes. Only here is matplotlib imported, so only the
``figures`` modules of the packages import this one, and nothing imports those before a page is drawn.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import matplotlib as mpl
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogFormatter, MaxNLocator, NullFormatter, PercentFormatter

if TYPE_CHECKING:
    from textwright.evaluate.intervals import Interval

Axes: TypeAlias = Any
"""A matplotlib axes, which has no types that mypy reads here."""
Axis: TypeAlias = Any

INK, MUTED, GRID, RIGHT, WRONG, CELL_RIGHT, CELL_WRONG, ON_CELL = (f"#0000f{digit}" for digit in range(1, 9))
SERIES: Final = tuple(f"#0001f{digit}" for digit in range(1, 9))
"""Colors that tell series apart; the page defines ``--series-1`` and so on."""
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
"""Shapes that tell series apart where colors do not; one fewer, so that of many series no two look alike."""
_ROLES: Final = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    RIGHT: "var(--right)",
    WRONG: "var(--wrong)",
    CELL_RIGHT: "var(--cell-right)",
    CELL_WRONG: "var(--cell-wrong)",
    ON_CELL: "var(--on-cell)",
    **{placeholder: f"var(--series-{number})" for number, placeholder in enumerate(SERIES, start=1)},
}
_STYLE: Final = {
    "svg.fonttype": "none",  # text stays text: it can be selected, searched and read aloud
    "svg.hashsalt": "textwright",
    "text.parse_math": False,  # a label may be called "$_$"
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "patch.linewidth": 0,
}
DASHED: Final[dict[str, Any]] = {"color": MUTED, "linestyle": (0, (4, 3)), "linewidth": 1}
"""A line that the others are compared with, as keywords of matplotlib."""
WIDTH: Final = 5.0
"""Inches; narrow, so that a phone shows the text at nearly its own size."""
FULL_WIDTH: Final = 9.0
_MAX_NAME: Final = 18


def svg_of(name: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> str:
    """Draw one plot.

    Args:
        name: Of the plot; starts its ids, and is the id of the caption that describes it.
        size: Width and height in inches.
        draw: Draws into the empty axes.

    Returns:
        ``<svg class="plot">`` for inclusion in a page; names of others in it are escaped.
    """
    return svgs_of(name, [size], draw)[0]


def page_svg(name: str, size: tuple[float, float], draw: Callable[[Axes], None]) -> str:
    """Draw a plot for a page; one that is wide is also laid out for a phone, as high and less wide.

    Args:
        name: As in :func:`svg_of`.
        size: Width and height in inches; above :data:`WIDTH` there are two drawings.
        draw: Draws into the empty axes.

    Returns:
        One ``<svg>``, or one with the class ``only-wide`` and one with ``only-narrow``, of which the page shows one.
    """
    if size[0] <= WIDTH:
        return svg_of(name, size, draw)
    drawings = zip(("wide", "narrow"), svgs_of(name, [size, (WIDTH, size[1])], draw), strict=True)
    return "".join(svg.replace('class="plot"', f'class="plot only-{page}"', 1) for page, svg in drawings)


def svgs_of(name: str, sizes: Sequence[tuple[float, float]], draw: Callable[[Axes], None]) -> list[str]:
    """Draw one plot once and lay it out at several sizes, such as one for a screen and one for a phone.

    Args:
        name: As in :func:`svg_of`; the ids of the second drawing begin with it and "-1", and so on.
        sizes: Width and height in inches of each drawing.
        draw: Draws into the empty axes; called once.

    Returns:
        A ``<svg class="plot">`` for each size. All are described by the one caption.
    """
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser has the glyphs
        figure = Figure(figsize=sizes[0], layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.subplots()
        axes.patch.set_visible(False)
        draw(axes)
        for axis in (axes.xaxis, axes.yaxis):
            _plain_powers(axis)
        for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
            label.set_wrap(True)  # where it is longer than the drawing
        _visible_dots(axes)
        drawings = [_written(figure, size) for size in sizes]
    return [_themed(svg, name, f"{name}-{place}" if place else name) for place, svg in enumerate(drawings)]


def _visible_dots(axes: Axes) -> None:
    """Show the dots of a scatter plot in its legend as large as letters and as opaque as they can be."""
    legend = axes.get_legend()
    for handle in legend.legend_handles if legend else ():
        if getattr(handle, "get_marker", str)() == ".":
            handle.set(marker="o", markersize=6, alpha=1)
        elif isinstance(handle, PathCollection):
            handle.set(sizes=[36], alpha=1)


def _written(figure: Figure, size: tuple[float, float]) -> str:
    figure.set_size_inches(size)
    _narrow_legends(figure)
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return file.getvalue()


def _narrow_legends(figure: Figure) -> None:
    """Write a legend that is wider than the drawing in fewer columns."""
    for columns in (2, 1):
        figure.draw_without_rendering()
        wide = [item for item in figure.legends if item.get_window_extent().width > figure.bbox.width]
        if not wide:
            return
        for item in wide:
            item.remove()
            legend(figure.axes[0], columns)


def _plain_powers(axis: Axis) -> None:
    """Write 0.1, 1 and 10 at a logarithmic axis whose plot says nothing else: matplotlib's own labels are formulas."""
    if isinstance(axis.get_major_formatter(), LogFormatter):
        axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axis.set_minor_formatter(NullFormatter())


def _themed(svg: str, caption: str, name: str) -> str:
    """Fit an SVG into the page: page colors and font, ids of its own, no fixed size, nothing outside ``<svg>``."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r"<svg[^>]*(viewBox=\"[^\"]*\")[^>]*>", rf'<svg class="plot" \1 role="img" aria-labelledby="{caption}">', svg
    )
    svg = re.sub(r"\bid=\"", f'id="{name}-', svg)
    svg = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font: \1 var(--font)", svg)
    for placeholder, variable in _ROLES.items():
        svg = svg.replace(placeholder, variable)
    return svg


def legend(axes: Axes, columns: int = 3) -> None:
    """Put the legend, if anything has a name, above the plot, where it hides nothing."""
    if not axes.get_legend_handles_labels()[0]:
        return
    axes.figure.legend(loc="outside upper left", ncols=columns, borderaxespad=0.2, handlelength=1.4, columnspacing=1.4)


def percent_ticks(*axes: Axis) -> None:
    """Write shares as whole percentages, in the form of ``core.percent``."""
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def numbers(axis: Axis, form: str) -> None:
    """Write ticks in a form of ``str.format``, and none between them."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: form.format(value)))
    axis.set_minor_formatter(NullFormatter())


def whole_numbers(axis: Axis) -> None:
    """Put ticks at whole numbers, at most six."""
    axis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def square(axes: Axes, corner: tuple[float, float], side: float, color: str, alpha: float) -> None:
    """Fill a square, from its lower left corner."""
    axes.add_patch(Rectangle(corner, side, side, facecolor=color, alpha=alpha))


def draw_intervals(
    axes: Axes,
    x: Sequence[float],
    intervals: Sequence[Interval],
    color: str,
    marker: str,
    name: str | None = None,
) -> None:
    """Draw a line through measured values, with a bar for the interval of each.

    Args:
        axes: Where to draw.
        x: Positions, (N,).
        intervals: Values with their intervals, (N,).
        color: One of this module's colors.
        marker: Shape of a value, in matplotlib's letters.
        name: In the legend; None leaves it out.
    """
    values = [item.value for item in intervals]
    below = [item.value - item.low for item in intervals]
    above = [item.high - item.value for item in intervals]
    axes.errorbar(
        x,
        values,
        yerr=[below, above],
        color=color,
        marker=marker,
        markersize=5,
        linewidth=1.2,
        elinewidth=1,
        label=name,
    )


def shortened(name: str) -> str:
    """Cut a name that somebody else chose to what an axis has room for, on one line."""
    plain = " ".join(name.split())
    return plain if len(plain) <= _MAX_NAME else plain[: _MAX_NAME - 1] + "…"
