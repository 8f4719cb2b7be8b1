"""What ``compare`` returns: the table, how a terminal and a notebook show it, and its models."""

from __future__ import annotations

from textwright.comparison.advice import best_to_serve
from textwright.comparison.leaderboard import Leaderboard, LeaderboardRow
from textwright.display.comparison import leaderboard_tables, show_leaderboard
from textwright.display.tables import to_html
from textwright.display.terminal import Output, Terminal
from textwright.errors import NotFoundError
from textwright.python_api.folders import RunFolder
from textwright.python_api.model import Model, load


class Comparison:
    """Families side by side on the same examples.

    Args:
        board: The complete table.
        folder: Of the comparison; a temporary one goes with this object, its models have copies of their own.
    """

    def __init__(self, board: Leaderboard, folder: RunFolder) -> None:
        self.board = board
        self._folder = folder

    @property
    def rows(self) -> tuple[LeaderboardRow, ...]:
        """The rows, best first: ``row.name``, ``row.metrics``, ``row.speed``, ``row.versus_best``."""
        return self.board.rows

    def model(self, name: str | None = None) -> Model:
        """Load the model of a row.

        Args:
            name: Of the row; None takes the best one that beats the most frequent label.

        Raises:
            NotFoundError: If there is no such row, or it has no model.
        """
        row = best_to_serve(self.board) if name is None else next((it for it in self.rows if it.name == name), None)
        if row is None or not row.artifact:
            models = ", ".join(row.name for row in self.rows if row.artifact)
            what = "no model beats the most frequent label" if name is None else f"no row {name!r} has a model"
            raise NotFoundError(f"{what}; name one of {models}")
        return load(self._folder.path / row.artifact).kept_by(self._folder)

    def show(self) -> None:
        """Print the tables that ``textwright compare`` prints, and its advice."""
        show_leaderboard(Terminal(Output()), self.board)

    def _repr_html_(self) -> str:
        return to_html(leaderboard_tables(self.board), remarks=self.board.advice)
