"""The estimate as one HTML page that opens offline, in the style of the evaluation report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textwright.errors import MissingExtraError

if TYPE_CHECKING:
    from textwright.deploy.cost_estimate.report import CostReport


def render_page(report: CostReport) -> str:
    """Draw the page.

    Args:
        report: The whole estimate.

    Returns:
        A whole HTML page; the same report gives the same page.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    try:
        from markupsafe import Markup

        from textwright.deploy.cost_estimate import figures
        from textwright.evaluate.page_templates import page_templates

        pages = page_templates("textwright.deploy.cost_estimate")
    except ImportError as error:
        raise MissingExtraError("the page of an estimate", "train") from error
    plot = Markup(figures.dollars_over_traffic(report)) if report.break_even.usd_per_month else ""  # noqa: S704
    return pages.get_template("cost.html.j2").render(report=report, plot=plot, best=report.best)
