"""How accurate is each family, beside a linear baseline on the same split, and what does it cost?

Run: ``make bench-leaderboard``; for some datasets and fewer seeds ``python benchmarks/leaderboard.py bbc-news``.
It is ``textwright compare``: on movie-reviews every recipe, elsewhere the five families; ``--curve`` takes the five
families on parts of the training examples, to show what more labels bring; ``--folds 10`` tests each text once, as the
literature does with movie-reviews, which is for accuracy alone. The protocol stands in each result file.
Settings are the committed recipes, chosen on validation splits. The runs are kept under ``runs/``, so that a benchmark
that was stopped goes on.

Training is on one thread, and other work may go on beside it, which changes no accuracy: read the seconds of training
as what a busy machine takes. The speed of answering is measured last, side by side, with nothing else running.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

from _common import RUNS, chosen, save
from textwright.comparison.comparison import compare
from textwright.comparison.options import resolve_options
from textwright.core.callbacks import Callback, RunInfo
from textwright.data.settings import DataSettings

FAMILIES = ("linear", "bow", "bow-glove", "cnn-glove", "frozen-bert", "bert")
VARIATIONS = ("bow-bigram", "bow-nb", "bert-r-drop")
DATASETS = {
    "movie-reviews": ((*FAMILIES, *VARIATIONS), "all"),
    "airline-tweets": (FAMILIES, "all"),
    "bbc-news": (FAMILIES, "1000,all"),
}
"""Source -> the recipes that are its rows, and the sizes of its learning curve."""
CURVE = "100,300,1000,3000,all"


class Printer(Callback):
    """Says which run begins, and how long the rest will take."""

    def on_run_begin(self, run: RunInfo) -> None:
        """Name the run."""
        print(f"[{run.number}/{run.total}] {run.name}: {run.summary}", flush=True)

    def on_result(self, result: object, seconds_left: float | None) -> None:  # noqa: ARG002  the form of Callback
        """Say what is left."""
        if seconds_left is not None:
            print(f"{seconds_left / 60:.0f} min left", flush=True)


def main() -> None:
    """Compare on all datasets, or on those named on the command line, and save each leaderboard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--curve", action="store_true")
    parser.add_argument("--folds", type=int)
    parser.add_argument(
        "--rows", help="measure these recipes alone, into a result file of their own; README prefers it"
    )
    parser.add_argument("--trained-on", help="with --folds: where the runs that are there were made, if not here")
    asked = parser.parse_args()
    for source in chosen(parser, asked.datasets, DATASETS):
        if asked.folds:
            fold(source, asked.folds, asked.trained_on)
            continue
        recipes, sizes = (FAMILIES, CURVE) if asked.curve else DATASETS[source]
        if asked.rows:
            recipes, sizes = tuple(asked.rows.split(",")), "all"
        paths = [Path(name) for name in recipes]
        choice = resolve_options(source, DataSettings(), families="none", recipes=paths, sizes=sizes, seeds=asked.seeds)
        out = RUNS / (f"{source}-rows" if asked.rows else source)
        board = compare(choice, out, callbacks=[Printer()])
        command = f"python benchmarks/leaderboard.py {source} --seeds {asked.seeds}" + " --curve" * asked.curve
        command += f" --rows {asked.rows}" if asked.rows else ""
        kind = "rows" if asked.rows else "curve" if asked.curve else "leaderboard"
        save(f"{kind}-{source}", {"command": command, **board.to_json()})


def fold(source: str, num_folds: int, trained_on: str | None) -> None:
    """Compare on folds, one seed each, for accuracy alone."""
    paths = [Path(name) for name in DATASETS[source][0]]
    choice = resolve_options(source, DataSettings(), families="none", recipes=paths, folds=num_folds)
    out = RUNS / f"{source}-{num_folds}-folds"
    board = compare(choice, out, callbacks=[Printer()], measure_speeds=False)
    command = f"python benchmarks/leaderboard.py {source} --folds {num_folds}"
    save(f"folds-{source}", {"command": command, "trained_on": trained_on, **board.to_json()})


if __name__ == "__main__":
    main()
