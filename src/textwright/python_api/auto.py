"""``textwright.auto``: the search of ``textwright auto`` in Python, and what it returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textwright.data.in_memory import as_source
from textwright.display.auto import auto_with_view, finalist_table, sentences, show_auto
from textwright.display.tables import to_html
from textwright.display.terminal import Output, Terminal
from textwright.model_search.report import AutoReport
from textwright.model_search.settings import AutoSettings
from textwright.optional_deps import require
from textwright.python_api.folders import RunFolder
from textwright.python_api.model import Model, load
from textwright.python_api.settings import parse_two


class AutoResult:
    """What a search came to.

    Args:
        report: What was tried, the choice and why.
        folder: Of the search; a temporary one goes with this object.
    """

    def __init__(self, report: AutoReport, folder: RunFolder) -> None:
        self.report = report
        self._folder = folder

    def model(self) -> Model:
        """Load the chosen model.

        Raises:
            ConstraintError: If no model keeps to the constraints; names the nearest.
        """
        self.report.raise_unless_shipped()
        return load(self._folder.path).kept_by(self._folder)

    def show(self) -> None:
        """Print what ``textwright auto`` prints."""
        show_auto(Terminal(Output()), self.report)

    def _repr_html_(self) -> str:
        return to_html([finalist_table(self.report)], remarks=list(sentences(self.report)))


def auto(
    data: Any,  # noqa: ANN401  see as_source
    *,
    out: str | Path | None = None,
    budget_minutes: float = 30.0,
    verbose: bool = True,
    **settings: Any,  # noqa: ANN401  AutoSettings and DataSettings by name
) -> AutoResult:
    """Find the best model for a budget of minutes and for constraints.

    Args:
        data: As for :func:`textwright.train`.
        out: Folder of the search, in which an interrupted one goes on; None takes a temporary one.
        budget_minutes: Minutes of the whole search.
        verbose: Say what is tried, and what is left of the budget.
        **settings: Constraints such as ``max_latency_ms=5``, ``min_accuracy=85``, ``max_size_mb=10`` or
            ``max_cost_per_million=2``; what is searched, such as ``families="linear,bert"``; and how to read and split
            the data, such as ``text_column="review"``; see ``textwright auto --help``.

    Returns:
        The search: ``.model()`` loads the chosen model, ``.report`` holds everything, ``.show()`` prints it.

    Raises:
        MissingExtraError: If the extra "train" is not installed.
        NotFoundError: If there is no such file or family.
        DataError: If the data cannot be used.
        SettingsError: If a setting is unknown or out of bounds, or ``out`` holds something else.
        TrainingError: If no model was finished within the budget.
    """
    require("train", what="searching")
    given = {**settings, "budget_minutes": budget_minutes}
    search, reading = parse_two("auto", AutoSettings, given)
    folder = RunFolder(out)
    terminal = Terminal(Output(quiet=not verbose))
    return AutoResult(auto_with_view(as_source(data), folder.path, search, reading, terminal), folder)
