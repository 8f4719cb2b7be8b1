"""What happens to rows that cannot be used.

Training ends at the first of them, a check counts them and reads on, and a file of predictions may say beside each
what is wrong.

Given to the readers and to :mod:`textwright.data.reader`, which report every such row here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from textwright.errors import DataError

MAX_PLACES: Final = 5
"""Places that a report names of each kind; the rest is counted."""


class RowProblem(StrEnum):
    """Why a row cannot be used."""

    ENCODING = "not in the file's encoding"
    MALFORMED = "malformed"
    NO_TEXT = "without text"
    UNLABELED = "without a label"
    BAD_LABEL = "with a label that cannot be read"
    BAD_SPLIT = "with an unknown split"


@dataclass(frozen=True, slots=True)
class Finding:
    """Rows with something to look at.

    Args:
        count: How many.
        places: Where the first of them stand.
    """

    count: int
    places: tuple[str, ...]


class RowErrors:
    """Ends the reading at the first row that cannot be used."""

    def report(self, problem: RowProblem, place: str, reason: str) -> None:  # noqa: ARG002  the counting form needs it
        """Take note of a row that cannot be used.

        Args:
            problem: Why not.
            place: Where the row stands: "reviews.csv, line 7".
            reason: What is wrong, with the cure.

        Raises:
            DataError: Here always.
        """
        raise DataError(f"{place}: {reason}")

    def sentences(self) -> Iterator[str]:
        """Say each problem of the rows in one sentence; here there is none, since reading has ended."""
        return iter(())

    def take(self) -> str:
        """Return what was reported since the last call, for a row to carry; empty where rows do not carry it."""
        return ""


class RowErrorCounts(RowErrors):
    """Counts the rows that cannot be used, with the places of the first, so that reading goes on."""

    def __init__(self) -> None:
        self._places: dict[RowProblem, list[str]] = {}
        self._counts: dict[RowProblem, int] = {}
        self._reasons: dict[RowProblem, str] = {}

    def report(self, problem: RowProblem, place: str, reason: str) -> None:
        """Count a row; of each problem the first reason is remembered."""
        self._counts[problem] = self._counts.get(problem, 0) + 1
        self._reasons.setdefault(problem, f"{place}: {reason}")
        places = self._places.setdefault(problem, [])
        if len(places) < MAX_PLACES:
            places.append(place)

    def findings(self) -> dict[str, Finding]:
        """Return problem -> how many rows have it and where the first of them stand."""
        return {str(problem): Finding(count, tuple(self._places[problem])) for problem, count in self._counts.items()}

    def sentences(self) -> Iterator[str]:
        """Say each problem in one sentence: how many rows, and what is wrong with the first."""
        for problem, count in self._counts.items():
            yield self._reasons[problem] + (f" ({count:,} rows are {problem})" if count > 1 else "")


class RowErrorsInRows(RowErrors):
    """Puts what is wrong with a row into the row, so that reading goes on and the order stays."""

    def __init__(self) -> None:
        self._reported: list[str] = []

    def report(self, problem: RowProblem, place: str, reason: str) -> None:  # noqa: ARG002  the words say which
        """Remember an error until the row that has it is given."""
        self._reported.append(f"{place}: {reason}")

    def take(self) -> str:
        """Return the errors since the last call, and forget them."""
        error = "; ".join(self._reported)
        self._reported.clear()
        return error


END_AT_FIRST: Final = RowErrors()
"""How training reads."""
