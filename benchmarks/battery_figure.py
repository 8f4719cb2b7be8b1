"""Draw who wins where: ``python benchmarks/battery_figure.py``, after the battery has been run.

Reads ``benchmarks/results/battery.json``, or the file that is named; writes ``battery.png`` beside this file, or where
``--out`` says. A cell holds the points that a row is above the tuned TF-IDF; blue is above and red below, and the sign
and the figure say the same without color.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from battery_checks import BASELINE, points

HERE = Path(__file__).parent
_COLORS: Final = ("#b2182b", "#f7b799", "#f7f7f7", "#9cc8e0", "#2166ac")
"""Red and blue that the color-blind tell apart; both ends are dark, the middle is light."""
_SATURATED = 15.0
"""Points from which on the color changes no more."""
_TITLE: Final = "Points of accuracy above or below tuned TF-IDF + logistic regression"
_LEGEND: Final = (
    "rows: training texts, labels, language; * held, never looked at while tuning.  right: accuracy of the tuned\n"
    "baseline, and the highest possible accuracy (max) where it is known.  -: not run;  failed: ended with an error"
)
_LAST: Final = ("SetFit", "fastText", "majority")


def main() -> None:
    """Draw and write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("result", type=Path, nargs="?", default=HERE / "results" / "battery.json")
    parser.add_argument("--out", type=Path, default=HERE / "battery.png")
    given = parser.parse_args()
    sources = json.loads(given.result.read_text(encoding="utf-8"))["sources"]
    draw(sources, given.out)
    print(f"written: {given.out}", file=sys.stderr)


def draw(sources: Mapping[str, Any], out: Path) -> None:
    """Draw one row for each source, one column for each family and rival.

    Args:
        sources: As in the result file.
        out: A PNG or SVG file.
    """
    names = sorted(sources, key=lambda name: (not sources[name]["is_real"], sources[name]["is_held"]))
    columns = column_names(sources)
    figure, axes = plt.subplots(figsize=(5.2 + 1.05 * len(columns), 1.8 + 0.3 * len(names)), layout="constrained")
    values = np.array([[_value(sources[name], column) for column in columns] for name in names], dtype=float)
    axes.imshow(
        np.nan_to_num(values),
        cmap=LinearSegmentedColormap.from_list("red to blue", _COLORS),
        vmin=-_SATURATED,
        vmax=_SATURATED,
        aspect="auto",
    )
    for row, name in enumerate(names):
        axes.text(len(columns) - 0.35, row, _measured(sources[name]), va="center", fontsize=8)
        for column, of in enumerate(columns):
            _write_cell(axes, row, column, values[row, column], sources[name]["rows"].get(of, {}))
    _mark_kinds(axes, [bool(sources[name]["is_real"]) for name in names])
    axes.set_yticks(range(len(names)), [_title(name, sources[name]) for name in names], fontsize=8)
    axes.set_xticks(range(len(columns)), columns, fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.text(len(columns) - 0.35, -0.72, BASELINE, fontsize=9)
    axes.set_title(_TITLE, loc="left", pad=24, fontsize=11)
    axes.set_xlabel(_LEGEND, fontsize=8, loc="left")
    figure.savefig(out, dpi=110, bbox_inches="tight")
    plt.close(figure)


def column_names(sources: Mapping[str, Any]) -> list[str]:
    """List the families, in the order in which they were run, then the rivals."""
    found = dict.fromkeys(row for source in sources.values() for row in source["rows"] if row != BASELINE)
    return [row for row in found if row not in _LAST] + [row for row in _LAST if row in found]


def _value(source: Mapping[str, Any], row: str) -> float:
    value = points(source, row)
    return float("nan") if value is None else value


def _write_cell(axes: Axes, row: int, column: int, value: float, found: Mapping[str, Any]) -> None:
    text = "failed" if "failed" in found else "-" if np.isnan(value) else f"{value:+.1f}"
    is_dark = abs(value) > 0.7 * _SATURATED
    weight = "bold" if value > 0 else "normal"
    axes.text(
        column, row, text, ha="center", va="center", fontsize=8, weight=weight, color="white" if is_dark else "black"
    )


def _measured(source: Mapping[str, Any]) -> str:
    baseline = source["rows"].get(BASELINE, {}).get("metrics", {}).get(source["primary_metric"])
    text = "" if baseline is None else f"{100 * baseline['value']:.1f}"
    return text + ("" if source["ceiling"] is None else f"  (max {100 * source['ceiling']:.1f})")


def _title(name: str, source: Mapping[str, Any]) -> str:
    held = " *" if source["is_held"] else ""
    return f"{name}{held}  {source['num_examples']['train']:,}, {source['num_labels']}, {source['language']}"


def _mark_kinds(axes: Axes, is_real: Sequence[bool]) -> None:
    """Draw a line between the real and the constructed sources, and name both."""
    num_real = sum(is_real)
    if 0 < num_real < len(is_real):
        axes.axhline(num_real - 0.5, color="black", linewidth=1.5)
    for title, first, number in (("real", 0, num_real), ("constructed", num_real, len(is_real) - num_real)):
        if number:
            place = (-0.02, first + (number - 1) / 2)
            axes.annotate(
                title,
                place,
                xycoords=("axes fraction", "data"),
                xytext=(-205, 0),
                textcoords="offset points",
                rotation=90,
                va="center",
                ha="center",
                fontsize=9,
            )


if __name__ == "__main__":
    main()
