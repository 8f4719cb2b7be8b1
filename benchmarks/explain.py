"""Are explanations faithful on real reviews, and what do they cost?

Faithful: removing the words that speak most for the label must lower its probability more than removing as many random
words. Cost: p50 of explaining a lone text beside p50 of predicting it, in turn, on one thread. Run with nothing else
running: ``make bench-explain``; or on models that are there, without saving: ``python benchmarks/explain.py RUN ...``.
Ends with status 1 where an explanation is not faithful, or costs more than ten predictions.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import numpy as np

import textwright
from _common import save, trained, versions
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.runtime.explanation import TextExplanation
from textwright.runtime.predictor import Predictor

RECIPES = ("bow", "cnn-glove", "bert")
NUM_TEXTS = 200
NUM_TIMED = 60
REMOVED = (0.1, 0.2, 0.3)
MAX_RATIO = 10.0


def without(text: str, explanation: TextExplanation, removed: Sequence[int]) -> str:
    """Cut words out of a text, by their offsets."""
    for index in sorted(removed, reverse=True):
        word = explanation.words[index]
        text = text[: word.start] + text[word.end :]
    return text


def faithfulness(predictor: Predictor, texts: list[str]) -> dict[str, Any]:
    """Remove a share of the words, those that say most or random ones; how far does the probability fall?"""
    explanations = predictor.explain(texts)
    random = np.random.default_rng(0)
    orders = {
        "most": [np.argsort([-word.contribution for word in item.words]).tolist() for item in explanations],
        "random": [random.permutation(len(item.words)).tolist() for item in explanations],
    }
    labels = [item.label for item in explanations]
    before = [item.probabilities[label] for item, label in zip(predictor.predict(texts), labels, strict=True)]
    falls: dict[str, list[float]] = {}
    for name, ranked in orders.items():
        falls[name] = []
        for share in REMOVED:
            left = [
                without(text, item, order[: max(1, round(share * len(order)))])
                for text, item, order in zip(texts, explanations, ranked, strict=True)
            ]
            after = [item.probabilities[label] for item, label in zip(predictor.predict(left), labels, strict=True)]
            falls[name].append(float(np.mean(np.subtract(before, after))))
    return {"num_texts": len(texts), "share_of_words_removed": REMOVED, "fall_of_probability": falls}


def cost(predictor: Predictor, texts: list[str]) -> dict[str, Any]:
    """Time predicting and explaining each text alone, in turn."""
    seconds: dict[str, list[float]] = {"predict": [], "explain": []}
    actions: dict[str, Callable[[list[str]], object]] = {"predict": predictor.predict, "explain": predictor.explain}
    for text in [texts[0], *texts]:
        for name, action in actions.items():
            start = perf_counter()
            action([text])
            seconds[name].append(perf_counter() - start)
    p50 = {name: 1e3 * statistics.median(values[1:]) for name, values in seconds.items()}
    return {"num_texts": len(texts), "p50_ms": p50, "ratio": p50["explain"] / p50["predict"]}


def measure(folder: Path, texts: list[str]) -> dict[str, Any]:
    """Measure one model."""
    predictor = textwright.load(folder, num_threads=1)
    return {
        "method": predictor.explain(texts[:1])[0].method.value,
        "faithfulness": faithfulness(predictor, texts),
        "cost": cost(predictor, texts[:NUM_TIMED]),
    }


def is_good(found: dict[str, Any]) -> bool:
    """Say whether explanations are faithful and cheap enough."""
    falls = found["faithfulness"]["fall_of_probability"]
    return found["cost"]["ratio"] <= MAX_RATIO and all(map(float.__gt__, falls["most"], falls["random"]))


def main() -> None:
    """Measure, print and save."""
    texts = list(load_dataset("movie-reviews", DataSettings()).test.texts)
    texts = Random(0).sample(texts, NUM_TEXTS)  # noqa: S311  no secret; the file holds one label after the other
    given = {path: Path(path) for path in sys.argv[1:]}
    folders = given or {recipe: trained("movie-reviews", recipe, seed=0) for recipe in RECIPES}
    found = {name: measure(folder, texts) for name, folder in folders.items()}
    for name, measured in found.items():
        falls, spent = measured["faithfulness"]["fall_of_probability"], measured["cost"]
        print(name, measured["method"], {key: np.round(values, 3).tolist() for key, values in falls.items()}, spent)
    if not given:
        command = {"command": "make bench-explain", "versions": versions("numpy", "onnxruntime", "tokenizers")}
        save("explain", {**command, "models": found})
    sys.exit(not all(map(is_good, found.values())))


if __name__ == "__main__":
    main()
