"""Measure what thresholds and class weights are worth for a rare label: `bow` at 90:10 and 99:1, over three seeds.

Run: ``python benchmarks/imbalance.py``

The subsets are drawn from built-in sources: up to 9,000 texts labeled negative, and as many positive ones as the share
says. Thresholds are chosen on validation; all that is written was measured on test.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from _common import save, versions
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.pipeline import BuildPlan, build_artifact
from textwright.training.settings import TrainSettings

SOURCES = ("airline-tweets", "movie-reviews")
SHARES = (0.1, 0.01)
SEEDS = (0, 1, 2)
MOST_FREQUENT = 9_000
WAYS: Mapping[str, Mapping[str, Any]] = {
    "as trained": {},
    "maximize f1": {"maximize": "f1"},
    "precision at least 0.8": {"precision_at_least": 0.8},
    "balanced": {"class_weight": "balanced"},
}


def subset(source: str, share: float, seed: int) -> Iterator[tuple[str, str]]:
    """Draw texts of two labels of which one is rare."""
    dataset, random = load_dataset(source, DataSettings()), np.random.default_rng(seed)
    texts = [text for split in dataset.splits.values() for text in split.texts]
    targets = np.concatenate([split.targets for split in dataset.splits.values()])
    frequent, rare = (
        random.permutation(np.flatnonzero(targets == dataset.labels.index[name])) for name in ("negative", "positive")
    )
    frequent = frequent[:MOST_FREQUENT]
    rare = rare[: round(len(frequent) * share / (1 - share))]
    is_rare = set(rare.tolist())
    for position in random.permutation(np.concatenate([frequent, rare])).tolist():
        yield texts[position], "rare" if position in is_rare else "frequent"


def measure(path: Path, seed: int, way: Mapping[str, Any], out: Path) -> dict[str, float]:
    """Train one model and measure it on test."""
    plan = BuildPlan(str(path), DataSettings(split_seed=seed), TrainSettings(seed=seed, **way), {})
    built = build_artifact(plan, out)
    if built is None:
        raise RuntimeError("one process trains alone, so it has the artifact")
    test = built.evaluations["test"]
    rare = test.per_label[test.labels.index["rare"]]
    metrics = {name: interval.value for name, interval in test.metrics.items()}
    return {**metrics, "rare_precision": rare.precision.value, "rare_recall": rare.recall.value}


def main() -> None:
    """Measure every way on every subset, and write means over the seeds beside each seed's numbers."""
    rows = []
    for source in SOURCES:
        for share in SHARES:
            seeds: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
            for seed in SEEDS:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "rare.csv"
                    with path.open("w", newline="", encoding="utf-8") as file:
                        csv.writer(file).writerows([("text", "label"), *subset(source, share, seed)])
                    for name, way in WAYS.items():
                        seeds[name].append(measure(path, seed, way, Path(folder) / name.replace(" ", "-")))
            for name, measured in seeds.items():
                means = {metric: statistics.fmean(item[metric] for item in measured) for metric in measured[0]}
                rows.append({"source": source, "share": share, "way": name, "mean": means, "per_seed": measured})
                print(source, share, name, {metric: round(value, 3) for metric, value in means.items()}, flush=True)
    save("imbalance", {"rows": rows, "versions": versions("textwright", "torch", "numpy", "onnxruntime")})


if __name__ == "__main__":
    main()
