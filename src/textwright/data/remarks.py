"""Say in words what of a data report deserves a look; called by :mod:`textwright.data.check`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textwright.data.check import DataReport

_FEW: Final = 20
"""Examples of a label below which a measured accuracy says little about it."""
_IMBALANCE: Final = 20
"""How many times as frequent the most frequent label is when accuracy alone misleads."""
_MANY: Final = 0.05
"""Share of the rows from which on duplicates or cut texts are worth a sentence."""


def remarks(report: DataReport) -> DataReport:
    """Add warnings to a report.

    Args:
        report: The counts.

    Returns:
        The same report with ``warnings`` filled in.
    """
    found = [*_texts(report), *_labels(report), *_duplicates(report)]
    return replace(report, warnings=tuple(found))


def _texts(report: DataReport) -> list[str]:
    found = []
    if report.empty.count:
        found.append(f"{report.empty.count:,} texts are empty; remove them, a model can only guess their label")
    if report.repaired:
        found.append(f"bytes of another encoding were repaired, lines: {report.repaired:,}; look at some of them")
    if report.damaged.count:
        found.append(
            f"{report.damaged.count:,} texts look damaged by a wrong encoding; write the file again as UTF-8 from its "
            "origin"
        )
    if report.truncated.count > _MANY * report.num_rows:
        found.append(
            f"{report.truncated.count:,} texts are longer than {report.max_length} words, and a model of that length "
            "does not read their end; raise its max_length or cut them where it matters"
        )
    return found


def _labels(report: DataReport) -> list[str]:
    found = []
    few = [f"{name!r} ({count})" for name, count in report.labels.items() if count < _FEW]
    if few:
        found.append(f"fewer than {_FEW} examples of {', '.join(few[:10])}; what is measured of them will be uncertain")
    counts = report.labels.values()
    if counts and max(counts) > _IMBALANCE * max(min(counts), 1):
        found.append("the most frequent label has more than 20 times the examples of the rarest; read macro-F1")
    return found


def _duplicates(report: DataReport) -> list[str]:
    found = []
    if report.conflicts.count:
        found.append(
            f"{report.conflicts.count:,} texts came before with another label (first: {report.conflicts.places[0]}); "
            "decide which is right"
        )
    if report.across_splits.count:
        found.append(
            f"{report.across_splits.count:,} texts have a duplicate in an earlier split (first: "
            f"{report.across_splits.places[0]}), so results on them flatter; given splits are used as they are, drop "
            "the split column to have splits drawn around duplicates"
        )
    num_duplicates = report.exact_duplicates.count + report.near_duplicates.count
    if num_duplicates > _MANY * report.num_rows:
        found.append(f"{num_duplicates:,} texts are exact or near duplicates; drawn splits keep them on one side")
    return found
