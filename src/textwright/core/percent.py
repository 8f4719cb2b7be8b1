"""Shares as people read them: one form in every table, sentence and note."""

from __future__ import annotations


def percent(*shares: float, digits: int = 1) -> str:
    """Write a share as a percentage, or the ends of an interval.

    Args:
        shares: One or two of 0 to 1.
        digits: Decimal places, >= 0.

    Returns:
        For example "64.3 %" or "62.0 to 66.5 %", with the space of ISO 31-0 that the pages have too.
    """
    return " to ".join(f"{100 * share:.{digits}f}" for share in shares) + " %"
