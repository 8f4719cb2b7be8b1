"""How results are shown: JSON for programs, tables for people, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from rich.console import Console, ConsoleRenderable, RichCast
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from textwright.core.callbacks import Callback, EpochRecord, RunInfo
from textwright.core.hub import with_two_slashes
from textwright.core.percent import percent

if TYPE_CHECKING:
    from textwright.core.types import Float32s

_LONGEST_NAME: Final = 20
_MAX_STAGE: Final = 100


@dataclass(frozen=True)
class Output:
    """How much to say, and to whom.

    Args:
        json: Print the result as one JSON object on standard output, for programs.
        quiet: Print the result only: no progress, no notes, no next step.
    """

    json: bool = False
    quiet: bool = False


DEFAULT_OUTPUT: Final = Output()


class Terminal:
    """Where a command speaks: results to standard output, everything else to standard error.

    Args:
        output: The user's choice of ``--json`` and ``--quiet``.
    """

    def __init__(self, output: Output) -> None:
        self.output = output
        self._out = break_at_spaces(Console(highlight=False))
        self._err = break_at_spaces(Console(stderr=True, highlight=False, quiet=output.quiet))

    def result(self, content: Mapping[str, Any], show: Callable[[], None]) -> None:
        """Give the command's result, once.

        Args:
            content: The result as JSON-ready values; printed with ``--json``.
            show: Prints the same result for people; called without ``--json``.
        """
        if self.output.json:
            has_all = str(sys.stdout.encoding).lower().replace("-", "") == "utf8"  # JSON has escapes of its own
            sys.stdout.write(json.dumps(content, indent=2, ensure_ascii=not has_all, allow_nan=False) + "\n")
        else:
            show()

    def say(self, line: str) -> None:
        """Print a line of the result for people; square brackets are text, not markup."""
        self._out.print(line, markup=False)

    def note(self, line: str) -> None:
        """Print a remark on standard error; ``--quiet`` silences it."""
        self._err.print(line, markup=False, style="dim")

    def next(self, command: str) -> None:
        """End by saying what to type next; ``--quiet`` and ``--json`` silence it."""
        if not self.output.json:
            self._err.print("next:", style="bold green", end=" ")
            self._err.print(with_two_slashes(command), markup=False, soft_wrap=True)  # to be copied as one line

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table; columns whose cells are all numbers are aligned to the right.

        Args:
            title: What the table shows.
            columns: Headings, (C,).
            rows: Rows of C cells; a cell is shown as ``str`` shows it.
        """
        content = [list(row) for row in rows]
        if title:
            self._out.print(title, style="bold", markup=False)
        table = Table(header_style="dim", box=None)
        for index, heading in enumerate(columns):
            is_number = all(isinstance(row[index], int | float) for row in content)
            is_name = index == 0 and all(len(str(row[0])) <= _LONGEST_NAME for row in content)  # never cut in two
            table.add_column(heading, justify="right" if is_number else "left", overflow="fold", no_wrap=is_name)
        for row in content:
            table.add_row(*(escape_cell(cell) for cell in row))
        self._out.print(table, soft_wrap=False)

    def progress(self) -> Progress:
        """Make a progress bar on standard error; silent with ``--quiet`` and when nobody watches."""
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._err,
            disable=self.output.quiet or not self._err.is_terminal,
            transient=True,  # what is done leaves no spinner behind
        )

    @contextmanager
    def steps(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show the stages of long work; yields what is called with each."""
        with ProgressView(self, what) as view:
            yield view.on_stage_begin

    def live(self, view: ConsoleRenderable | RichCast) -> Live:
        """Make a picture on standard error that is drawn anew four times a second; not started where nobody watches.

        Args:
            view: What is drawn.
        """
        return _Live(view, console=self._err, is_watched=self._err.is_terminal and not self.output.quiet)


class _Live(Live):
    """A live picture that does not start where nobody watches."""

    def __init__(self, view: ConsoleRenderable | RichCast, *, console: Console, is_watched: bool) -> None:
        super().__init__(view, console=console)
        self._is_watched = is_watched

    def start(self, refresh: bool = False) -> None:
        """Start drawing, if somebody watches."""
        if self._is_watched:
            super().start(refresh)


class ProgressView(Callback):
    """Shows long work on standard error: a bar where somebody watches, else a line for each stage.

    Epochs, runs and warnings are lines in either case.

    Args:
        terminal: Where to draw.
        stage: What is done at first.
    """

    def __init__(self, terminal: Terminal, stage: str) -> None:
        self._terminal = terminal
        self._bar = terminal.progress()
        self._task = self._bar.add_task(stage, total=None, note="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def on_stage_begin(self, stage: str) -> None:
        """Name what is done now."""
        if self._bar.disable:
            self._terminal.note(stage)
        else:
            self._bar.remove_task(self._task)  # a task keeps the total that it once had
            self._task = self._bar.add_task(stage[:_MAX_STAGE], total=None, note="")

    def on_progress(self, stage: str, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, description=stage, completed=done, total=total)

    def on_warning(self, message: str) -> None:
        """Say what was dropped while reading, and which labels look like mistakes."""
        self._terminal.note(f"! {message}")

    def on_train_begin(self, num_steps: int, step: int) -> None:
        """Show the bar, from where a checkpoint left it."""
        if step:
            self._terminal.note(f"going on from the checkpoint, step {step} of {num_steps}")
        self._bar.update(self._task, description="training", total=num_steps, completed=step)

    def on_step_end(self, step: int, loss: float, learning_rate: float) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=step, note=f"loss {loss:.3f}  lr {learning_rate:.1e}")

    def on_epoch_end(self, record: EpochRecord, logits: Float32s) -> None:
        """Print a line about the epoch."""
        del logits
        best = "  best" if record.is_best else ""
        self._terminal.note(
            f"epoch {record.epoch:>3}  train loss {record.train_loss:.4f}  validation loss "
            f"{record.validation_loss:.4f}  {record.metric} {percent(record.validation_accuracy)}{best}"
        )

    def on_run_begin(self, run: RunInfo) -> None:
        """Name the candidate, and move the bar."""
        self._terminal.note(f"[{run.number}/{run.total}] {run.name}: {run.summary}")
        self._bar.update(self._task, description=run.name, completed=run.number - 1, total=run.total)

    def on_run_end(self, run: RunInfo, outcome: str) -> None:
        """Say what came of the candidate."""
        self._terminal.note(f"    {run.name} {outcome}")


def break_at_spaces(console: Console) -> Console:
    """Let lines break at spaces where somebody watches; what is piped keeps its lines whole.

    Args:
        console: It is changed, and returned.
    """
    console.soft_wrap = not console.is_terminal
    return console


def escape_cell(cell: object) -> str:
    """Show a cell as text, so that square brackets in data are not read as markup."""
    from rich.markup import escape

    return escape(str(cell))
