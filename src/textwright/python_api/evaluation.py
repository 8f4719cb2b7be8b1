"""What ``evaluate`` returns: the numbers, and how a terminal, a notebook and a file show them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

from textwright.core.files import write_text
from textwright.display.evaluation import evaluation_tables, show_evaluation
from textwright.display.tables import to_html
from textwright.display.terminal import Output, Terminal
from textwright.errors import MissingExtraError, SettingsError
from textwright.evaluate.eval_split import Selection
from textwright.evaluate.evaluation import Evaluation
from textwright.report.page import theme

_NAMESPACES: Final = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


@dataclass(frozen=True, slots=True)
class EvaluationResult(Evaluation):
    """An evaluation that shows itself: ``result.metrics["accuracy"].low``, ``result.show()``, ``result.plot()``.

    Args:
        selection: Which rows were measured, and why these, in a sentence.
    """

    selection: str = ""

    @classmethod
    def of(cls, evaluation: Evaluation, selection: Selection) -> Self:
        """Add to an evaluation which rows it is of."""
        measured = {field.name: getattr(evaluation, field.name) for field in fields(Evaluation)}
        return cls(**measured, selection=selection.description)

    def show(self) -> None:
        """Print the tables that ``textwright evaluate`` prints."""
        terminal = Terminal(Output())
        terminal.say(f"measured {self.selection}")
        show_evaluation(terminal, self)

    def plot(self, figure: str = "confusion") -> Plot:
        """Draw a figure of the report.

        Args:
            figure: "confusion", the matrix, or for a multi-label task what was found and missed of each label;
                "precision_recall", "roc", "reliability", "histogram" (of the confidence), "coverage" or
                "length".

        Returns:
            A plot that a notebook shows and that can be saved.

        Raises:
            MissingExtraError: If matplotlib is not installed.
            SettingsError: If there is no such figure.
        """
        try:
            from textwright.evaluate import figures
        except ImportError as error:
            raise MissingExtraError("plotting", "report") from error
        if figure not in figures.FIGURES:
            raise SettingsError(f"there is no figure {figure!r}; there are {', '.join(figures.FIGURES)}")
        return Plot(figures.FIGURES[figure](self))

    def save_report(self, path: str | Path) -> None:
        """Write the report of ``textwright evaluate --report``: one HTML file that opens offline.

        Args:
            path: The HTML file.

        Raises:
            MissingExtraError: If matplotlib or jinja2 is not installed.
            SettingsError: If the file cannot be written.
        """
        self.write_html(Path(path))

    def _repr_html_(self) -> str:
        try:
            figure = self.plot().svg
        except MissingExtraError:
            figure = ""
        return to_html(evaluation_tables(self), figure=figure, remarks=[f"measured {self.selection}", *self.warnings])


class Plot:
    """A plot in the style of the reports.

    Args:
        svg: ``<svg class="plot">`` in the page's colors.
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, path: str | Path) -> None:
        """Write it as an SVG file that stands by itself.

        Args:
            path: The file.
        """
        head, tag, rest = self.svg.partition(">")
        style = f"<style>{theme('svg.plot')} svg.plot {{ background: var(--paper); }}</style>"
        head = head.replace("<svg ", f"<svg {_NAMESPACES} ")
        write_text(Path(path), f"{head}{tag}{style}{rest}")

    def _repr_html_(self) -> str:
        return to_html((), figure=self.svg)
