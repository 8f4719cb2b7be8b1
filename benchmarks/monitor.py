"""Does ``monitor`` keep quiet where nothing has changed, speak up where it has, and estimate what it cannot see?

Run: ``python benchmarks/monitor.py [MODEL ...]``. Protocol: a model is trained on movie sentences as a user would; its
reference profile is the one that is shipped. Each domain is predicted once, and draws are taken from what was stored:

- no shift: 200 draws of 500 held-out movie sentences (the test split), without replacement. Bar: alarms in at most 5 %.
- other domains: 200 draws each of 500 tweets, Amazon reviews and newspaper editorials of the asset ``vader``. Bar:
  alarms in at least 95 %.
- label shift: 200 draws each of 500 held-out movie sentences of which 50 %, 65 % and 80 % are positive. Bar: in 90 %
  of the draws the estimated share is within 5 points, and the expected accuracy within 3 points, of what is true of
  the very texts that were drawn.

Alarm level and smallest effect are the defaults of the settings, chosen before anything was measured. ``linear`` is
trained on four splits, and all are reported; the others on the first.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

os.environ.update(ORT_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

import numpy as np

from _common import RUNS, chosen, run_textwright, save, versions
from textwright.core import artifact as artifacts
from textwright.core.reference_profile import ReferenceProfile, read_profile
from textwright.core.types import Ints
from textwright.data.assets import asset_path
from textwright.data.dataset import Examples
from textwright.data.settings import DataSettings
from textwright.evaluate.eval_split import select_rows
from textwright.evaluate.intervals import wilson
from textwright.evaluate.predictions import LabeledPredictions, observe
from textwright.evaluate.profile import make_profile
from textwright.monitor.drift_tests import DriftTest, compare_distributions, decide
from textwright.monitor.expected_accuracy import reference_accuracy
from textwright.monitor.monitoring import compare
from textwright.monitor.sample import Sample
from textwright.monitor.settings import MonitorSettings
from textwright.runtime.loading import load
from textwright.runtime.predictor import Predictor
from textwright.runtime.text_facts import TextFacts, describe_texts

SOURCE: Final = "movie-reviews"
SPLITS: Final[Mapping[str, Sequence[int]]] = {"linear": (0, 1, 2, 3), "bow": (0,)}
"""Model -> seeds of the splits that it is trained on."""
DOMAINS: Final = {
    "tweets": "tweets_GroundTruth.txt",
    "Amazon reviews": "amazonReviewSnippets_GroundTruth.txt",
    "editorials": "nytEditorialSnippets_GroundTruth.txt",
}
SHARES: Final = (0.5, 0.65, 0.8)
"""Of positive sentences among the 500."""
NUM_DRAWS: Final = 200
NUM_TEXTS: Final = 500
SETTINGS: Final = MonitorSettings()


@dataclass(frozen=True, slots=True)
class Predicted:
    """A domain, predicted once.

    Args:
        predictions: What the model says, and what is true.
        facts: What the texts are to it.
    """

    predictions: LabeledPredictions
    facts: TextFacts

    def draw(self, rows: Ints) -> Sample:
        """Take some of the texts."""
        return Sample.of_predictions(self.predictions, self.facts, rows)


def main() -> None:
    """Measure the models that are named, all where none is."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("models", nargs="*", help=f"models to measure: {', '.join(SPLITS)}")
    arguments = parser.parse_args()
    measured = {
        name: [measure(name, seed) for seed in SPLITS[name]] for name in chosen(parser, arguments.models, SPLITS)
    }
    content = {
        "protocol": " ".join((__doc__ or "").split("Protocol: ")[1].split()),
        "versions": versions("textwright", "scipy", "numpy", "scikit-learn"),
        "settings": SETTINGS.model_dump(),
        "num_draws": NUM_DRAWS,
        "num_texts": NUM_TEXTS,
        "models": {name: {"splits": rows, "pooled": pooled(rows)} for name, rows in measured.items()},
    }
    save("monitor", content)


def measure(name: str, split_seed: int) -> dict[str, Any]:
    """Measure one model of one split."""
    predictor, test, validation = prepared(name, split_seed)
    profile = read_profile(predictor.artifact)
    if profile is None:  # trained before artifacts held one
        profile = make_profile(predictor, validation, observe(predictor, validation), split="validation")
    movies = predicted(predictor, test)
    domains = {domain: predicted(predictor, vader(file)) for domain, file in DOMAINS.items()}
    random, start = np.random.default_rng(split_seed), perf_counter()
    same = [tests_of(profile, movies.draw(rows)) for rows in draws(random, len(test))]
    seconds = (perf_counter() - start) / NUM_DRAWS
    power = {
        domain: [tests_of(profile, it.draw(rows)) for rows in draws(random, len(it.facts.words))]
        for domain, it in domains.items()
    }
    shifts = {f"{share:.0%}": shifted(profile, movies, share, random) for share in SHARES}
    accuracy = float(movies.predictions.correct.mean())
    print(f"{name}, split {split_seed}: accuracy {accuracy:.3f}, {1e3 * seconds:.0f} ms a draw", flush=True)
    return {
        "split_seed": split_seed,
        "num_reference": profile.num_texts,
        "reference_accuracy": reference_accuracy(profile),
        "test_accuracy": accuracy,
        "seconds_per_draw": seconds,
        "no_shift": alarms(same),
        "domains": {domain: alarms(tests) for domain, tests in power.items()},
        "label_shift": shifts,
    }


def prepared(name: str, split_seed: int) -> tuple[Predictor, Examples, Examples]:
    """Find or train a model; return it with its test and validation texts."""
    out = RUNS / "monitor" / f"{name}-{split_seed}"
    if not (out / "artifact" / artifacts.MANIFEST).is_file():
        run_textwright("train", SOURCE, "--family", name, "--split-seed", str(split_seed), "--out", str(out))
    predictor = load(out, num_threads=1)
    test, validation = (
        select_rows(SOURCE, DataSettings(), predictor.artifact, split, exclude_seen=False).examples
        for split in ("test", "validation")
    )
    return predictor, test, validation


def vader(file: str) -> Examples:
    """Read rated sentences; the sign of the mean rating is the label."""
    lines = (asset_path("vader") / file).read_text(encoding="latin-1").splitlines()
    rows = [line.split("\t", 2) for line in lines if line.count("\t") >= 2]
    return Examples([row[2].strip() for row in rows], np.array([float(row[1]) > 0 for row in rows]).astype(np.int64))


def predicted(predictor: Predictor, examples: Examples) -> Predicted:
    """Predict a domain."""
    return Predicted(observe(predictor, examples), describe_texts(predictor, examples.texts))


def draws(random: np.random.Generator, num_texts: int) -> list[Ints]:
    """Draw rows of so many texts."""
    return [random.choice(num_texts, NUM_TEXTS, replace=False) for _ in range(NUM_DRAWS)]


def shifted(profile: ReferenceProfile, movies: Predicted, share: float, random: np.random.Generator) -> dict[str, Any]:
    """Draw with another share of positive sentences, and compare the estimates with what is true of the texts."""
    targets, correct = movies.predictions.targets, movies.predictions.correct
    num_positive = round(share * NUM_TEXTS)
    share_errors, accuracy_errors, plain_errors, naive_errors, in_interval, share_in_interval = ([] for _ in range(6))
    for _ in range(NUM_DRAWS):
        rows = np.concatenate(
            [
                random.choice(np.flatnonzero(targets == label), number, replace=False)
                for label, number in ((1, num_positive), (0, NUM_TEXTS - num_positive))
            ]
        )
        sample, accuracy = movies.draw(rows), float(correct[rows].mean())
        comparison = compare(profile, sample, SETTINGS)
        if comparison.shares is None or comparison.shifted_accuracy is None:
            raise ValueError("the profile tells no shares of labels")
        interval = comparison.shares.interval(1)
        share_errors.append(interval.value - share)
        naive_errors.append(sample.predicted_counts[1] / NUM_TEXTS - share)
        share_in_interval.append(interval.low <= share <= interval.high)
        accuracy_errors.append(comparison.shifted_accuracy.value - accuracy)
        plain_errors.append(comparison.accuracy.value - accuracy)
        in_interval.append(comparison.shifted_accuracy.low <= accuracy <= comparison.shifted_accuracy.high)
    return {
        "share": {**errors(share_errors, 0.05), "in_interval": float(np.mean(share_in_interval))},
        "share_of_predictions": errors(naive_errors, 0.05),
        "accuracy": {**errors(accuracy_errors, 0.03), "in_interval": float(np.mean(in_interval))},
        "accuracy_without_correction": errors(plain_errors, 0.03),
    }


def errors(values: Sequence[float], bound: float) -> dict[str, float]:
    """Sum errors up: their mean, the mean of their sizes, and the share within a bound."""
    sizes = np.abs(values)
    return {
        "bound": bound,
        "within_bound": float((sizes <= bound).mean()),
        "mean_error": float(np.mean(values)),
        "mean_size": float(sizes.mean()),
    }


def tests_of(profile: ReferenceProfile, sample: Sample) -> list[DriftTest]:
    """Make the tests of a run, which are all that raises its alarm."""
    tests = compare_distributions(profile, sample)
    return decide(tests, alarm_level=SETTINGS.alarm_level, min_effect=SETTINGS.min_effect)


def alarms(runs: Sequence[Sequence[DriftTest]]) -> dict[str, Any]:
    """Count the draws that alarm, and which tests do."""
    number = sum(any(test.is_alarm for test in tests) for tests in runs)
    by_test = {test.name: 0 for test in runs[0]}
    for test in (test for tests in runs for test in tests):
        by_test[test.name] += test.is_alarm
    (interval,) = wilson(np.array([number]), np.array([len(runs)]))
    return {"share": interval.value, "low": interval.low, "high": interval.high, "by_test": by_test}


def pooled(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Average over the splits."""
    return {
        "no_shift": float(np.mean([row["no_shift"]["share"] for row in rows])),
        "domains": {domain: float(np.mean([row["domains"][domain]["share"] for row in rows])) for domain in DOMAINS},
        "label_shift": {
            share: {
                what: float(np.mean([row["label_shift"][share][what]["within_bound"] for row in rows]))
                for what in ("share", "share_of_predictions", "accuracy", "accuracy_without_correction")
            }
            for share in rows[0]["label_shift"]
        },
    }


if __name__ == "__main__":
    main()
