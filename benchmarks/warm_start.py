"""Measure what 300 labels of another domain are worth to `bow`: begun anew, with a trained model, or with all old rows.

Run: ``python benchmarks/warm_start.py``

A model of movie reviews is trained once for each seed. Of the Amazon reviews in the ``vader`` asset, a text is positive
or negative by the sign of its mean rating; those rated within 0.1 of 0 are left out. 300 texts are drawn by the seed as
what was labeled since; all others are the test texts, which nothing is chosen on. Every training has default settings,
and draws its validation and test texts from its own rows.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
from pathlib import Path

import numpy as np

from _common import save, versions
from textwright.data.assets import asset_path
from textwright.data.dataset import Dataset, Examples
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.evaluate.predictions import observe
from textwright.optimize.warm_start import open_warm_start
from textwright.pipeline import BuildPlan, build_artifact
from textwright.runtime.loading import load
from textwright.training.settings import Device, TrainSettings

SEEDS = (0, 1, 2, 3, 4)
NUM_LABELED = 300
LEAST_RATING = 0.1
LABELS = ("negative", "positive")
STARTS = ("old", "anew", "warm", "together")
"""The movie model as it is; the new rows alone; the new rows, begun with it; old and new rows together, begun anew."""


def amazon() -> Examples:
    """Read the Amazon reviews as negative and positive texts."""
    lines = (asset_path("vader") / "amazonReviewSnippets_GroundTruth.txt").read_text("utf-8", "replace").splitlines()
    rows = [(float(rating), text) for _, rating, text in (line.split("\t", 2) for line in lines)]
    clear = [(rating, text) for rating, text in rows if abs(rating) >= LEAST_RATING]
    return Examples([text for _, text in clear], np.array([int(rating > 0) for rating, _ in clear]))


def write_rows(path: Path, *parts: Examples) -> str:
    """Write examples as a CSV file and return its name."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        for part in parts:
            writer.writerows((text, LABELS[target]) for text, target in zip(part.texts, part.targets, strict=True))
    return str(path)


def accuracy(run: Path, examples: Examples) -> float:
    """Measure an artifact."""
    return float(observe(load(run, num_threads=1), examples).correct.mean())


def measure(movies: Dataset, reviews: Examples, seed: int, folder: Path) -> dict[str, dict[str, float]]:
    """Train in each way and measure on both domains."""
    order = np.random.default_rng(seed).permutation(len(reviews))
    labeled, test = reviews.take(order[:NUM_LABELED]), reviews.take(np.sort(order[NUM_LABELED:]))
    settings = TrainSettings(family="bow", seed=seed, device=Device.CPU)
    old = BuildPlan("movie-reviews", DataSettings(), settings, {})
    build_artifact(old, folder / "old")
    new = BuildPlan(write_rows(folder / "new.csv", labeled), DataSettings(), settings, {})
    together = write_rows(folder / "together.csv", movies.train, movies.validation, labeled)
    start = open_warm_start(folder / "old")
    build_artifact(new, folder / "anew")
    build_artifact(BuildPlan(new.source, new.data, settings, {}, warm_start=start), folder / "warm")
    build_artifact(BuildPlan(together, DataSettings(), settings, {}), folder / "together")
    return {
        name: {"amazon": accuracy(folder / name, test), "movies": accuracy(folder / name, movies.test)}
        for name in STARTS
    }


def main() -> None:
    """Measure each way over the seeds."""
    movies, reviews = load_dataset("movie-reviews", DataSettings()), amazon()
    measured = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(measure(movies, reviews, seed, Path(folder)))
        print(seed, measured[-1], flush=True)
    rows = [
        {
            "start": start,
            **{
                f"{domain}_{name}": function([item[start][domain] for item in measured])
                for domain in ("amazon", "movies")
                for name, function in (("mean", statistics.fmean), ("std", statistics.stdev))
            },
        }
        for start in measured[0]
    ]
    content = {
        "protocol": __doc__,
        "num_labeled": NUM_LABELED,
        "num_test": {"amazon": len(reviews) - NUM_LABELED, "movies": len(movies.test)},
        "share_positive": float(reviews.targets.mean()),
        "rows": rows,
        "per_seed": measured,
        "versions": versions("torch", "numpy", "textwright"),
    }
    save("warm_start", content)


if __name__ == "__main__":
    main()
