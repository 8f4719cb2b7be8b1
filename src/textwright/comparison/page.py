"""The leaderboard as one HTML file that opens offline, in the style of the evaluation report.

matplotlib and jinja2 are imported only when the page is drawn. Names and labels are somebody else's: the page escapes
them, runs no script and asks no other host for anything.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from textwright.comparison.leaderboard import Leaderboard
from textwright.core.files import write_text
from textwright.errors import MissingExtraError
from textwright.evaluate.scores import TITLES

PAGE: Final = "leaderboard.html"


def write_page(board: Leaderboard, path: Path) -> None:
    """Write the page at once: the old file or the new, never a part.

    Args:
        board: A complete comparison.
        path: The HTML file.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    write_text(path, render_page(board))


def render_page(board: Leaderboard) -> str:
    """Draw the page.

    Args:
        board: With at least one measured row.

    Returns:
        A whole HTML page; the same leaderboard gives the same page.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    try:
        from markupsafe import Markup

        from textwright.comparison import figures
        from textwright.evaluate.page_templates import page_templates

        pages = page_templates("textwright.comparison")
    except ImportError as error:
        raise MissingExtraError("the page of a comparison", "train") from error
    pages.filters["duration"] = duration
    drawn = [figures.tradeoff] if any(row.speed for row in board.rows) else []
    drawn += [figures.curves] if any(len(row.curve) > 1 for row in board.rows) else []
    plots = {draw.__name__: Markup(draw(board)) for draw in drawn}  # noqa: S704  drawn by us, names escaped
    settings = {row.name: json.dumps(row.settings, indent=2, ensure_ascii=False) for row in board.rows if row.settings}
    return pages.get_template("leaderboard.html.j2").render(board=board, plots=plots, titles=TITLES, settings=settings)


def duration(seconds: float) -> str:
    """Write a time as people say it: "8 ms", "12 s", "3 min", "2.1 h"."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
