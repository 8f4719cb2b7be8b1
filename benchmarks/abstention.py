"""Does a model that abstains keep to the error rate that was asked for, and does it know texts unlike its own?

Run: ``make bench-abstention``; it takes the models of ``make bench-leaderboard``, as many seeds as there are.

Protocol: as ``textwright train --max-error-rate`` does, the confidence from which on a model answers is chosen on the
texts of the validation split, and coverage and error rate are measured on the test split. Since each source has one
validation split, which all models share, the rule is also held against a population that is known whole: the validation
and test texts together. Validation splits are drawn from it, with replacement (200 for each model); the confidence is
chosen on each, and the error rate of its answers is counted over the population. "Above" is the share of draws for
which that is above the one asked for; the rule allows 5 %. A split on which the rate cannot be shown is counted as
refused, as ``train`` refuses there.

Out of distribution: for each model of one seed, texts of other sources (test texts of the other two, single sentences
of bbc-news, and Chinese, Spanish and technical English texts of the battery) beside its own test texts. For each way to
score a text (1 - confidence; energy, minus the log of the sum of the exponentials of the logits; surprisal, as
``train --ood-rate`` stores it) the area under the ROC curve: 0.5 is chance, below it the other texts look more like the
training texts than the model's own. And for surprisal, at rates of 1 % and 5 %, the share of texts that are rejected.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_OFFLINE="1")

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from _common import RUNS, save, versions
from battery_sources import SOURCES as BATTERY
from textwright.core import artifact as artifacts
from textwright.core.surprisal import Surprisal
from textwright.core.tokenizer import TextTokenizer
from textwright.core.types import Bools, Float32s
from textwright.data.dataset import Dataset
from textwright.data.load import load_dataset
from textwright.data.settings import DataSettings
from textwright.errors import DataError
from textwright.evaluate.predictions import observe
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.training.abstention import fewest_texts, fit_abstention, fit_max_surprisal

SOURCES: Final = ("movie-reviews", "airline-tweets", "bbc-news")
RECIPES: Final = ("linear", "bow", "bow-glove", "cnn-glove", "frozen-bert", "bert")
RATES: Final = (0.02, 0.05, 0.1)
NUM_DRAWS: Final = 200
OTHERS: Final = ("docstrings", "spanish-interface", "chinese-300")
"""Sources of the battery whose texts are held against each model."""
OOD_RATES: Final = (0.01, 0.05)
NUM_OTHERS: Final = 400
LARGEST: Final = 1e6
"""Stands for the surprisal of a text of which no token is known, as a ROC curve takes no infinity."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of N texts: how sure it is, and whether it is right, (N,) each."""

    confidences: Float32s
    is_right: Bools

    def part(self, positions: np.ndarray) -> Answers:
        """Take some of them."""
        return Answers(self.confidences[positions], self.is_right[positions])


def main() -> None:
    """Measure all models there are, and save one row for each source, recipe and rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="*", choices=RECIPES, default=RECIPES)
    recipes = parser.parse_args().recipes
    datasets = {source: load_dataset(source, DataSettings()) for source in SOURCES}
    rows = [row for source in SOURCES for row in measure(source, datasets[source], recipes)]
    unlike = [row for source in SOURCES for row in measure_unlike(source, datasets, recipes)]
    command = "python benchmarks/abstention.py" + (f" --recipes {' '.join(recipes)}" if recipes != RECIPES else "")
    save(
        "abstention",
        {"command": command, "versions": versions("textwright", "onnxruntime"), "rows": rows, "unlike": unlike},
    )


def measure(source: str, dataset: Dataset, recipes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Give a row for each recipe and rate that the validation split is large enough for."""
    for recipe in recipes:
        folders = sorted((RUNS / source / "runs" / recipe / "all").glob("seed-*/artifact"))
        models = [answers_of(folder, dataset) for folder in folders if (folder / artifacts.MANIFEST).is_file()]
        for rate in RATES if models else ():
            if fewest_texts(rate) <= len(dataset.validation):
                row = {"source": source, "recipe": recipe, "num_seeds": len(models), "max_error_rate": rate}
                yield row | summarize(models, len(dataset.validation), rate)
        print(f"{source}, {recipe}: {len(models)} seeds", flush=True)


def answers_of(folder: Path, dataset: Dataset) -> Answers:
    """Predict the validation texts, and the test texts after them."""
    predictor = load(folder)
    found = [observe(predictor, examples) for examples in (dataset.validation, dataset.test)]
    return Answers(
        np.concatenate([item.of_predicted(item.probabilities) for item in found]),
        np.concatenate([item.correct for item in found]),
    )


def summarize(models: Sequence[Answers], num_validation: int, rate: float) -> dict[str, Any]:
    """Measure the splits as they are, one result for each model, and splits that are drawn from both."""
    as_split, drawn = [], []
    for seed, model in enumerate(models):
        positions = np.arange(len(model.is_right))
        validation, test = model.part(positions[:num_validation]), model.part(positions[num_validation:])
        as_split.append(outcome(validation, test, rate))
        generator = np.random.default_rng(seed)
        draws = generator.choice(len(positions), (NUM_DRAWS, num_validation))
        drawn += [outcome(model.part(draw), model, rate) for draw in draws]
    return {
        "accuracy": statistics.fmean(float(model.is_right[num_validation:].mean()) for model in models),
        "test_split": figures(as_split),
        "drawn": figures(drawn) | {"above": sum(wrong > rate * texts for _, texts, wrong in kept(drawn)) / len(drawn)},
    }


def outcome(validation: Answers, measured: Answers, rate: float) -> tuple[int, int, int] | None:
    """Choose by the validation texts; count the measured texts, the answers to them, and the wrong ones."""
    try:
        least = fit_abstention(validation.confidences, validation.is_right, rate).min_confidence
    except DataError:
        return None
    answers = measured.confidences >= np.float32(least)
    return len(answers), int(answers.sum()), int((answers & ~measured.is_right).sum())


def kept(outcomes: Sequence[tuple[int, int, int] | None]) -> list[tuple[int, int, int]]:
    """Leave out what was refused."""
    return [found for found in outcomes if found is not None]


def figures(outcomes: Sequence[tuple[int, int, int] | None]) -> dict[str, Any]:
    """Sum up what was found: the means over outcomes that were not refused; None where all were."""
    shown = kept(outcomes)
    return {
        "refused": 1 - len(shown) / len(outcomes),
        "coverage": statistics.fmean(answered / texts for texts, answered, _ in shown) if shown else None,
        "error_rate": statistics.fmean(wrong / max(answered, 1) for _, answered, wrong in shown) if shown else None,
    }


def measure_unlike(source: str, datasets: Mapping[str, Dataset], recipes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Give a row for each recipe and kind of other texts."""
    dataset = datasets[source]
    others = {name: sample(it.test.texts) for name, it in datasets.items() if name != source}
    if source != "bbc-news":
        articles = sample(datasets["bbc-news"].test.texts)
        others["one sentence of bbc-news"] = [text.split(". ")[1] for text in articles if text.count(". ") > 1]
    for name in OTHERS:
        others[name] = [example.text for example in BATTERY[name].make(NUM_OTHERS).examples]
    own = sample(dataset.test.texts)
    for recipe in recipes:
        folder = RUNS / source / "runs" / recipe / "all" / "seed-0" / "artifact"
        if not (folder / artifacts.MANIFEST).is_file():
            continue
        predictor = load(folder)
        surprisal = Surprisal.fit(dataset.train.texts, TextTokenizer(predictor.artifact.tokenizer()))
        validation = surprisal.of_texts(predictor.encode(dataset.validation.texts))
        rates = [rate for rate in OOD_RATES if rate * (len(validation) + 1) >= 1]
        bounds = {rate: fit_max_surprisal(validation, rate) for rate in rates}
        mine = scores_of(predictor, surprisal, own)
        for name, texts in others.items():
            theirs = scores_of(predictor, surprisal, texts)
            areas = {
                kind: float(
                    roc_auc_score([0] * len(own) + [1] * len(texts), np.concatenate([mine[kind], theirs[kind]]))
                )
                for kind in mine
            }
            rejected = {
                f"{rate:g}": {
                    "own": float((mine["surprisal"] > bound).mean()),
                    "others": float((theirs["surprisal"] > bound).mean()),
                }
                for rate, bound in bounds.items()
            }
            yield {"source": source, "recipe": recipe, "others": name, "roc_auc": areas, "rejected": rejected}
        print(f"{source}, {recipe}: out of distribution", flush=True)


def sample(texts: Sequence[str]) -> list[str]:
    """Draw some texts, always the same ones."""
    positions = np.random.default_rng(0).permutation(len(texts))[:NUM_OTHERS]
    return [texts[position] for position in positions.tolist()]


def scores_of(predictor: Predictor, surprisal: Surprisal, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Score how unlike its training texts a model finds texts, in three ways, (N,) each."""
    logits = predictor.logits(texts).astype(np.float64)
    return {
        "confidence": 1 - predictor.probabilities(logits.astype(np.float32)).max(axis=1),
        "energy": -np.logaddexp.reduce(logits, axis=1),
        "surprisal": np.minimum(surprisal.of_texts(predictor.encode(texts)), LARGEST),
    }


if __name__ == "__main__":
    main()
