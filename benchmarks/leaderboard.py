"""How accurate is each family, beside a linear baseline on the same split, and what does it cost?

Run: ``python benchmarks/leaderboard.py``, or for some datasets: ``python benchmarks/leaderboard.py bbc-news``. It is
``textwright compare`` with every family and every recipe of another name, 5 seeds and the whole learning curve; the
protocol stands in each result file. Settings are the committed recipes, chosen on validation splits. The runs are kept
under ``runs/``, so that a benchmark that was stopped goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from _common import save
from textwright.compare.choice import choose
from textwright.compare.comparison import SilentListener, compare
from textwright.compare.leaderboard import Leaderboard
from textwright.compare.runs import Run
from textwright.compare.schedule import Schedule
from textwright.data.settings import DataSettings
from textwright.train.progress import Progress

DATASETS = ("movie-reviews", "airline-tweets", "bbc-news")
ROOT = Path(__file__).parents[1]


class Printer(SilentListener):
    """Says which run begins, and how long the rest will take."""

    def on_run(self, run: Run) -> Progress:
        """Name the run."""
        print(run.folder, flush=True)
        return super().on_run(run)

    def on_board(self, board: Leaderboard, schedule: Schedule) -> None:
        """Say what is left."""
        left = schedule.seconds_left()
        done = sum(row.num_done for row in board.rows)
        print(f"{done} done" + ("" if left is None else f", {left / 60:.0f} min left"), flush=True)


def main() -> None:
    """Compare on all datasets, or on those named on the command line, and save each leaderboard."""
    for source in sys.argv[1:] or DATASETS:
        choice = choose(source, DataSettings(), recipes=sorted((ROOT / "recipes").glob("*.toml")))
        board = compare(choice, ROOT / "runs" / "benchmarks" / source, listener=Printer())
        save(f"leaderboard-{source}", {"command": f"python benchmarks/leaderboard.py {source}", **board.to_json()})


if __name__ == "__main__":
    main()
