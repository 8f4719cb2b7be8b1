"""One HTML file that shows an evaluation: it opens offline, runs no script and asks no other host for anything.

matplotlib and jinja2 come with the extra "train" and are imported only when a report is drawn. Texts and label names
are somebody else's: the page escapes them, and its content security policy forbids every script beside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from textwright.core.files import write_text
from textwright.errors import MissingExtraError, SettingsError
from textwright.evaluate.evaluation import Evaluation
from textwright.evaluate.scores import LOWER_IS_BETTER, MEANINGS, TITLES

_NUM_CONFUSIONS = 10


class Confusion(NamedTuple):
    """A true label that was taken for another."""

    actual: str
    predicted: str
    num_texts: int
    share: float


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write the report at once: the old file or the new, never a part.

    Args:
        evaluation: What was measured.
        path: The HTML file; its folder is made when missing.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
        SettingsError: If the file cannot be written.
    """
    page = render_report(evaluation)
    if path.is_dir():
        raise SettingsError(f"{path} is a folder; give the report a file name: --report {path / 'report.html'}")
    try:
        write_text(path, page)
    except OSError as error:
        raise SettingsError(
            f"the report cannot be written to {path}: {error.strerror}; choose another --report"
        ) from error


def render_report(evaluation: Evaluation) -> str:
    """Draw the report.

    Args:
        evaluation: What was measured.

    Returns:
        A whole HTML page; the same evaluation gives the same page.

    Raises:
        MissingExtraError: If matplotlib or jinja2 is not installed.
    """
    try:
        from markupsafe import Markup

        from textwright.evaluate import figures
        from textwright.evaluate.page_templates import page_templates

        pages = page_templates()
    except ImportError as error:
        raise MissingExtraError("the HTML report", "train") from error
    is_large = len(evaluation.labels) > figures.MAX_COUNTED_LABELS and not evaluation.is_multi_label
    plots = {
        draw.__name__: Markup(draw(evaluation))  # noqa: S704  drawn by us, names escaped by matplotlib
        for draw in (figures.confusion, figures.reliability, figures.histogram, figures.length)
    }
    return pages.get_template("report.html.j2").render(_content(evaluation), plots=plots, is_large=is_large)


def _content(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "evaluation": evaluation,
        "model": evaluation.model,
        "titles": TITLES,
        "meanings": MEANINGS,
        "lower_is_better": LOWER_IS_BETTER,
        "confusions": top_confusions(evaluation),
    }


def top_confusions(evaluation: Evaluation) -> list[Confusion]:
    """Find the pairs of labels that are taken for each other most often.

    Args:
        evaluation: Of a single-label task; of a multi-label one there are no pairs.

    Returns:
        At most 10 pairs, the most frequent first, each with its share of the true label's texts.
    """
    if evaluation.is_multi_label:
        return []
    names = evaluation.labels.names
    pairs = [
        Confusion(names[row], names[column], count, count / sum(counts))
        for row, counts in enumerate(evaluation.confusion)
        for column, count in enumerate(counts)
        if count and row != column
    ]
    return sorted(pairs, key=lambda pair: -pair.num_texts)[:_NUM_CONFUSIONS]
