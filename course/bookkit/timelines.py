"""The machines of Part 1 on one line: what each read, what it tells apart, and its rung on the common ladder.

``course/timeline.toml`` says which claim of which lesson fills which cell; this module fills them. Lesson 1 draws the
figure, and ``booktools`` the page and the front page, from the same result files.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bookkit.claims import RESULTS, all_claims
from bookkit.figures import colors, draw
from bookkit.profiles import profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS: Final = Path(__file__).parents[1] / "timeline.toml"
PROBES: Final = ("order", "sense", "unknown", "opposites")
CAPTION: Final = (
    "Test accuracy with 500 labels of movie-reviews, mean of five draws: the same task for every machine. Hollow: it "
    "had read nothing before. Dashed: TF-IDF."
)
_NAMED: Final = re.compile(r"\{(\w+\.\w+)\}")

Claims = Mapping[str, Mapping[str, Any]]
"""What lessons committed: "01.ladder_bert" -> value and text."""


@dataclass(frozen=True, slots=True)
class Row:
    """One machine.

    Args:
        year: Of the paper.
        name: Of the machine.
        lesson: Number of the lesson that builds it.
        source: Link to the paper or card.
        read: What it read before it saw a label.
        weights: How many numbers it has; empty if unknown.
        accuracy: On the ladder, 0 to 1.
        printed: The accuracy as lessons print it.
        seen: The tokens of the common sentence; empty if unknown.
        shape: Tokens x numbers; empty if unknown.
        probes: Name of a probe -> a check mark or a cross; a probe that was not asked is missing.
    """

    year: int
    name: str
    lesson: str
    source: str
    read: str
    weights: str
    accuracy: float
    printed: str
    seen: str
    shape: str
    probes: Mapping[str, str]


def committed_claims() -> dict[str, Mapping[str, Any]]:
    """Read what all lessons committed."""
    files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))}
    return {f"{number}.{name}": claim for number, file in files.items() for name, claim in file["claims"].items()}


def rows(claims: Claims) -> list[Row]:
    """Fill the rows whose accuracy was measured, in the order of the years."""
    specified = tomllib.loads(ROWS.read_text(encoding="utf-8"))["rows"]
    return [_filled(one, claims) for one in specified if one["accuracy"] in claims]


def plot(axes: Axes, found: Sequence[Row]) -> None:
    """Draw the accuracies, the oldest machine above."""
    line = next((row.accuracy for row in found if row.name == "TF-IDF"), None)
    if line is not None:
        axes.axvline(line, color=colors.muted, linestyle="--", linewidth=1)
    for place, row in enumerate(found):
        from_scratch = row.read == "nothing"
        color = colors.muted if row.name == "TF-IDF" else colors.series[0]
        inside = "none" if from_scratch else color
        axes.plot(row.accuracy, place, "o", color=color, markersize=8, markerfacecolor=inside)
        axes.text(row.accuracy + 0.01, place, row.printed, va="center", fontsize=9, color=colors.ink)
    axes.set_yticks(range(len(found)), [f"{row.year}  {row.name}" for row in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    values = [row.accuracy for row in found]
    axes.set_xlim(min(0.5, *values) - 0.01, max(values) + 0.06)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("test accuracy with 500 labels")
    axes.grid(visible=False, axis="y")


def size(found: Sequence[Row]) -> tuple[float, float]:
    """Choose width and height of the figure, in inches."""
    return 6.8, 1.0 + 0.32 * len(found)


def timeline(own: str) -> None:
    """Show the figure in a lesson.

    Args:
        own: The lesson's number; in the full profile the claims that it has made already stand for the committed ones.
    """
    claims = committed_claims()
    if profile() == "full":
        claims |= {f"{own}.{name}": claim for name, claim in all_claims().items()}
    found = rows(claims)
    draw("timeline", lambda axes: plot(axes, found), CAPTION, size=size(found))


def _filled(one: Mapping[str, Any], claims: Claims) -> Row:
    def text(name: str) -> str:
        return str(claims[one[name]]["text"]) if one.get(name) in claims else ""

    probes = {name: _mark(probe, claims) for name, probe in one.get("probes", {}).items()}
    return Row(
        year=one["year"],
        name=one["name"],
        lesson=one["lesson"],
        source=one["source"],
        read=_NAMED.sub(lambda match: str(claims[match[1]]["text"]) if match[1] in claims else "some", one["read"]),
        weights=text("weights"),
        accuracy=float(claims[one["accuracy"]]["value"]),
        printed=text("accuracy"),
        seen=text("seen"),
        shape=text("shape"),
        probes={name: mark for name, mark in probes.items() if mark},
    )


def _mark(probe: str | Mapping[str, Any], claims: Claims) -> str:
    """Read or make the check mark of a probe; empty if nobody measured it."""
    if isinstance(probe, str):
        return str(claims[probe]["text"]) if probe in claims else ""
    if probe["claim"] not in claims:
        return ""
    value = float(claims[probe["claim"]]["value"])
    low, high = probe.get("at_least", value), probe.get("at_most", value)
    return "✓" if low <= value <= high else "✗"
