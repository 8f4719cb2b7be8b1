"""What does optimising gain, and what does it cost in answers? The whole ladder on trained artifacts, over seeds.

Run with nothing else running: ``python benchmarks/optimize.py``, or for some datasets: ``python benchmarks/optimize.py
movie-reviews``. Protocol: each recipe is trained with three seeds on the drawn split; the ladder is tried on each
artifact; gates are on the validation split, accuracy in "test" is on the test split, read once. Gains are against the
fp32 variant of the same artifact, measured in turn, one thread. The recipe called quantize-dynamic is what ONNX
Runtime's quantiser makes of the graph with its defaults. Runs are kept, so that a stopped benchmark goes on.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

from _common import save, versions
from textwright.data.settings import DataSettings
from textwright.optimize.outcome import Outcome
from textwright.optimize.search import optimize
from textwright.optimize.settings import OptimizeSettings
from textwright.optimize.trial import Trial

ROOT = Path(__file__).parents[1]
DATASETS = ("movie-reviews", "airline-tweets")
RECIPES = ("bow", "cnn-glove", "bert")
SEEDS = (0, 1, 2)
SETTINGS = OptimizeSettings(max_drop=0.5, agreement=99.0)


class Printer:
    """Says what is tried."""

    def on_trial(self, name: str, summary: str, number: int, total: int) -> None:
        """Name the recipe."""
        print(f"  [{number}/{total}] {name}: {summary}", flush=True)

    def on_result(self, trial: Trial, verdict: str) -> None:
        """Say the verdict."""
        print(f"    {trial.name} {verdict}", flush=True)


def run(source: str, recipe: str, seed: int) -> Outcome:
    """Train an artifact, unless it is there, and optimise it."""
    folder = ROOT / "runs" / "benchmarks" / "optimize" / source / f"{recipe}-{seed}"
    print(f"{source} {recipe} seed {seed}", flush=True)
    command = [sys.executable, "-m", "textwright", "train", source, "--config", f"recipes/{recipe}.toml", "--quiet"]
    subprocess.run([*command, "--seed", str(seed), "--out", str(folder)], check=True, cwd=ROOT)
    return optimize(folder, source, folder / "optimized", SETTINGS, DataSettings(), Printer())


def over_seeds(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Sum up each recipe of the ladder over the seeds."""
    names = [trial.name for trial in outcomes[0].trials]
    return {
        "gate_accuracy_fp32": statistics.mean(outcome.accuracy for outcome in outcomes),
        "kept": [list(outcome.kept) for outcome in outcomes],
        "test": [{name: it.value for name, it in outcome.test.items()} for outcome in outcomes],
        "recipes": {name: _row([_find(outcome, name) for outcome in outcomes], outcomes) for name in names},
    }


def _find(outcome: Outcome, name: str) -> Trial:
    return next(trial for trial in outcome.trials if trial.name == name)


def _row(trials: Sequence[Trial], outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
    gates = [trial.gate for trial in trials if trial.gate]
    costs = [trial.cost for trial in trials if trial.cost]
    row: dict[str, Any] = {
        "summary": trials[0].summary,
        "verdicts": [outcome.verdict(trial) for trial, outcome in zip(trials, outcomes, strict=True)],
    }
    for field in ("drop", "agreement", "company", "calibration_error"):
        row[field] = [getattr(gate, field) for gate in gates]
    for field in ("latency_gain", "throughput_gain", "size_gain", "latency_ms", "texts_per_second", "memory_bytes"):
        row[field] = [getattr(cost, field) for cost in costs]
    return row


def main() -> None:
    """Measure all datasets, or those named on the command line, and save each."""
    for source in sys.argv[1:] or DATASETS:
        content = {recipe: over_seeds([run(source, recipe, seed) for seed in SEEDS]) for recipe in RECIPES}
        save(
            f"optimize-{source}",
            {
                "command": f"python benchmarks/optimize.py {source}",
                "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
                "settings": SETTINGS.model_dump(mode="json"),
                "versions": versions("onnxruntime", "onnx", "torch", "tokenizers"),
                "recipes": content,
            },
        )


if __name__ == "__main__":
    main()
