"""Draw what the serving benchmarks found: ``python benchmarks/serving/draw.py``, after both have been measured.

Reads ``benchmarks/results/serving.json`` and ``serving_bow.json``, or the two files that are named; writes
``serving.png`` beside this file, or where ``--out`` says. With ``--matrix`` it reads ``serving_matrix.json``, or the
file that is named, and writes ``serving-matrix.png``: accuracy against requests per second.
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
from matplotlib.ticker import LogLocator

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results"
OURS, CEILING = "textwright", ("raw loop", "in process")
OUR_COLOR, CEILING_COLOR, OTHER_COLOR = "#1d5fa8", "#b8bec6", "#7a8794"


def draw_bars(axes: Axes, title: str, rounds: dict[str, Any], key: str, unit: str) -> None:
    """Draw one number of each contender: the median, with the spread of the rounds, ours in color."""
    names = [name for name in rounds if key in rounds[name]][::-1]
    medians = [rounds[name][key]["median"] for name in names]
    spread = [
        [median - rounds[name][key]["min"] for name, median in zip(names, medians, strict=True)],
        [rounds[name][key]["max"] - median for name, median in zip(names, medians, strict=True)],
    ]
    colors = [OUR_COLOR if name == OURS else CEILING_COLOR if name in CEILING else OTHER_COLOR for name in names]
    axes.barh(names, medians, xerr=spread, color=colors, error_kw={"ecolor": "#333333", "capsize": 3})
    for place, (median, above) in enumerate(zip(medians, spread[1], strict=True)):
        axes.annotate(f" {median:,.3g}" if median < 1000 else f" {median:,.0f}", (median + above, place), va="center")
    axes.set_xlim(0, max(map(sum, zip(medians, spread[1], strict=True))) * 1.2)
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(unit)
    axes.locator_params(axis="x", nbins=5)
    axes.spines[["top", "right"]].set_visible(False)


ENGINE_COLORS = {
    "ONNX Runtime fp32": "#4d4d4d",
    "ONNX Runtime int8": "#1d5fa8",
    "OpenVINO bf16": "#b8860b",
    "OpenVINO int8": "#b2182b",
}
RIVAL = "FastAPI + pipeline"


def draw_matrix(content: dict[str, Any], out: Path) -> None:
    """Draw accuracy against requests per second, both with their spread, and join what nothing else beats at both."""
    figure, axes = plt.subplots(figsize=(11, 6.5), layout="constrained")
    rows, rounds = content["rows"], content["measured_rounds"]
    places = {name: (rounds[name]["per_second"]["median"], 100 * row["accuracy"]["mean"]) for name, row in rows.items()}
    for name, row in rows.items():
        color, marker = ENGINE_COLORS[row["engine"]], "o" if row["layers"] == "6 layers" else "s"
        fill = "white" if row["is_cascade"] else color
        low, high = (abs(rounds[name]["per_second"][end] - places[name][0]) for end in ("min", "max"))
        style = {"color": color, "marker": marker, "markerfacecolor": fill, "markersize": 9, "capsize": 2}
        axes.errorbar(
            *places[name], xerr=[[low], [high]], yerr=100 * (row["accuracy"]["deviation"] or 0), elinewidth=0.6, **style
        )
        if row["workers"] > 1:
            axes.annotate(f" {row['workers']} workers", places[name], fontsize=8)
    front = [
        place for place in sorted(places.values()) if not any(_is_better(other, place) for other in places.values())
    ]
    axes.plot(*zip(*front, strict=True), color="#999999", linewidth=1, linestyle=":", zorder=0)
    accuracy = 100 * rows["6 layers, ONNX Runtime fp32"]["accuracy"]["mean"]
    for name in [name for name in rounds if name not in rows]:  # theirs: the encoder and its accuracy are the same
        place = rounds[name]["per_second"]["median"], accuracy
        axes.plot(*place, marker="X", markersize=11, color=OTHER_COLOR)
        axes.annotate(name, place, xytext=(0, 10), textcoords="offset points", ha="left", fontsize=9)
    _explain_marks(axes)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel("requests per second from 32 connections; median of the rounds, with least and most")
    num_seeds = max(len(row["accuracy"]["seeds"]) for row in rows.values())
    of_seeds = f"mean and deviation over {num_seeds} seeds" if num_seeds > 1 else "one seed"
    axes.set_ylabel(f"test accuracy, percent; {of_seeds}")
    axes.set_title("Engines, layers and cascades behind HTTP, movie-reviews", loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(out, dpi=120)


def _is_better(place: tuple[float, float], than: tuple[float, float]) -> bool:
    return place != than and place[0] >= than[0] and place[1] >= than[1]


def _explain_marks(axes: Axes) -> None:
    for name, color in ENGINE_COLORS.items():
        axes.plot([], [], color=color, marker="o", linestyle="", label=name)
    black: dict[str, Any] = {"color": "black", "linestyle": ""}
    axes.plot([], [], marker="o", label="6 layers", **black)
    axes.plot([], [], marker="s", label="3 layers", **black)
    axes.plot([], [], marker="o", markerfacecolor="white", label="behind bow", **black)
    axes.plot([], [], marker="X", color=OTHER_COLOR, linestyle="", label="other servers, same encoder in fp32")
    axes.plot([], [], color="#999999", linestyle=":", label="nothing is better at both")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8, frameon=False)


def main() -> None:
    """Draw and write."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--matrix", type=Path, nargs="?", const=RESULTS / "serving_matrix.json")
    parser.add_argument("minilm", type=Path, nargs="?", default=RESULTS / "serving.json")
    parser.add_argument("bow", type=Path, nargs="?", default=RESULTS / "serving_bow.json")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.matrix is not None:
        out = asked.out or HERE / "serving-matrix.png"
        draw_matrix(json.loads(asked.matrix.read_text(encoding="utf-8")), out)
        print(f"written: {out}", file=sys.stderr)
        return
    asked.out = asked.out or HERE / "serving.png"
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
