"""Plots on a phone: each says how wide it must be for its text to be readable, and the page's style scrolls it."""

from __future__ import annotations

import re
from typing import Final

from nbformat import NotebookNode

_PLOT: Final = re.compile(r'<svg class="plot" viewBox="0 0 ([\d.]+) ')


def readable(cell: NotebookNode) -> NotebookNode:
    """Give each plot among a cell's outputs the width, in pixels, at which its text can be read: a pixel for a unit.

    Args:
        cell: An executed code cell; changed in place.
    """
    for output in cell.outputs:
        data = output.get("data", {})
        if "text/html" in data:
            data["text/html"] = _PLOT.sub(_with_width, data["text/html"])
    return cell


def _with_width(match: re.Match[str]) -> str:
    return f'<svg class="plot" style="--readable: {float(match[1]):.0f}px" viewBox="0 0 {match[1]} '
