"""``textwright compare``: kinds of model side by side, and a leaderboard."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from textwright.cli.flags import typed
from textwright.data.settings import DataSettings
from textwright.display.terminal import DEFAULT_OUTPUT, Output, Terminal
from textwright.optional_deps import require

if TYPE_CHECKING:
    from textwright.comparison.leaderboard import Leaderboard

_DATA: Final = DataSettings()


def compare(
    source: str,
    /,
    *,
    out: Path,
    families: str = "all",
    recipe: tuple[Path, ...] = (),
    seeds: int | None = None,
    folds: int | None = None,
    sizes: str | None = None,
    data: Annotated[DataSettings, Parameter(name="*", group="Data")] = _DATA,
    output: Annotated[Output, Parameter(name="*", group="Output")] = DEFAULT_OUTPUT,
) -> None:
    """Train several model families on the same examples, and recommend one.

    Example: textwright compare movie-reviews --families all --seeds 5 --out runs/compare

    A comparison that was interrupted goes on when the same command is given again; one with more seeds, sizes or rows
    adds them. A linear baseline (TF-IDF) and the most frequent label are always among the rows.

    Args:
        source: A built-in name (movie-reviews), a file (.csv .tsv .json .txt .parquet .xlsx), a folder or a hub id.
        out: Folder of the comparison: leaderboard.json, leaderboard.html and all runs.
        families: Model families, separated by commas; all, or none for the recipes alone.
        recipe: Recipe, a file (TOML) or the name of one that comes with Textwright, whose settings are a row of
            their own, called like the file; may be given repeatedly.
        seeds: Training seeds of each row; 5 unless given, or 1 with --folds.
        folds: Cut the source into so many parts that take turns at being tested, instead of one split.
        sizes: Training texts of the learning curve, with commas between them; 100,300,1000,3000,all unless given, or
            all alone with --folds.
    """
    require("train", what="comparing")
    from textwright.comparison.options import resolve_options
    from textwright.display.comparison import compare_with_view, show_leaderboard

    terminal = Terminal(output)
    choice = resolve_options(source, data, families=families, recipes=recipe, seeds=seeds, folds=folds, sizes=sizes)
    board = compare_with_view(choice, out, terminal)
    terminal.result(board.to_json(), lambda: show_leaderboard(terminal, board))
    terminal.note(f"page: {board.html_path(out)}")
    terminal.next(_next(board, source, typed(data), out))


def _next(board: Leaderboard, source: str, flags: str, out: Path) -> str:
    """Serve the best model that beats the most frequent label; where none does, look at the data."""
    from textwright.comparison.advice import best_to_serve

    best = best_to_serve(board)
    if best is None:
        return f"textwright data check {shlex.quote(source)}{flags}"
    return f"textwright serve {shlex.quote(str(out / best.artifact))}"
