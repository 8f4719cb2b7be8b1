"""How a search looks in the terminal: what is tried, what is left of the budget, then the choice and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from textwright.core.callbacks import EpochRecord, RunInfo
from textwright.core.files import exclusive_folder
from textwright.core.percent import percent
from textwright.data.settings import DataSettings
from textwright.display.tables import TableContent
from textwright.display.terminal import ProgressView, Terminal
from textwright.evaluate.scores import TITLES
from textwright.model_search.settings import AutoSettings
from textwright.report.page import duration

if TYPE_CHECKING:
    from textwright.core.types import Float32s
    from textwright.data.in_memory import DataSource
    from textwright.model_search.choice import Finalist
    from textwright.model_search.report import AutoReport


def auto_with_view(
    source: DataSource, out: Path, settings: AutoSettings, data: DataSettings, terminal: Terminal
) -> AutoReport:
    """Run a search, showing what is tried; what ``textwright auto`` and ``textwright.auto`` call.

    Args:
        source: Labeled texts.
        out: Folder of the search; one process at a time writes into it.
        settings: Budget, constraints and what is searched.
        data: How to read and split the source.
        terminal: Where to show it.

    Returns:
        As :func:`textwright.model_search.search.auto` does, whose errors are raised too.
    """
    from textwright.model_search.search import auto  # brings torch

    with exclusive_folder(out), AutoView(terminal) as view:
        return auto(source, out, settings, data, [view])


class AutoView(ProgressView):
    """Watches a search: a line for each step, with what is left of the budget, and a bar where somebody watches.

    Args:
        terminal: Where to draw.
    """

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal, "reading the data")
        self._seconds_left, self._since = 0.0, monotonic()
        self._step: RunInfo | None = None

    def on_result(self, result: object, seconds_left: float | None) -> None:
        """Take what is left of the budget."""
        del result
        self._seconds_left, self._since = seconds_left or 0.0, monotonic()
        self._step = None

    def on_run_begin(self, run: RunInfo) -> None:
        """Name the step with what is left; within a step, name what it tries."""
        if self._step is not None:
            super().on_run_begin(run)
            return
        self._step = run
        left = max(self._seconds_left - (monotonic() - self._since), 0.0)
        self._terminal.note(f"step {run.number}, {duration(left)} left: {run.name}: {run.summary}")
        self._bar.update(self._task, description=f"{run.name} ({duration(left)} left)", completed=0, total=None)

    def on_run_end(self, run: RunInfo, outcome: str) -> None:
        """Say what came of the step, or of what it tried."""
        super().on_run_end(run, outcome)

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:
        """Say nothing: a search has many epochs."""
        del record, logits


def show_auto(terminal: Terminal, report: AutoReport) -> None:
    """Print the models that could be shipped, the choice and why, and what more would buy."""
    terminal.table(*finalist_table(report))
    for sentence in sentences(report):
        terminal.say(sentence)


def finalist_table(report: AutoReport) -> TableContent:
    """Give the table of the models that could be shipped."""
    columns = ("model", TITLES[report.metric].lower(), "ms / text", "texts / s", "MB", "$ / million", "")
    title = f"What could be shipped for {report.source}, on {report.num_examples['validation']:,} validation texts"
    return TableContent(title, columns, [_row(item, report) for item in report.finalists])


def sentences(report: AutoReport) -> Iterator[str]:
    """Say what was chosen and why, what was measured on the test texts, and what more would buy."""
    yield from report.choice.why
    yield from report.measured
    yield from (f"! {warning}" for warning in (() if report.test is None else report.test.warnings))
    yield from report.advice


def _row(item: Finalist, report: AutoReport) -> tuple[str, ...]:
    words = ["taken"] if item.name == report.choice.chosen else []
    words += ["front"] if item.is_on_front else []
    return (
        item.name,
        percent(item.model.score),
        f"{item.latency_ms:.2g}",
        f"{item.texts_per_second:,.0f}",
        f"{item.model.size_bytes / 1e6:.2f}",
        "-" if item.usd_per_million is None else f"{item.usd_per_million:.2f}",
        ", ".join(words),
    )
