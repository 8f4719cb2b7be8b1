"""How accurate is each family, over 5 seeds, beside a linear baseline on the same split?

Run by ``make bench-accuracy``. Protocol: each built-in dataset's own examples; one stratified split of 80 / 10 / 10
drawn with split seed 0, in which near duplicates stay together; training seeds 0 to 4; validation decides the epoch
and the temperature; the test split is read once per seed, by evaluating the shipped artifact. Settings are the
committed recipes, chosen on validation splits.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # as fast for these small products, and the same sums on any number of cores

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from _common import RESULTS, save, versions
from textwright.config import read_toml
from textwright.data.dataset import Dataset
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.evaluate.intervals import Interval, wilson
from textwright.pipeline import Plan, build_artifact
from textwright.train.settings import TrainSettings

SEEDS = range(5)
RECIPES = {
    "movie-reviews": ("bow", "bow-bigram", "bow-nb"),
    "airline-tweets": ("bow",),
    "bbc-news": ("bow",),
}


def measure_recipe(source: str, recipe: str) -> dict[str, Any]:
    """Train a recipe once per seed and evaluate each artifact on the test split."""
    settings = read_toml(Path("recipes") / f"{recipe}.toml")
    model = settings.pop("model", {})
    accuracies, seconds, sizes = [], [], []
    for seed in SEEDS:
        plan = Plan(source, DataSettings(), TrainSettings(**{**settings, "seed": seed}), model)
        with tempfile.TemporaryDirectory() as folder:
            start = perf_counter()
            built = build_artifact(plan, Path(folder))
            seconds.append(perf_counter() - start)
            if built is None:
                raise RuntimeError("this benchmark is one process; run it without torchrun")
            accuracies.append(built.evaluations["test"].metrics["accuracy"])
            sizes.append(built.artifact.size_bytes)
        print(f"{source:15} {recipe:12} seed {seed}: {accuracies[-1].value:.4f} in {seconds[-1]:.1f} s", flush=True)
    return {
        **over_seeds(accuracies),
        "seconds_to_artifact": statistics.median(seconds),
        "artifact_bytes": statistics.median(sizes),
    }


def measure_tfidf(dataset: Dataset) -> dict[str, Any]:
    """Fit TF-IDF of words and bigrams with logistic regression; it has no seed, so it is fitted once.

    The regularisation is chosen on the validation split, as the recipes' settings were.
    """
    start = perf_counter()
    fitted = [
        make_pipeline(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=c, max_iter=1000)
        ).fit(list(dataset.train.texts), dataset.train.targets)
        for c in (1.0, 3.0, 10.0, 30.0)
    ]
    best = max(fitted, key=lambda model: model.score(list(dataset.validation.texts), dataset.validation.targets))
    correct = best.predict(list(dataset.test.texts)) == dataset.test.targets
    (interval,) = wilson(np.array([correct.sum()]), np.array([len(correct)]))
    return {**over_seeds([interval]), "seconds_to_artifact": perf_counter() - start}


def over_seeds(accuracies: Sequence[Interval]) -> dict[str, Any]:
    """Sum up one accuracy per seed; the interval is that of one test split, the mean of the seeds' bounds."""
    values = [accuracy.value for accuracy in accuracies]
    return {
        "accuracy": statistics.mean(values),
        "deviation_over_seeds": statistics.stdev(values) if len(values) > 1 else None,
        "low": statistics.mean(accuracy.low for accuracy in accuracies),
        "high": statistics.mean(accuracy.high for accuracy in accuracies),
        "seeds": values,
    }


def measure_dataset(source: str) -> Mapping[str, Any]:
    """Measure every recipe and the linear baseline on one dataset."""
    dataset = load_dataset(source, DataSettings())
    return {
        "num_examples": {name: len(examples) for name, examples in dataset.splits.items()},
        "labels": list(dataset.labels.names),
        "fingerprint": dataset.fingerprint,
        "models": {
            "tf-idf + logistic regression": measure_tfidf(dataset),
            **{recipe: measure_recipe(source, recipe) for recipe in RECIPES[source]},
        },
    }


def main() -> None:
    """Measure all datasets, or those named on the command line; the others keep what the result file holds."""
    measured = {source: measure_dataset(source) for source in sys.argv[1:] or RECIPES}
    path = RESULTS / "accuracy.json"
    kept = json.loads(path.read_text(encoding="utf-8"))["datasets"] if path.is_file() else {}
    content = {
        "command": "make bench-accuracy",
        "protocol": " ".join((__doc__ or "").partition("Protocol: ")[2].split()),
        "versions": versions("torch", "onnxruntime", "tokenizers", "scikit-learn", "numpy"),
        "datasets": {source: {**kept, **measured}[source] for source in RECIPES if source in {**kept, **measured}},
    }
    save("accuracy", content)


if __name__ == "__main__":
    main()
