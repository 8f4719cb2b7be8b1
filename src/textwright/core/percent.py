"""Shares as people read them: one form in every table, sentence and note."""

from __future__ import annotations


def percent(share: float, digits: int = 1) -> str:
    """Write a share as a percentage.

    Args:
        share: 0 to 1.
        digits: Decimal places, >= 0.

    Returns:
        For example "64.3 %", with the space of ISO 31-0 that the pages have too.
    """
    return f"{100 * share:.{digits}f} %"
