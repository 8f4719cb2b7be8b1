"""The report of a cascade as one HTML file that opens offline, in the style of the evaluation report."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from textwright.core.files import write_text
from textwright.errors import MissingExtraError
from textwright.evaluate.paired_drop import bound_in_words
from textwright.optimize.cascade.outcome import Outcome

PAGE: Final = "cascade.html"


def write_page(outcome: Outcome, path: Path) -> None:
    """Write the page at once: the old file or the new, never a part.

    Args:
        outcome: A cascade and how it came about.
        path: The HTML file.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    write_text(path, render_page(outcome))


def render_page(outcome: Outcome) -> str:
    """Draw the page.

    Args:
        outcome: A cascade and how it came about.

    Returns:
        A whole HTML page; the same outcome gives the same page.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    try:
        from markupsafe import Markup

        from textwright.evaluate.page_templates import page_templates
        from textwright.optimize.cascade import figures

        pages = page_templates("textwright.optimize.cascade")
    except ImportError as error:
        raise MissingExtraError("the page of a cascade", "train") from error
    plot = Markup(figures.curve(outcome))  # noqa: S704  our own drawing, names in it escaped
    return pages.get_template("cascade.html.j2").render(outcome=outcome, plot=plot, in_words=bound_in_words)
