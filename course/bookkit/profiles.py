"""How large a lesson runs: ``full`` for readers and for every printed number, ``smoke`` to see that all of it works."""

from __future__ import annotations

import os
from typing import Final, Literal, TypeVar

Value = TypeVar("Value")
VARIABLE: Final = "TEXTWRIGHT_COURSE_PROFILE"
REPORT: Final = "TEXTWRIGHT_COURSE_REPORT"
"""Names the file that ``booktools`` waits for."""
LESSON: Final = "TEXTWRIGHT_COURSE_LESSON"
"""Names the lesson that a notebook is, for example "00-start-here"; its set-up cell sets it."""


def profile() -> Literal["smoke", "full"]:
    """Name the profile of this run: ``$TEXTWRIGHT_COURSE_PROFILE``, else "full".

    Raises:
        ValueError: If the variable holds another word.
    """
    match os.environ.get(VARIABLE, "full"):
        case "smoke":
            return "smoke"
        case "full":
            return "full"
        case other:
            raise ValueError(f"{VARIABLE} is {other!r}; it must be smoke or full")


def pick(*, smoke: Value, full: Value) -> Value:
    """Choose by profile.

    Args:
        smoke: Small enough for a few seconds on 2 cores.
        full: What the prose speaks of.
    """
    return smoke if profile() == "smoke" else full


def is_live() -> bool:
    """Tell whether somebody runs the lesson in a notebook; False while ``booktools`` executes it for a page."""
    return REPORT not in os.environ
