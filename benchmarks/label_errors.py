"""Find labels that were flipped at random: 5 % of a source's labels, over 5 seeds; precision and recall.

Run: ``python benchmarks/label_errors.py``; for one source ``python benchmarks/label_errors.py bbc-news``. What was
measured of other sources stays in the file.

A seed draws the flipped texts and the wrong label of each. Labels that the source itself has wrong count as false
alarms. The ceiling is what the same probabilities could give at best: texts ranked by the difference between the most
probable other label and the given one, cut where F1 is highest, which takes knowing what was flipped. The strength of
the regularization and the rule were chosen on seeds 100 and 101 of bbc-news.
"""

from __future__ import annotations

import json
import statistics
from argparse import ArgumentParser
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import numpy as np

from _common import RESULTS, chosen, save, versions
from textwright.core.callbacks import Callback
from textwright.core.types import Bools, Float32s, Ints
from textwright.data.load import read_source
from textwright.data.settings import DataSettings
from textwright.review.label_errors import suspect
from textwright.review.settings import CleanSettings
from textwright.review.text_features import TextFeatures

SOURCES = ("bbc-news", "movie-reviews")
SEEDS = (0, 1, 2, 3, 4)
SHARE = 0.05
BAR = 0.9
NAME = "label_errors"


def flip(targets: Ints, num_labels: int, seed: int) -> tuple[Ints, Bools]:
    """Give a random part of the texts another label, each of the others as probable."""
    random = np.random.default_rng(seed)
    rows = random.choice(len(targets), round(SHARE * len(targets)), replace=False)
    changed, is_flipped = targets.copy(), np.zeros(len(targets), dtype=np.bool_)
    changed[rows] = (targets[rows] + random.integers(1, num_labels, len(rows))) % num_labels
    is_flipped[rows] = True
    return changed, is_flipped


def scores(is_suspect: Bools, is_flipped: Bools) -> dict[str, float]:
    """Compute precision and recall."""
    num_right = int((is_suspect & is_flipped).sum())
    return {"precision": num_right / max(int(is_suspect.sum()), 1), "recall": num_right / int(is_flipped.sum())}


def ceiling(probabilities: Float32s, targets: Ints, is_flipped: Bools) -> dict[str, float]:
    """Cut the ranking where F1 is highest."""
    rows = np.arange(len(targets))
    others = probabilities.copy()
    others[rows, targets] = -1
    order = np.argsort(probabilities[rows, targets] - others.max(axis=1), kind="stable")
    right = np.cumsum(is_flipped[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + is_flipped.sum())
    cut = int(f1.argmax())
    return {"precision": float(right[cut] / (cut + 1)), "recall": float(right[cut] / is_flipped.sum())}


def measure(source: str) -> dict[str, Any]:
    """Flip, look for what was flipped, and average over the seeds."""
    collected = read_source(source, DataSettings())
    labels = collected.labels()
    targets = np.asarray(collected.targets(labels), dtype=np.int64)
    features = TextFeatures.of(collected.texts, len(labels))
    seeds: list[dict[str, Any]] = []
    for seed in SEEDS:
        start = perf_counter()
        changed, is_flipped = flip(targets, len(labels), seed)
        probabilities, is_suspect = suspect(features, collected.texts, changed, labels, CleanSettings(), Callback())
        found = {
            "seed": seed,
            "num_flipped": int(is_flipped.sum()),
            "num_suspected": int(is_suspect.sum()),
            **scores(is_suspect, is_flipped),
            "accuracy": float((probabilities.argmax(axis=1) == targets).mean()),
            "ceiling": ceiling(probabilities, changed, is_flipped),
            "seconds": round(perf_counter() - start, 1),
        }
        seeds.append(found)
        print(source, found, flush=True)
    means = {name: mean_of(seeds, name) for name in ("precision", "recall", "accuracy")}
    best = {name: mean_of([item["ceiling"] for item in seeds], name) for name in ("precision", "recall")}
    return {"num_texts": len(targets), "num_labels": len(labels), "mean": means, "ceiling": best, "seeds": seeds}


def mean_of(items: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Sum up over seeds."""
    values = [item[name] for item in items]
    return {"mean": statistics.fmean(values), "min": min(values), "max": max(values)}


def main() -> None:
    """Measure the sources that are named, or both."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*")
    path = RESULTS / f"{NAME}.json"
    sources: Mapping[str, Any] = json.loads(path.read_text())["sources"] if path.is_file() else {}
    for source in chosen(parser, parser.parse_args().sources, SOURCES):
        sources = {**sources, source: measure(source)}
        content = {"share_flipped": SHARE, "bar": BAR, "sources": sources}
        save(NAME, {**content, "versions": versions("textwright", "cleanlab", "numpy", "scipy")})


if __name__ == "__main__":
    main()
