"""The plots of an evaluation. Imported only where they are drawn, since this brings matplotlib."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from textwright.core.percent import percent
from textwright.evaluate.intervals import wilson
from textwright.evaluate.scores import TITLES
from textwright.report.svg import (
    CELL_RIGHT,
    CELL_WRONG,
    DASHED,
    INK,
    MUTED,
    ON_CELL,
    RIGHT,
    SERIES,
    WIDTH,
    WRONG,
    Axes,
    draw_intervals,
    legend,
    percent_ticks,
    shortened,
    square,
    svg_of,
    whole_numbers,
)

if TYPE_CHECKING:
    from textwright.evaluate.evaluation import Calibration, Evaluation, LengthBin, ThresholdCurve

MAX_COUNTED_LABELS: Final = 10
"""A matrix of more labels shows colors without counts, over the whole width of the page."""
_MAX_NAMED_LABELS: Final = 40
_DARK_CELL: Final = 0.7
"""Share from which a cell of the matrix is so dark that its text must be light."""


def confusion(evaluation: Evaluation) -> str:
    """Draw what was predicted for what is true.

    Args:
        evaluation: Of either task.

    Returns:
        SVG: a matrix shaded by the share of each true label, or for a multi-label task a bar for each label.
    """
    rows = min(len(evaluation.labels), _MAX_NAMED_LABELS)
    if evaluation.is_multi_label:
        return svg_of("confusion", (WIDTH, 1.4 + 0.28 * rows), lambda axes: _draw_outcomes(axes, evaluation))
    return svg_of("confusion", (WIDTH, 0.85 * WIDTH), lambda axes: _draw_matrix(axes, evaluation))


def precision_recall(evaluation: Evaluation) -> str:
    """Draw precision against recall over all thresholds.

    Args:
        evaluation: Of either task.

    Returns:
        SVG with a line for each label of ``evaluation.curves``.
    """

    def draw(axes: Axes) -> None:
        for curve, color, name in _styled_curves(evaluation, "pr_auc"):
            recall, precision = [0.0, *curve.recall], [curve.precision[0], *curve.precision]
            axes.plot(recall, precision, color=color, linewidth=1.6, label=name)
        _draw_shares(axes, "Recall", "Precision")

    return svg_of("precision_recall", (WIDTH, 3.9), draw)


def roc(evaluation: Evaluation) -> str:
    """Draw the true positive rate against the false positive rate over all thresholds.

    Args:
        evaluation: Of either task.

    Returns:
        SVG with a line for each label of ``evaluation.curves``; on the diagonal a ranking is chance.
    """

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], **DASHED, label="chance")
        for curve, color, name in _styled_curves(evaluation, "roc_auc"):
            rates = [0.0, *curve.false_positive_rate, 1.0]
            axes.plot(rates, [0.0, *curve.recall, 1.0], color=color, linewidth=1.6, label=name)
        _draw_shares(axes, "False positive rate", "True positive rate")

    return svg_of("roc", (WIDTH, 3.9), draw)


def reliability(evaluation: Evaluation) -> str:
    """Draw stated probability against observed frequency, as trained and as served.

    Args:
        evaluation: Of either task.

    Returns:
        SVG; points on the diagonal are honest, bars are 95 % Wilson intervals.
    """

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], **DASHED, label="perfectly calibrated")
        if evaluation.after.temperature != 1.0:
            _draw_calibration(axes, evaluation.before, WRONG, "o", "temperature 1")
        _draw_calibration(axes, evaluation.after, RIGHT, "s", "as served")
        lowest = 0.0 if evaluation.is_multi_label else _lowest_claim(evaluation)
        axes.set(xlabel="Stated probability", ylabel="Observed frequency", xlim=(lowest, 1.02), ylim=(lowest, 1.02))
        percent_ticks(axes.xaxis, axes.yaxis)
        legend(axes)

    return svg_of("reliability", (WIDTH, 3.9), draw)


def histogram(evaluation: Evaluation) -> str:
    """Draw how often the model states which probability, and how often that came true.

    Args:
        evaluation: Of either task.

    Returns:
        SVG with stacked bars.
    """
    names = ("label holds", "label does not hold") if evaluation.is_multi_label else ("right", "wrong")

    def draw(axes: Axes) -> None:
        bins = evaluation.histogram
        left = [item.low for item in bins]
        true, false = [item.num_true for item in bins], [item.count - item.num_true for item in bins]
        width = 0.9 / len(bins)
        axes.bar(left, true, width, align="edge", color=RIGHT, label=names[0])
        axes.bar(left, false, width, align="edge", bottom=true, color=WRONG, label=names[1])
        used = [item.low for item in bins if item.count]
        axes.set(xlim=(min(used), 1), xlabel="Stated probability", ylabel=_claims(evaluation))
        percent_ticks(axes.xaxis)
        whole_numbers(axes.yaxis)
        axes.grid(visible=False, axis="x")
        legend(axes)

    return svg_of("histogram", (WIDTH, 3.9), draw)


def length(evaluation: Evaluation) -> str:
    """Draw how the share of right texts depends on their length.

    Args:
        evaluation: Of either task.

    Returns:
        SVG with a point for each bin of lengths; bars are 95 % Wilson intervals.
    """

    def draw(axes: Axes) -> None:
        bins = evaluation.by_length
        overall = evaluation.metrics[evaluation.primary_metric].value
        axes.axhline(overall, **DASHED, label=f"all texts: {percent(overall)}")
        draw_intervals(axes, range(len(bins)), [item.accuracy for item in bins], RIGHT, "s")
        axes.set_xticks(range(len(bins)), [f"{_lengths(item)}\nn={item.count:,}" for item in bins])
        axes.tick_params(axis="x", labelsize=8, length=0)
        axes.set(
            xlabel="Tokens read, and texts in the bin",
            ylabel=TITLES[evaluation.primary_metric],
            xlim=(-0.5, len(bins) - 0.5),
        )
        axes.set_ylim(
            max(min(item.accuracy.low for item in bins) - 0.05, 0), max(item.accuracy.high for item in bins) + 0.02
        )
        percent_ticks(axes.yaxis)
        axes.grid(visible=False, axis="x")
        legend(axes)

    return svg_of("length", (WIDTH, 3.9), draw)


def coverage(evaluation: Evaluation) -> str:
    """Draw the accuracy of the texts that the model is surest of against their share.

    Args:
        evaluation: Of either task.

    Returns:
        SVG; the right end is the accuracy over all texts, and a mark stands where a model that abstains answers.
    """

    def draw(axes: Axes) -> None:
        curve, abstention = evaluation.coverage, evaluation.abstention
        if curve is None:
            return
        axes.plot(curve.coverage, curve.accuracy, color=RIGHT, linewidth=1.6, label="surest texts")
        if abstention is not None and abstention.error_rate is not None:
            point = abstention.coverage.value, 1 - abstention.error_rate.value
            axes.plot(*point, color=WRONG, marker="s", linestyle="", label="as served")
        lowest = min(curve.accuracy)
        axes.set(xlabel="Texts answered (coverage)", ylabel=TITLES[evaluation.primary_metric], xlim=(-0.02, 1.02))
        axes.set_ylim(max(lowest - 0.02, -0.02), 1.02)
        percent_ticks(axes.xaxis, axes.yaxis)
        legend(axes)

    return svg_of("coverage", (WIDTH, 3.9), draw)


FIGURES: Final[Mapping[str, Callable[[Evaluation], str]]] = {
    draw.__name__: draw for draw in (confusion, precision_recall, roc, reliability, histogram, coverage, length)
}
"""Name -> what draws it."""


def _styled_curves(evaluation: Evaluation, metric: str) -> Iterator[tuple[ThresholdCurve, str, str]]:
    """Give each curve its color, and its name with the area beneath."""
    areas = {row.label: getattr(row, metric) for row in evaluation.per_label}
    for curve, color in zip(evaluation.curves, SERIES, strict=False):
        yield curve, color, f"{shortened(curve.label)} {areas[curve.label].value:.3f}"


def _draw_shares(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    percent_ticks(axes.xaxis, axes.yaxis)
    legend(axes, columns=2)


def _draw_matrix(axes: Axes, evaluation: Evaluation) -> None:
    names, size = evaluation.labels.names, len(evaluation.labels)
    for row, counts in enumerate(evaluation.confusion):
        total = max(sum(counts), 1)
        for column, count in enumerate(counts):
            _draw_cell(axes, row, column, count, count / total, counted=size <= MAX_COUNTED_LABELS)
    ticks = range(size) if size <= _MAX_NAMED_LABELS else []
    shown = [shortened(names[tick]) for tick in ticks]
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if size > 3 or max(map(len, names)) > 12 else {}
    axes.set_xticks(ticks, shown, **turned)
    axes.set_yticks(ticks, shown)
    axes.tick_params(length=0, labelsize=10 if size <= MAX_COUNTED_LABELS else 8)
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), xlabel="Predicted", ylabel="True", aspect="equal")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _draw_cell(axes: Axes, row: int, column: int, count: int, share: float, *, counted: bool) -> None:
    gap = 0.02 if counted else 0.0
    corner, side = (column - 0.5 + gap, row - 0.5 + gap), 1 - 2 * gap
    color = CELL_RIGHT if row == column else CELL_WRONG
    if not counted and not count:
        return
    square(axes, corner, side, color, 0.06 + 0.94 * share)
    if counted:
        ink = ON_CELL if share > _DARK_CELL else INK
        cell = f"{count:,}\n{percent(share, digits=0)}"
        axes.text(column, row, cell, ha="center", va="center", color=ink, linespacing=1.4)


def _draw_outcomes(axes: Axes, evaluation: Evaluation) -> None:
    ranked = sorted(range(len(evaluation.labels)), key=lambda index: -evaluation.per_label[index].support)
    shown = ranked[:_MAX_NAMED_LABELS]
    cells = [evaluation.confusion[index] for index in shown]
    hits, missed, made_up = [c[1][1] for c in cells], [c[1][0] for c in cells], [c[0][1] for c in cells]
    rows = range(len(shown))
    axes.barh(rows, hits, 0.7, color=RIGHT, label="found")
    axes.barh(rows, missed, 0.7, left=hits, color=WRONG, label="missed")
    axes.barh(rows, [-count for count in made_up], 0.7, color=MUTED, label="made up")
    axes.axvline(0, color=MUTED, linewidth=1)
    axes.set_yticks(rows, [shortened(evaluation.labels.names[index]) for index in shown])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):,.0f}")
    whole_numbers(axes.xaxis)
    axes.set_xlabel("Texts")
    axes.grid(visible=False, axis="y")
    legend(axes)


def _draw_calibration(axes: Axes, calibration: Calibration, color: str, marker: str, name: str) -> None:
    bins = [item for item in calibration.bins if item.count]
    shares = wilson(np.array([item.num_true for item in bins]), np.array([item.count for item in bins]))
    draw_intervals(axes, [item.mean_score for item in bins], shares, color, marker, name)


def _lowest_claim(evaluation: Evaluation) -> float:
    """Find where the plot of a single-label task may begin: nothing is claimed below 1 / K. A multiple of 10 %."""
    bins = [item for side in (evaluation.before, evaluation.after) for item in side.bins if item.count]
    shares = wilson(np.array([item.num_true for item in bins]), np.array([item.count for item in bins]))
    lowest = min(*(item.low for item in shares), *(item.mean_score for item in bins))
    return math.floor(10 * lowest) / 10


def _claims(evaluation: Evaluation) -> str:
    return "Labels of texts" if evaluation.is_multi_label else "Texts"


def _lengths(item: LengthBin) -> str:
    return f"{item.shortest}" if item.shortest == item.longest else f"{item.shortest}\u2013{item.longest}"
