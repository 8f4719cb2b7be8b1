"""The report of an optimisation as one HTML file that opens offline, in the style of the evaluation report."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from textwright.core.files import write_text
from textwright.errors import MissingExtraError
from textwright.evaluate.batch_invariance import MAX_CHANGE
from textwright.optimize.outcome import Outcome

PAGE: Final = "optimization.html"


def write_page(outcome: Outcome, path: Path) -> None:
    """Write the page at once: the old file or the new, never a part.

    Args:
        outcome: Everything tried.
        path: The HTML file.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    write_text(path, render_page(outcome))


def render_page(outcome: Outcome) -> str:
    """Draw the page.

    Args:
        outcome: Everything tried.

    Returns:
        A whole HTML page; the same outcome gives the same page.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    try:
        from markupsafe import Markup

        from textwright.evaluate.page_templates import page_templates
        from textwright.optimize import figures

        pages = page_templates("textwright.optimize")
    except ImportError as error:
        raise MissingExtraError("the page of an optimisation", "train") from error
    plot = Markup(figures.tradeoff(outcome)) if any(trial.cost for trial in outcome.trials) else ""  # noqa: S704
    return pages.get_template("optimization.html.j2").render(outcome=outcome, plot=plot, max_change=MAX_CHANGE)
