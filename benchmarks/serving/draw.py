"""Draw what the serving benchmarks found: ``python benchmarks/serving/draw.py``, after both have been measured.

Reads ``benchmarks/results/serving.json`` and ``serving_bow.json``, or the two files that are named; writes
``serving.png`` beside this file, or where ``--out`` says.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
OURS, CEILING = "textwright", ("raw loop", "in process")
OUR_COLOUR, CEILING_COLOUR, OTHER_COLOUR = "#1d5fa8", "#b8bec6", "#7a8794"


def draw_bars(axes: Axes, title: str, rounds: dict[str, Any], key: str, unit: str) -> None:
    """Draw one number of each contender: the median, with the spread of the rounds, ours in color."""
    names = [name for name in rounds if key in rounds[name]][::-1]
    medians = [rounds[name][key]["median"] for name in names]
    spread = [
        [median - rounds[name][key]["min"] for name, median in zip(names, medians, strict=True)],
        [rounds[name][key]["max"] - median for name, median in zip(names, medians, strict=True)],
    ]
    colors = [OUR_COLOUR if name == OURS else CEILING_COLOUR if name in CEILING else OTHER_COLOUR for name in names]
    axes.barh(names, medians, xerr=spread, color=colors, error_kw={"ecolor": "#333333", "capsize": 3})
    for place, (median, above) in enumerate(zip(medians, spread[1], strict=True)):
        axes.annotate(f" {median:,.3g}" if median < 1000 else f" {median:,.0f}", (median + above, place), va="center")
    axes.set_xlim(0, max(map(sum, zip(medians, spread[1], strict=True))) * 1.2)
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(unit)
    axes.locator_params(axis="x", nbins=5)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Draw and write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("minilm", type=Path, nargs="?", default=RESULTS / "serving.json")
    parser.add_argument("bow", type=Path, nargs="?", default=RESULTS / "serving_bow.json")
    parser.add_argument("--out", type=Path, default=HERE / "serving.png")
    asked = parser.parse_args()
    minilm, bow = (json.loads(path.read_text(encoding="utf-8")) for path in (asked.minilm, asked.bow))
    figure, places = plt.subplots(2, 2, figsize=(11, 6), layout="constrained")
    full, lone = "32 connections", "one connection"
    rounds = minilm["measured_rounds"]
    draw_bars(places[0, 0], f"MiniLM, fp32: {full}", rounds, "per_second", "requests per second, more is better")
    draw_bars(places[0, 1], f"MiniLM, fp32: {lone}", rounds, "lone_p50_ms", "median milliseconds, less is better")
    rounds = bow["measured_rounds"]
    draw_bars(places[1, 0], f"bow: {full}", rounds, "per_second", "requests per second, more is better")
    many = "bow: 64 texts at a time"
    draw_bars(places[1, 1], many, rounds, "texts_per_second", "texts per second, more is better")
    figure.savefig(asked.out, dpi=120)
    print(f"written: {asked.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
