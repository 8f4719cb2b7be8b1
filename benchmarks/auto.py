"""Does one command find a model as accurate as the best family, several times as fast, within half an hour?

Run: ``make bench-auto``; for some sources and another budget ``python benchmarks/auto.py bbc-news --budget-minutes 3``.
Each source gets ``textwright auto SOURCE --budget-minutes 30`` and no other flag, on two cores. Beside what it ships
stands the best family of the source's leaderboard, as accurate as that was over its seeds; where there is no
leaderboard, the family that was best on the validation texts of the search, with its default settings, measured on the
test texts. Throughput of both is measured in turn, one thread each, with nothing else running.

Asked is: accuracy not below the lower end of the best family's 95 % interval, at three times its throughput or more.
movie-reviews, airline-tweets and bbc-news were used while the search was written; the other sources were not. A search
that was stopped goes on when the same command is given again. ``--conditions`` notes what else ran meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

os.environ["OMP_NUM_THREADS"] = "2"

from _common import RESULTS, RUNS, chosen, save, versions
from textwright.core.callbacks import Callback, RunInfo
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.evaluate.benchmark import benchmark
from textwright.evaluate.intervals import share
from textwright.evaluate.predictions import observe
from textwright.model_search.report import AutoReport
from textwright.model_search.search import SEARCH, auto
from textwright.model_search.settings import AutoSettings
from textwright.model_search.trials import StepKind
from textwright.runtime.loading import load

DEVELOPED_ON: Final = ("movie-reviews", "airline-tweets", "bbc-news")
OTHERS: Final = ("imdb-reviews", "mixed-tweets")
TIMES_FASTER: Final = 3.0
"""Asked of the throughput, against the best family."""


@dataclass(frozen=True, slots=True)
class BestFamily:
    """What a search is held against.

    Args:
        name: Of the family.
        accuracy: On the test texts.
        low: Lower end of its 95 % interval.
        from_leaderboard: Whether that is the mean over the seeds of a committed leaderboard.
    """

    name: str
    accuracy: float
    low: float
    from_leaderboard: bool


class Printer(Callback):
    """Says what is tried, and what came of it."""

    def on_run_begin(self, run: RunInfo) -> None:
        """Name the step."""
        print(f"  {run.name}: {run.summary}", flush=True)

    def on_run_end(self, run: RunInfo, outcome: str) -> None:
        """Say what came of it."""
        print(f"    {run.name} {outcome}", flush=True)


def main() -> None:
    """Search on all sources, or on those named on the command line, and save what came of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--budget-minutes", type=float, default=30.0)
    parser.add_argument("--conditions", default="nothing else ran", help="what else ran meanwhile")
    parser.add_argument("--result", default="auto", help="name of the result file")
    asked = parser.parse_args()
    rows = {}
    for source in chosen(parser, asked.sources, (*DEVELOPED_ON, *OTHERS)):
        print(source, flush=True)
        rows[source] = measure(source, asked.budget_minutes)
        print(json.dumps(rows[source]["verdict"], indent=2), flush=True)
    command = f"python benchmarks/auto.py {' '.join(rows)} --budget-minutes {asked.budget_minutes:g}"
    libraries = versions("torch", "onnxruntime", "numpy")
    save(asked.result, {"command": command, "conditions": asked.conditions, "versions": libraries, "sources": rows})


def measure(source: str, budget_minutes: float) -> dict[str, Any]:
    """Search on a source, and hold what is shipped against the best family."""
    out = RUNS / "auto" / f"{source}-{budget_minutes:g}"
    settings = AutoSettings(budget_minutes=budget_minutes)
    report = auto(source, out, settings, DataSettings(), [Printer()])
    if report.test is None:
        raise SystemExit(f"{source}: nothing was shipped, though there were no constraints")
    best = of_leaderboard(source) or of_search(source, report, out)
    gain = throughput_gain(source, report, best, out)
    accuracy = report.test.metrics[report.primary_metric]
    verdict = {
        "accuracy": accuracy.value,
        "best_family": best.name,
        "best_family_accuracy": best.accuracy,
        "needed_accuracy": best.low,
        "is_accurate": accuracy.value >= best.low,
        "throughput_gain": gain,
        "is_fast": None if gain is None else gain >= TIMES_FASTER,
    }
    return {
        "budget_minutes": budget_minutes,
        "was_used_in_development": source in DEVELOPED_ON,
        "verdict": verdict,
        "is_from_leaderboard": best.from_leaderboard,
        "report": report.to_json(),
    }


def of_leaderboard(source: str) -> BestFamily | None:
    """Read the best row of a committed leaderboard that is a family with its default settings."""
    path = RESULTS / f"leaderboard-{source}.json"
    if not path.is_file():
        return None
    board = json.loads(path.read_text(encoding="utf-8"))
    rows = [row for row in board["rows"] if not row["is_baseline"] and row["settings"]["family"] == row["name"]]
    best = max(rows, key=lambda row: row["metrics"][board["primary_metric"]]["value"])
    metric = best["metrics"][board["primary_metric"]]
    return BestFamily(best["name"], metric["value"], metric["low"], from_leaderboard=True)


def of_search(source: str, report: AutoReport, out: Path) -> BestFamily:
    """Take the family that was best on the validation texts with its defaults, and measure it on the test texts."""
    families = defaults(report)
    name = max(families, key=lambda name: families[name][0])
    test = load_dataset(source, DataSettings()).test
    interval = share(observe(load(artifact_of(families[name][1], out)), test).correct)
    return BestFamily(name, interval.value, interval.low, from_leaderboard=False)


def defaults(report: AutoReport) -> dict[str, tuple[float, str]]:
    """Give score and folder of each family that the search trained on all texts with its default settings."""
    trials = [
        trial for trial in report.trials if trial.step.kind is StepKind.TRAIN and trial.step.name == trial.step.family
    ]
    return {trial.step.family: (trial.score or 0.0, trial.models[0].folder) for trial in trials if trial.models}


def artifact_of(folder: str, out: Path) -> Path:
    """Find an artifact of a search."""
    return out / SEARCH / folder


def throughput_gain(source: str, report: AutoReport, best: BestFamily, out: Path) -> float | None:
    """Time what is shipped and the best family in turn; None if the search had no time to train that family whole."""
    families = defaults(report)
    if best.name not in families:
        return None
    texts = load_dataset(source, DataSettings()).validation.texts
    paths = {"shipped": out / "artifact", "best": artifact_of(families[best.name][1], out)}
    timings = benchmark({name: load(path, num_threads=1).predict for name, path in paths.items()}, texts)
    return timings["shipped"].throughput_gain(timings["best"])


if __name__ == "__main__":
    main()
