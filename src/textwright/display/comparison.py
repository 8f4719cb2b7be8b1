"""How a comparison looks in the terminal: one live table while it runs, then the leaderboard and the advice."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from textwright.comparison.leaderboard import Leaderboard, LeaderboardMetric, LeaderboardRow
from textwright.core.callbacks import Callback, RunInfo
from textwright.core.files import exclusive_folder
from textwright.core.percent import percent
from textwright.display.tables import TableContent
from textwright.display.terminal import Terminal, escape_cell
from textwright.evaluate.scores import TITLES
from textwright.evaluate.scores import shown as metric_shown
from textwright.report.page import duration

if TYPE_CHECKING:
    from textwright.comparison.options import ComparisonOptions


def compare_with_view(choice: ComparisonOptions, out: Path, terminal: Terminal) -> Leaderboard:
    """Run a comparison, showing its table; what ``textwright compare`` and ``textwright.compare`` call.

    Args:
        choice: What to compare on what.
        out: Folder of the comparison; one process at a time writes into it.
        terminal: Where to show it.

    Returns:
        As :func:`textwright.comparison.comparison.compare` does, whose errors are raised too.
    """
    from textwright.comparison.comparison import compare  # brings torch

    with exclusive_folder(out), CompareView(terminal) as view:
        return compare(choice, out, callbacks=[view])


class CompareView(Callback):
    """Watches a comparison and draws its table on standard error; a line per run where nobody watches.

    Args:
        terminal: Where to draw.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._live = terminal.live(self)
        self._board: Leaderboard | None = None
        self._seconds_left: float | None = None
        self._doing = "reading the data"
        self._run: RunInfo | None = None
        self._steps = (0, 0)
        self._began = monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def __rich__(self) -> RenderableType:
        """Draw the table as it stands, each time that the terminal is refreshed."""
        state = Text(self._doing + self._time_left(), style="dim")
        return state if self._board is None else Group(self._table(self._board), state)

    def on_stage_begin(self, stage: str) -> None:
        """Name what is done now."""
        self._doing = stage

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Move the row's bar; before the first run, say how much is done."""
        self._steps = (done, total)
        if self._run is None:
            self._doing = f"{stage}: {percent(done / max(total, 1), digits=0)}"

    def on_warning(self, message: str) -> None:
        """Say what was dropped while reading, and which labels look like mistakes."""
        self._terminal.note(f"! {message}")

    def on_run_begin(self, run: RunInfo) -> None:
        """Mark the row that runs."""
        self._run, self._steps, self._began = run, (0, 0), monotonic()
        self._doing = f"{run.name}: {run.summary}"

    def on_run_end(self, run: RunInfo, outcome: str) -> None:
        """Say how long the rest takes, where no table is watched."""
        self._run, self._doing = None, "reading the data"
        if not self._live.is_started:
            self._terminal.note(f"{run.name}: {run.summary}: {outcome}{self._time_left()}")

    def on_result(self, result: object, seconds_left: float | None) -> None:
        """Take the new table."""
        assert isinstance(result, Leaderboard)  # noqa: S101  of a comparison
        self._board, self._seconds_left, self._began = result, seconds_left, monotonic()

    def on_train_begin(self, num_steps: int, step: int) -> None:
        """Begin the row's bar."""
        self._steps = (step, num_steps)

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        """Move the row's bar."""
        del loss, learning_rate
        self._steps = (step, self._steps[1])

    def _time_left(self) -> str:
        if self._seconds_left is None:
            return ""
        running = monotonic() - self._began if self._run is not None else 0.0
        return f", about {duration(max(self._seconds_left - running, 1.0))} left"

    def _table(self, board: Leaderboard) -> Table:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for heading in ("row", "runs", TITLES[board.primary_metric].lower(), "now"):
            table.add_column(heading)
        for row in board.rows:
            metric = row.metrics.get(board.primary_metric)
            shown = "" if metric is None else share(metric)
            table.add_row(escape_cell(row.name), f"{row.num_done}/{row.num_planned}", shown, self._now(row))
        return table

    def _now(self, row: LeaderboardRow) -> str:
        if self._run is None or self._run.name != row.name:
            return "done" if row.num_done == row.num_planned else ""
        step, num_steps = self._steps
        return f"{self._run.summary}, {percent(step / num_steps, digits=0)}" if num_steps else self._run.summary


def show_leaderboard(terminal: Terminal, board: Leaderboard) -> None:
    """Print the table for people, in parts that fit a terminal of 80 columns, and the advice."""
    for table in leaderboard_tables(board):
        terminal.table(*table)
    for sentence in board.advice:
        terminal.say(sentence)


def leaderboard_tables(board: Leaderboard) -> list[TableContent]:
    """Give the tables of a comparison: quality, tests against the best, costs."""
    headings = ("row", TITLES[board.primary_metric].lower(), "95 % interval", "macro F1", "calibration error")
    quality = [_quality(row, board) for row in board.rows]
    costs = ("row", "to train", "MB", "ms / text", "texts / s")
    return [
        TableContent(f"Leaderboard of {board.data['source']}", headings, quality),
        TableContent("Against the best", ("row", ""), [(row.name, _verdict(row)) for row in board.rows]),
        TableContent("Costs on this machine", costs, [_costs(row) for row in board.rows]),
    ]


def _quality(row: LeaderboardRow, board: Leaderboard) -> tuple[str, ...]:
    metric = row.metrics[board.primary_metric]
    interval = percent(metric.low, metric.high)
    others = (metric_shown(name, row.metrics[name].value) for name in ("macro_f1", "calibration_error"))
    return (row.name, share(metric), interval, *others)


def _verdict(row: LeaderboardRow) -> str:
    versus = row.versus_best
    return "the best" if versus is None else f"{versus.verdict}, {100 * versus.difference.value:+.1f} points"


def _costs(row: LeaderboardRow) -> tuple[str, ...]:
    speed = row.speed
    return (
        row.name,
        "-" if row.train_s is None else duration(row.train_s),
        "-" if row.size_bytes is None else f"{row.size_bytes / 1e6:.2f}",
        "-" if speed is None else f"{speed.latency_ms:.2g}",
        "-" if speed is None else f"{speed.texts_per_second:,.0f}",
    )


def share(metric: LeaderboardMetric) -> str:
    """Write a share in percent, with its deviation over seeds where there are several."""
    deviation = "" if metric.deviation is None else f" ± {100 * metric.deviation:.1f}"
    return percent(metric.value) + deviation
