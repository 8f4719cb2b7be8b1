"""Measure whether a model that abstains keeps the error rate that was asked for, on test, over five seeds.

Run: ``python benchmarks/abstention.py``

A model is trained for each seed, which also draws the split. The confidence from which on it answers is chosen on
validation for each error rate; all that is written was measured on test.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _common import save, versions
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.evaluate.coverage import confidences_of
from textwright.evaluate.predictions import observe
from textwright.pipeline import BuildPlan, build_artifact
from textwright.runtime.loading import load
from textwright.training.abstention import fit_abstention
from textwright.training.settings import TrainSettings

SOURCES = ("airline-tweets",)
FAMILY = "bow"
NUM_EPOCHS = 5
SEEDS = (0, 1, 2, 3, 4)
ERROR_RATES = (0.05, 0.1, 0.15)


def measure(source: str, seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Train one model, and measure it for each error rate."""
    data = DataSettings(split_seed=seed)
    training = TrainSettings(family=FAMILY, seed=seed, num_epochs=NUM_EPOCHS)
    build_artifact(BuildPlan(source, data, training, {}), folder)
    predictor, dataset = load(folder), load_dataset(source, data)
    validation, test = (observe(predictor, part) for part in (dataset.validation, dataset.test))
    confidences = confidences_of(test)
    for rate in ERROR_RATES:
        row = {"seed": seed, "max_error_rate": rate, "error_of_all": 1 - float(test.correct.mean())}
        try:
            chosen = fit_abstention(confidences_of(validation), validation.correct, rate)
        except DataError:
            yield {**row, "is_shown": False}
            continue
        answered = confidences >= chosen.min_confidence
        yield {
            **row,
            "is_shown": True,
            "min_confidence": chosen.min_confidence,
            "coverage": float(answered.mean()),
            "error_rate": 1 - float(test.correct[answered].mean()),
        }


def summary(source: str, rate: float, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Average over the seeds for which the rate could be shown."""
    shown = [row for row in rows if row["max_error_rate"] == rate and row["is_shown"]]
    means = {
        name: round(statistics.mean(row[name] for row in shown), 4)
        for name in ("error_of_all", "coverage", "error_rate")
        if shown
    }
    above = sum(row["error_rate"] > rate for row in shown)
    return {"source": source, "max_error_rate": rate, "num_shown": len(shown), "num_above": above, **means}


def main() -> None:
    """Measure every source and write the result file."""
    rows: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in SOURCES:
            rows[source] = [row for seed in SEEDS for row in measure(source, seed, Path(folder) / f"{source}-{seed}")]
    summaries = [summary(source, rate, rows[source]) for source in SOURCES for rate in ERROR_RATES]
    save(
        "abstention",
        {
            "versions": versions(),
            "family": FAMILY,
            "num_epochs": NUM_EPOCHS,
            "num_seeds": len(SEEDS),
            "summaries": summaries,
            "rows": rows,
        },
    )
    for item in summaries:
        print(item)


if __name__ == "__main__":
    main()
