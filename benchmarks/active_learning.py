"""Chosen labels beside random ones: accuracy of the linear family on airline-tweets by the number of labels, 5 seeds.

Run: ``python benchmarks/active_learning.py``

A seed draws 200 texts of the training split, which both arms learn first. Then each arm gets 100 labels a step: at
random, or chosen as ``textwright review --artifact`` chooses them, by the model that has the labels so far. Accuracy is
measured on the whole test split, which chooses nothing. The model is TF-IDF of words and characters with a logistic
regression at a fixed strength. The n-grams and their document frequencies are those of all training texts, whose labels
are not looked at, for both arms alike.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from _common import ROOT, save, versions
from textwright.core.labels import Labels, Task
from textwright.core.numerics import softmax
from textwright.core.types import Float32s, Ints
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.review.selection import choose_texts, uncertainty
from textwright.review.text_features import TextFeatures
from textwright.training.linear_features import LinearFeatures
from textwright.training.linear_search import LogisticProblem
from textwright.training.logistic import label_columns

SOURCE = "airline-tweets"
SEEDS = (0, 1, 2, 3, 4)
FIRST, STEP, LAST = 200, 100, 1_000
STRENGTH = 10.0
ARMS = ("random", "chosen")


def fit(features: TextFeatures, rows: Ints, targets: Ints, labels: Labels) -> Float32s:
    """Learn from some texts, and give the logits of all."""
    learned = LinearFeatures(features.matrix[rows], features.num_words)
    kind = learned.kinds[-1]
    matrix, to_ngrams = learned.all_texts(kind)
    problem = LogisticProblem(targets[rows], label_columns(targets[rows], labels), labels)
    solution = problem.by_label(problem.solve(matrix, STRENGTH, None))
    return np.asarray(features.matrix @ to_ngrams(solution.scores) + solution.bias, dtype=np.float32)


def curve(features: TextFeatures, targets: Ints, num_train: int, labels: Labels, seed: int, arm: str) -> list[float]:
    """Measure one arm of one seed at each number of labels."""
    order = np.random.default_rng(seed).permutation(num_train)
    rows, accuracies = order[:FIRST], []
    while True:
        logits = fit(features, rows, targets, labels)
        accuracies.append(float((logits[num_train:].argmax(axis=1) == targets[num_train:]).mean()))
        if len(rows) >= LAST:
            return accuracies
        if arm == "random":
            rows = order[: len(rows) + STEP]
        else:
            unsure = uncertainty(softmax(logits[:num_train]), Task.SINGLE_LABEL)
            rows = np.concatenate([rows, choose_texts(unsure, features, STEP, known=rows)])


def labels_needed(numbers: Sequence[int], accuracies: Sequence[float], bar: float) -> int | None:
    """Return the number of labels from which the accuracy is reached; None for none."""
    return next((number for number, value in zip(numbers, accuracies, strict=True) if value >= bar), None)


def main() -> None:
    """Measure both arms, say from how many labels the chosen ones reach what 1,000 random ones do, and draw it."""
    dataset = load_dataset(SOURCE, DataSettings())
    texts, num_train = [*dataset.train.texts, *dataset.test.texts], len(dataset.train)
    targets = np.concatenate([dataset.train.targets, dataset.test.targets]).astype(np.int64)
    features = TextFeatures.of(texts, len(dataset.labels))
    numbers = list(range(FIRST, LAST + 1, STEP))
    curves: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}
    for seed in SEEDS:
        for arm in ARMS:
            curves[arm].append(curve(features, targets, num_train, dataset.labels, seed, arm))
            print(seed, arm, [round(value, 4) for value in curves[arm][-1]], flush=True)
    means = {arm: [statistics.fmean(column) for column in zip(*curves[arm], strict=True)] for arm in ARMS}
    bars = [one[-1] for one in curves["random"]]
    per_seed = [labels_needed(numbers, one, bar) for one, bar in zip(curves["chosen"], bars, strict=True)]
    content: dict[str, Any] = {
        "source": SOURCE,
        "num_train": num_train,
        "num_test": len(targets) - num_train,
        "num_labels": numbers,
        "mean_accuracy": means,
        "per_seed": curves,
        "labels_needed": {
            "of_the_mean_curves": labels_needed(numbers, means["chosen"], means["random"][-1]),
            "per_seed": per_seed,
        },
    }
    save("active_learning", {**content, "versions": versions("textwright", "numpy", "scipy")})
    draw(numbers, curves, means)


def draw(numbers: Sequence[int], curves: dict[str, list[list[float]]], means: dict[str, list[float]]) -> None:
    """Draw the curves: means, and the range over the seeds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for arm, color in zip(ARMS, ("#8a6d3b", "#0f766e"), strict=True):
        columns = list(zip(*curves[arm], strict=True))
        axes.fill_between(numbers, list(map(min, columns)), list(map(max, columns)), color=color, alpha=0.15)
        axes.plot(numbers, means[arm], color=color, marker="o", label=f"{arm} labels, mean of {len(SEEDS)} seeds")
    axes.axhline(means["random"][-1], color="#8a6d3b", linestyle=":", label=f"{LAST:,} random labels")
    axes.set(xlabel="labels", ylabel="accuracy on the test split", title=SOURCE)
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    figure.savefig(ROOT / "docs" / "images" / "active-learning.png", dpi=110)


if __name__ == "__main__":
    main()
